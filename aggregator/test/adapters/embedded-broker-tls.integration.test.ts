import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { edgeTopic, silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createEmbeddedBroker, embeddedBrokerSettingsSchema } from '../../src/adapters/broker/embedded/index.js';
import type { EmbeddedBroker } from '../../src/adapters/broker/embedded/index.js';
import { connectEnd } from '../conformance/mqtt-end.js';
import { until } from '../conformance/waiting.js';
import { authenticator } from './broker-harness.js';

// Real processes and sockets on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

const credential = { username: 'edge-1', password: 'secret-edge-1', clientId: 'edge-1' };

describe('the embedded broker with TLS', () => {
  let directory: string;
  let broker: EmbeddedBroker;
  const received: string[] = [];
  const file = (name: string): string => join(directory, name);
  const url = (): string => `mqtts://localhost:${String(broker.tlsAddress()?.port)}`;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-tls-'));
    for (const name of ['broker', 'client', 'stranger']) {
      await promisify(execFile)('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
        ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)],
        ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost'],
      ]);
    }
    broker = createEmbeddedBroker({
      settings: embeddedBrokerSettingsSchema.parse({
        port: null,
        tls: {
          host: '127.0.0.1',
          port: 0,
          certFile: file('broker.crt'),
          keyFile: file('broker.key'),
          clientCaFile: file('client.crt'),
        },
        limits: { authenticationTimeoutMs: 500 },
      }),
      authenticator,
      logger: silentLogger,
      clock: systemClock,
    });
    await broker.start(({ topic }) => received.push(topic));
  });
  afterAll(async () => {
    await broker.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const certificate = async (name: string): Promise<{ ca: Buffer; cert: Buffer; key: Buffer }> => ({
    ca: await readFile(file('broker.crt')),
    cert: await readFile(file(`${name}.crt`)),
    key: await readFile(file(`${name}.key`)),
  });

  it('lets in who shows a certificate it trusts and a credential', async () => {
    expect(broker.address()).toBeNull();
    const edge = await connectEnd(url(), { ...credential, ...(await certificate('client')) });
    await edge.publish(edgeTopic('site-a', 'edge-1', 'events'), '{}', { retain: false });
    await until('the message', () => received.length === 1);
    await edge.close();
  });

  it('refuses a certificate alone, none, and one of a stranger', async () => {
    const trusted = await certificate('client');
    await expect(connectEnd(url(), { ...credential, password: 'wrong', ...trusted })).rejects.toThrow();
    await expect(connectEnd(url(), { ...credential, ca: trusted.ca })).rejects.toThrow();
    await expect(connectEnd(url(), { ...credential, ...(await certificate('stranger')) })).rejects.toThrow();
  });

  it('gives a stranger a bounded time for the handshake', async () => {
    const socket = connect(broker.tlsAddress()?.port ?? 0, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    await until('it is gone', () => socket.destroyed);
  });
});
