/**
 * The MQTT link passes the suite of every edge link with a broker that is not ours.
 * @needs mosquitto
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { edgeTopic } from '@gatehouse/shared';
import { describeEdgeLink, diaryHandlers } from '../conformance/edge-link.js';
import { eventually } from './support/eventually.js';
import { centre, centreAt, edge, linkTo, retainedStateAt } from './support/link-to-broker.js';

const mosquitto = '/usr/sbin/mosquitto';

interface Mosquitto {
  readonly port: number;
  stop(): Promise<void>;
}

async function startMosquitto(): Promise<Mosquitto> {
  if (!existsSync(mosquitto)) {
    throw new Error('this test needs the Mosquitto broker: apt-get install -y --no-install-recommends mosquitto');
  }
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-mosquitto-'));
  const port = await freePort();
  const passwords = join(directory, 'passwords');
  const topics = ['acks', 'decisions', 'commands', 'allowance'] as const;
  await writeFile(passwords, '', { mode: 0o600 });
  for (const { username, password } of [edge, centre]) {
    execFileSync('mosquitto_passwd', ['-b', passwords, username, password]);
  }
  const access = join(directory, 'access');
  await writeFile(
    access,
    [
      `user ${centre.username}`,
      'topic readwrite gatehouse/#',
      `user ${edge.username}`,
      ...topics.map((name) => `topic read ${edgeTopic(edge.siteId, edge.edgeId, name)}`),
      ...(['state', 'events'] as const).map((name) => `topic write ${edgeTopic(edge.siteId, edge.edgeId, name)}`),
    ].join('\n'),
    { mode: 0o600 },
  );
  const configuration = join(directory, 'mosquitto.conf');
  const lines = [
    `listener ${String(port)} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${passwords}`,
    `acl_file ${access}`,
    'persistence false',
    'set_tcp_nodelay true',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
  ];
  await writeFile(configuration, lines.join('\n'));
  const child = spawn(mosquitto, ['-c', configuration], { stdio: 'ignore' });
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve();
    });
  });
  await eventually(() => accepts(port), 'mosquitto listens');
  return {
    port,
    stop: async () => {
      child.kill('SIGKILL');
      await gone;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

describeEdgeLink('MQTT over Mosquitto', async () => {
  const broker = await startMosquitto();
  const { received, client } = await centreAt(broker.port);
  return {
    link: linkTo(broker.port),
    received: () => received,
    retainedState: () => retainedStateAt(broker.port),
    deliver: async (channel, payload) => {
      await client.publishAsync(edgeTopic(edge.siteId, edge.edgeId, channel), payload, { qos: 1 });
    },
    // Another client with the edge's id: the broker breaks the first connection without a goodbye.
    breakConnection: async () => {
      const usurper = linkTo(broker.port);
      await usurper.start(diaryHandlers({ entries: [] }), '{"usurper":1}');
      await eventually(() => usurper.isUp, 'the usurper is up');
      await usurper.stop('{"usurper":0}');
    },
    dispose: async () => {
      await client.endAsync(true);
      await broker.stop();
    },
  };
});

describe('the MQTT link at Mosquitto', () => {
  it('says that its credential is refused', async () => {
    const broker = await startMosquitto();
    const link = linkTo(broker.port, {}, { password: 'wrong' });
    const reasons: string[] = [];
    await link.start(
      {
        onUp: () => undefined,
        onMessage: () => undefined,
        onDown: (reason) => {
          reasons.push(reason);
        },
      },
      '{}',
    );
    await eventually(() => reasons.length > 0, 'refused');
    expect(reasons[0]).toContain('credential refused or revoked');
    await link.stop('{}');
    await broker.stop();
  });
});
