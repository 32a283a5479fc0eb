/** Debian's Mosquitto as a process: a password for each edge, and rights as docs/how-to/external-broker.md gives them. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, until } from '../processes/index.js';
import type { Running, System } from '../processes/index.js';

export interface Mosquitto {
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly running: Running | null;
  /** Lets an edge in; takes effect at the next start, or by `reload`. */
  addEdge(edgeId: string, password: string): Promise<void>;
  reload(): void;
  /** Starts it and does not wait until it listens. */
  launch(): Running;
  listening(): Promise<void>;
}

const sbin = '/usr/sbin';
const username = 'gatehouse';
const password = 'chaos0'.repeat(6);

/** Why it cannot be used here; undefined when it can. */
export async function mosquittoProblem(): Promise<string | undefined> {
  try {
    await promisify(execFile)('mosquitto', ['-h'], { env: withSbin() });
    return undefined;
  } catch (error) {
    // It answers its help with exit code 3.
    if ((error as { code?: unknown }).code !== 'ENOENT') return undefined;
    return 'Mosquitto is not installed — enable with: apt-get install -y --no-install-recommends mosquitto';
  }
}

export async function createMosquitto(system: System): Promise<Mosquitto> {
  const directory = path.join(system.directory, 'mosquitto');
  mkdirSync(directory);
  // It gives up root's rights and must still read its files.
  chmodSync(system.directory, 0o755);
  chmodSync(directory, 0o755);
  const file = (name: string): string => path.join(directory, name);
  const port = await freePort();
  // Each call writes the whole file anew: two at once would lose one of the users.
  let added: Promise<unknown> = Promise.resolve();
  const addUser = async (user: string, secret: string): Promise<void> => {
    const add = () =>
      promisify(execFile)('mosquitto_passwd', ['-b', file('passwords'), user, secret], { env: withSbin() });
    added = added.catch(() => undefined).then(add);
    await added;
    chmodSync(file('passwords'), 0o644);
  };
  writeFileSync(file('passwords'), '');
  await addUser(username, password);
  writeFileSync(file('acl'), `${rights().join('\n')}\n`);
  writeFileSync(file('mosquitto.conf'), `${configuration(port, file('passwords'), file('acl')).join('\n')}\n`);

  let running: Running | null = null;
  return {
    port,
    username,
    password,
    get running() {
      return running;
    },
    addEdge: addUser,
    reload() {
      running?.signal('SIGHUP');
    },
    launch() {
      running = system.spawn({ command: 'mosquitto' }, ['-c', file('mosquitto.conf')], withSbin());
      return running;
    },
    async listening() {
      await until('Mosquitto listens', () => {
        if (running?.exitCode !== null) throw new Error(`Mosquitto ended: ${running?.output ?? ''}`);
        return accepts(port);
      });
    },
  };
}

function rights(): string[] {
  return [
    `user ${username}`,
    'topic read gatehouse/v1/+/+/state',
    'topic read gatehouse/v1/+/+/events',
    'topic read gatehouse/v1/+/+/log',
    'topic write gatehouse/v1/#',
    'pattern write gatehouse/v1/+/%u/state',
    'pattern write gatehouse/v1/+/%u/events',
    'pattern write gatehouse/v1/+/%u/log',
    ...['acks', 'decisions', 'commands', 'allowance', 'log-requests'].map(
      (channel) => `pattern read gatehouse/v1/+/%u/${channel}`,
    ),
  ];
}

function configuration(port: number, passwords: string, acl: string): string[] {
  return [
    `listener ${String(port)} 127.0.0.1`,
    'allow_anonymous false',
    `password_file ${passwords}`,
    `acl_file ${acl}`,
    'set_tcp_nodelay true',
    'persistence false',
    'log_dest stderr',
    'log_type error',
    'log_type warning',
  ];
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}

function withSbin(): Record<string, string> {
  return { PATH: `${process.env.PATH ?? ''}:${sbin}` };
}
