import { execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';

const mosquitto = '/usr/sbin/mosquitto';

export interface Mosquitto {
  readonly port: number;
  stop(): Promise<void>;
}

export interface MosquittoUser {
  readonly username: string;
  readonly password: string;
  /** Lines of its access list. */
  readonly rules: readonly string[];
}

/** A broker that is not ours, on 127.0.0.1. `atPort`: one that was free a moment ago; default: any. */
export async function startMosquitto(users: readonly MosquittoUser[], atPort?: number): Promise<Mosquitto> {
  if (!existsSync(mosquitto)) {
    throw new Error('this test needs the Mosquitto broker: apt-get install -y --no-install-recommends mosquitto');
  }
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-mosquitto-'));
  const port = atPort ?? (await freePort());
  const passwords = join(directory, 'passwords');
  await writeFile(passwords, '', { mode: 0o600 });
  for (const { username, password } of users) {
    execFileSync('mosquitto_passwd', ['-b', passwords, username, password]);
  }
  const access = join(directory, 'access');
  const rules = users.flatMap((user) => [`user ${user.username}`, ...user.rules]);
  await writeFile(access, rules.join('\n'), { mode: 0o600 });
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

export async function freePort(): Promise<number> {
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
