/**
 * Plate readers at a real broker: Aedes in this process, and Mosquitto.
 * @needs mosquitto
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';
import { silentLogger } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import { createPlateReaders, plateReadersSettingsSchema } from '../../../src/adapters/plate-readers/index.js';
import type { PlateReaders } from '../../../src/adapters/plate-readers/index.js';
import type { CredentialRead } from '../../../src/app/ports.js';
import { eventually } from '../support/eventually.js';
import { freePort, startMosquitto } from '../support/mosquitto.js';

const password = 'the broker’s password';
const publisher = { username: 'frigate', password: 'frigate-secret' };
const lpr = JSON.stringify({ type: 'lpr', id: '1.5-a', plate: 'KX719QD', score: 0.9, camera: 'drive' });
const generic = JSON.stringify({ tag: '04A1B2' });

interface Broker {
  readonly port: number;
  stop(): Promise<void>;
}

async function startAedes(port = 0): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  aedes.authenticate = (_client, username, given, done) => {
    const known = { reader: password, [publisher.username]: publisher.password }[username ?? ''];
    const isKnown = known !== undefined && given?.toString() === known;
    if (isKnown) done(null, true);
    else done(Object.assign(new Error('refused'), { returnCode: 4 as const }), false);
  };
  const server: Server = createServer({ noDelay: true }, aedes.handle);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      await new Promise<void>((resolve) => {
        aedes.close(resolve);
      });
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const startMosquittoAt = (port?: number): Promise<Broker> =>
  startMosquitto(
    [
      { username: 'reader', password, rules: ['topic read frigate/#', 'topic read tags/#'] },
      { ...publisher, rules: ['topic write #'] },
    ],
    port,
  );

describe.each([
  ['Aedes', startAedes],
  ['Mosquitto', startMosquittoAt],
])('plate readers at %s', (_name, startBroker) => {
  let directory: string;
  let passwordFile: string;
  let reads: CredentialRead[];
  let lines: { readonly text: string; readonly reason: string }[];
  const toStop: { stop(): Promise<void> }[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-readers-'));
    passwordFile = join(directory, 'password');
    await writeFile(passwordFile, `${password}\n`);
    reads = [];
    lines = [];
  });
  afterEach(async () => {
    for (const one of toStop.splice(0).reverse()) await one.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const logger: Logger = {
    ...silentLogger,
    warn: (fields: unknown, text: unknown) => {
      lines.push({ text: String(text), reason: (fields as { reason?: string }).reason ?? '' });
    },
  };
  const broker = async (port?: number): Promise<Broker> => {
    const made = await startBroker(port);
    toStop.push(made);
    return made;
  };
  const listenAt = async (port: number, change: object = {}): Promise<PlateReaders> => {
    const settings = plateReadersSettingsSchema.parse({
      mqtt: [
        {
          sourceId: 'frigate',
          url: `mqtt://127.0.0.1:${String(port)}`,
          username: 'reader',
          passwordFile,
          reconnectMinMs: 10,
          reconnectMaxMs: 50,
          refusedRetryMs: 10,
          ...change,
        },
      ],
      cameras: [
        { cameraId: 'cam', gateId: 'in', format: 'frigate', mqtt: { sourceId: 'frigate', camera: 'drive' } },
        { cameraId: 'tags', gateId: 'in', mqtt: { sourceId: 'frigate', topic: 'tags/in' } },
      ],
    });
    const around = { clock: systemClock, linkClock: systemClock, random: systemRandom, logger };
    const made = createPlateReaders({ settings, clientName: 'gatehouse-north-1', ...around });
    toStop.push(made);
    await made.start((read) => reads.push(read));
    return made;
  };
  const publish = async (port: number, topic: string, text: string, retain = false): Promise<void> => {
    const client = await connectAsync(`mqtt://127.0.0.1:${String(port)}`, { ...publisher, protocolVersion: 4 });
    await client.publishAsync(topic, text, { qos: 1, retain });
    await client.endAsync();
  };
  const isUp = (readers: PlateReaders) => () => readers.sources[0]?.isUp === true;

  it('are heard on Frigate’s topics and on their own, and no listener is opened for them', async () => {
    const { port } = await broker();
    await publish(port, 'tags/in', JSON.stringify({ tag: 'OLD' }), true);
    const readers = await listenAt(port);
    await eventually(isUp(readers), 'connected');
    await publish(port, 'frigate/tracked_object_update', lpr);
    await publish(port, 'tags/in', generic);
    await eventually(() => reads.length === 2, 'both are read');
    expect(reads.map(({ credential }) => credential)).toEqual([
      { kind: 'plate', value: 'KX719QD', confidence: 0.9, source: 'cam' },
      { kind: 'tag', value: '04A1B2', confidence: 1, source: 'tags' },
    ]);
    expect(readers.url).toBeUndefined();
    expect(lines).toEqual([]);
    await readers.stop();
    await readers.stop();
    expect(isUp(readers)()).toBe(false);
  });

  it('are heard again when the broker was away', async () => {
    const first = await broker();
    const readers = await listenAt(first.port);
    await eventually(isUp(readers), 'connected');
    await first.stop();
    toStop.splice(toStop.indexOf(first), 1);
    await eventually(() => !isUp(readers)(), 'disconnected');
    await eventually(() => lines.length >= 2, 'it is told that it went and that nobody answers');
    await broker(first.port);
    await eventually(isUp(readers), 'connected again');
    await publish(first.port, 'frigate/tracked_object_update', lpr);
    await eventually(() => reads.length === 1, 'read');
  });

  it('start without their broker, and are heard once it is there', async () => {
    const port = await freePort();
    const readers = await listenAt(port);
    await eventually(() => lines.length === 1, 'it is told that nobody answers');
    expect(lines[0]).toMatchObject({ reason: expect.stringContaining('ECONNREFUSED') });
    await broker(port);
    await eventually(isUp(readers), 'connected');
  });

  it('say which setting to look at when the password is refused', async () => {
    const { port } = await broker();
    await writeFile(passwordFile, 'wrong');
    const readers = await listenAt(port);
    await eventually(() => lines.length === 1, 'it is told');
    expect(lines[0]?.reason).toContain('look at readers.mqtt.0.username and readers.mqtt.0.passwordFile');
    expect(isUp(readers)()).toBe(false);
  });

  it('end a connection over which more comes than may be collected', async () => {
    const { port } = await broker();
    const readers = await listenAt(port, { maxMessageBytes: 1_024 });
    await eventually(isUp(readers), 'connected');
    await publish(port, 'tags/in', generic.padEnd(4_000));
    await eventually(() => readers.counts.get('tags')?.refused === 1, 'refused');
    expect(isUp(readers)()).toBe(true);
    await publish(port, 'tags/in', generic.padEnd(5_000));
    await eventually(() => lines.some(({ reason }) => reason.includes('4096 are taken')), 'disconnected');
    await eventually(isUp(readers), 'connected again');
  });
});

describe('plate readers at a broker that does not work', () => {
  it('name the file that cannot be used', async () => {
    const settings = (change: object) =>
      plateReadersSettingsSchema.parse({
        mqtt: [{ sourceId: 'frigate', url: 'mqtts://192.0.2.1', ...change }],
        cameras: [{ cameraId: 'tags', gateId: 'in', mqtt: { sourceId: 'frigate', topic: 'tags/in' } }],
      });
    const start = (change: object) => {
      const around = { clock: systemClock, linkClock: systemClock, random: systemRandom, logger: silentLogger };
      return createPlateReaders({ settings: settings(change), clientName: 'x', ...around }).start(() => undefined);
    };
    await expect(start({ username: 'u', passwordFile: '/nowhere' })).rejects.toThrow(
      /readers\.mqtt\.0\.passwordFile: .*ENOENT/,
    );
    await expect(start({ username: 'u', passwordFile: '/dev/null' })).rejects.toThrow(/must hold 1 to 1,000/);
    await expect(start({ tls: { caFile: '/nowhere' } })).rejects.toThrow(/readers\.mqtt\.0\.tls\.caFile: /);
  });

  it('say which file to look at when the broker is not trusted, and hear it when it is', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'gatehouse-readers-tls-'));
    const [certFile, keyFile] = [join(directory, 'broker.crt'), join(directory, 'broker.key')];
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', keyFile, '-out', certFile, '-subj', '/CN=broker', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ]);
    const aedes = await Aedes.createBroker();
    const pair = { cert: await readFile(certFile), key: await readFile(keyFile) };
    const server = createTlsServer(pair, aedes.handle);
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `mqtts://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const reasons: string[] = [];
    const listen = async (tls: object): Promise<PlateReaders> => {
      const made = createPlateReaders({
        settings: plateReadersSettingsSchema.parse({
          mqtt: [{ sourceId: 'nvr', url, tls }],
          cameras: [{ cameraId: 'tags', gateId: 'in', mqtt: { sourceId: 'nvr', topic: 'tags/in' } }],
        }),
        clientName: 'x',
        clock: systemClock,
        linkClock: systemClock,
        random: systemRandom,
        logger: { ...silentLogger, warn: (fields: unknown) => reasons.push((fields as { reason: string }).reason) },
      });
      await made.start(() => undefined);
      return made;
    };
    const distrusting = await listen({});
    await eventually(() => reasons.length > 0, 'not trusted');
    expect(reasons[0]).toContain('readers.mqtt.0.tls.caFile must hold the authority');
    await distrusting.stop();
    const trusting = await listen({ caFile: certFile });
    await eventually(() => trusting.sources[0]?.isUp === true, 'connected');
    await trusting.stop();
    await new Promise<void>((resolve) => {
      aedes.close(resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  it('do not wait longer than they may for one that never answers, tell of it once, and stop at once', async () => {
    const sockets: Socket[] = [];
    const server = createServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const reasons: string[] = [];
    const readers = createPlateReaders({
      settings: plateReadersSettingsSchema.parse({
        mqtt: [
          {
            sourceId: 'mute',
            url: `mqtt://127.0.0.1:${String(port)}`,
            connectTimeoutMs: 100,
            reconnectMinMs: 10,
            reconnectMaxMs: 10,
          },
        ],
        cameras: [{ cameraId: 'tags', gateId: 'in', mqtt: { sourceId: 'mute', topic: 'tags/in' } }],
      }),
      clientName: 'x',
      clock: systemClock,
      linkClock: systemClock,
      random: systemRandom,
      logger: { ...silentLogger, warn: (fields: unknown) => reasons.push((fields as { reason: string }).reason) },
    });
    await readers.start(() => undefined);
    await eventually(() => sockets.length >= 4, 'it tries again and again');
    expect(reasons).toEqual([expect.stringContaining('no answer within 100 ms')]);
    await readers.stop();
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
