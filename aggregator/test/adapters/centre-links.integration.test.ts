/**
 * The embedded broker, and the link to Mosquitto, pass the suite of every centre link.
 * @needs mosquitto
 */
import { jest } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { edgeTopic, silentLogger } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import { createExternalLink, externalBrokerSettingsSchema } from '../../src/adapters/broker/external/index.js';
import { describeCentreLink } from '../conformance/centre-link.js';
import type { TestEnd } from '../conformance/centre-link.js';
import { connectEnd } from '../conformance/mqtt-end.js';
import { until } from '../conformance/waiting.js';
import { createTestBroker, urlOf } from './broker-harness.js';

// Real processes and sockets on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

const willOf = (edgeId: string, payload: string): { topic: string; payload: Buffer; qos: 1; retain: true } => ({
  topic: edgeTopic('site-a', edgeId, 'state'),
  payload: Buffer.from(payload),
  qos: 1,
  retain: true,
});

async function closeAll(ends: readonly TestEnd[]): Promise<void> {
  for (const end of ends) if (end.isConnected) await end.close();
}

describeCentreLink('embedded broker', () => {
  const broker = createTestBroker();
  const ends: TestEnd[] = [];
  const connectAs = async (username: string, will?: string): Promise<TestEnd> => {
    const end = await connectEnd(urlOf(broker), {
      username,
      password: `secret-${username}`,
      clientId: username,
      ...(will === undefined ? {} : { will: willOf(username, will) }),
    });
    ends.push(end);
    return end;
  };
  return Promise.resolve({
    link: broker,
    connectEdge: connectAs,
    connectAuditor: () => connectAs('auditor'),
    canDisconnect: true,
    dispose: async () => {
      await closeAll(ends);
      await broker.stop();
    },
  });
});

describeCentreLink('mosquitto', async () => {
  const mosquitto = await startMosquitto();
  const ends: TestEnd[] = [];
  const connectAs = async (username: string, will?: string): Promise<TestEnd> => {
    const end = await connectEnd(mosquitto.url, {
      username,
      password: `secret-${username}`,
      clientId: username,
      ...(will === undefined ? {} : { will: willOf(username, will) }),
    });
    ends.push(end);
    return end;
  };
  const link = createExternalLink({
    settings: externalBrokerSettingsSchema.parse({
      url: mosquitto.url,
      username: 'aggregator',
      password: 'secret-aggregator',
    }),
    logger: silentLogger,
    clock: systemClock,
    random: systemRandom,
  });
  return {
    link,
    connectEdge: connectAs,
    connectAuditor: () => connectAs('auditor'),
    canDisconnect: false,
    dispose: async () => {
      await closeAll(ends);
      await link.stop();
      await mosquitto.stop();
    },
  };
});

interface Mosquitto {
  readonly url: string;
  stop(): Promise<void>;
}

/** A real Mosquitto with a password and rights for each user of these tests. */
async function startMosquitto(): Promise<Mosquitto> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-mosquitto-'));
  // Mosquitto gives up root's rights and must still read its files.
  await chmod(directory, 0o755);
  const file = (name: string): string => join(directory, name);
  const port = await freePort();
  await writeFile(file('passwords'), '');
  for (const user of ['aggregator', 'edge-1', 'edge-2', 'auditor']) {
    await promisify(execFile)('mosquitto_passwd', ['-b', file('passwords'), user, `secret-${user}`]);
  }
  await chmod(file('passwords'), 0o644);
  const acl = [
    'user aggregator',
    'topic readwrite gatehouse/v1/#',
    'user auditor',
    'topic read gatehouse/v1/site-a/#',
    'pattern write gatehouse/v1/+/%u/state',
    'pattern write gatehouse/v1/+/%u/events',
    'pattern write gatehouse/v1/+/%u/log',
    ...['acks', 'decisions', 'commands', 'allowance', 'log-requests'].map(
      (channel) => `pattern read gatehouse/v1/+/%u/${channel}`,
    ),
  ];
  await writeFile(file('acl'), `${acl.join('\n')}\n`);
  const configuration = [
    `listener ${String(port)} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${file('passwords')}`,
    `acl_file ${file('acl')}`,
    'set_tcp_nodelay true',
    'persistence false',
    'log_dest none',
  ];
  await writeFile(file('mosquitto.conf'), `${configuration.join('\n')}\n`);
  const child = spawn('mosquitto', ['-c', file('mosquitto.conf')], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` },
  });
  let hasEnded = false;
  child.on('exit', () => (hasEnded = true));
  child.on('error', () => (hasEnded = true));
  let isUp = false;
  const knock = (): void => {
    if (hasEnded || isUp) return;
    const socket = connect(port, '127.0.0.1', () => {
      isUp = true;
      socket.destroy();
    });
    socket.on('error', () => setTimeout(knock, 10));
  };
  knock();
  await until('mosquitto listens (Debian package mosquitto)', () => isUp);
  return {
    url: `mqtt://127.0.0.1:${String(port)}`,
    async stop() {
      child.kill('SIGKILL');
      await until('mosquitto has ended', () => hasEnded);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
