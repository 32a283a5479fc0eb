/** The sockets the broker listens on, with the bounds on connections. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { messageOf } from '@gatehouse/shared';
import { tlsPairProblem } from '../../tls-pair.js';
import type { RefusalReason } from './refusals.js';
import type { EmbeddedBrokerSettings } from './settings.js';

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface Listeners {
  readonly plaintext: ListenAddress | null;
  readonly tls: ListenAddress | null;
  /** Takes no more connections and ends those there are. */
  close(): Promise<void>;
}

export interface ListenerHandlers {
  readonly onConnection: (socket: Socket) => void;
  readonly onRefused: (reason: RefusalReason, address: string | undefined) => void;
}

/** Rejects with an Error that names the setting when a port or a file cannot be used. */
export async function listen(settings: EmbeddedBrokerSettings, handlers: ListenerHandlers): Promise<Listeners> {
  const sockets = new Set<Socket>();
  const perAddress = new Map<string, number>();
  const servers: Server[] = [];

  /** Counts a raw connection, or destroys it. Comes before TLS, so that strangers cost no handshake. */
  const admit = (socket: CountedSocket): void => {
    const { maxConnections, maxConnectionsPerAddress } = settings.limits;
    const address = socket.remoteAddress ?? '';
    const fromAddress = perAddress.get(address) ?? 0;
    const refusal =
      sockets.size >= maxConnections
        ? 'too-many-connections'
        : fromAddress >= maxConnectionsPerAddress
          ? 'too-many-from-address'
          : null;
    if (refusal !== null) {
      handlers.onRefused(refusal, address);
      socket.destroy();
      return;
    }
    sockets.add(socket);
    perAddress.set(address, fromAddress + 1);
    socket[countedAs] = address;
    socket.once('close', leave);
  };

  /** One for all sockets: there are many. */
  function leave(this: CountedSocket): void {
    const address = this[countedAs] ?? '';
    sockets.delete(this);
    const left = (perAddress.get(address) ?? 1) - 1;
    if (left === 0) perAddress.delete(address);
    else perAddress.set(address, left);
  }

  const close = async (): Promise<void> => {
    const closed = servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const socket of sockets) socket.destroy();
    await Promise.all(closed);
  };

  try {
    let plaintext: ListenAddress | null = null;
    let tls: ListenAddress | null = null;
    if (settings.port !== null) {
      const server = createServer({ noDelay: true });
      servers.push(server);
      server.on('connection', (socket) => {
        admit(socket);
        if (!socket.destroyed) handlers.onConnection(socket);
      });
      plaintext = await bind(server, { ...settings, port: settings.port, key: 'mqtt.port' });
    }
    if (settings.tls !== null) {
      const { certFile, keyFile, clientCaFile, host, port } = settings.tls;
      const pair = {
        cert: await readNamed(certFile, 'mqtt.tls.certFile'),
        key: await readNamed(keyFile, 'mqtt.tls.keyFile'),
      };
      const problem = tlsPairProblem(pair, 'mqtt.tls');
      if (problem !== undefined) throw new Error(problem);
      const server = createTlsServer({
        noDelay: true,
        handshakeTimeout: settings.limits.authenticationTimeoutMs,
        ...pair,
        ...(clientCaFile === null
          ? {}
          : {
              ca: await readNamed(clientCaFile, 'mqtt.tls.clientCaFile'),
              requestCert: true,
              rejectUnauthorized: true,
            }),
      });
      servers.push(server);
      server.prependListener('connection', admit);
      server.on('tlsClientError', (_error, socket) => {
        handlers.onRefused('protocol', socket.remoteAddress);
        socket.destroy();
      });
      server.on('secureConnection', handlers.onConnection);
      tls = await bind(server, { ...settings, host, port, key: 'mqtt.tls.port' });
    }
    return { plaintext, tls, close };
  } catch (error) {
    await close();
    throw error;
  }
}

const countedAs = Symbol('counted as');
type CountedSocket = Socket & { [countedAs]?: string };

interface Place extends Pick<EmbeddedBrokerSettings, 'limits'> {
  readonly host: string;
  readonly port: number;
  /** The setting that names it. */
  readonly key: string;
}

async function bind(server: Server, { host, port, key, limits }: Place): Promise<ListenAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new Error(`${key}: ${explain(error, host, port)}`, { cause: error }));
    });
    // All edges may come back in the same moment: those that find no place in this queue try again after 1, 3, 7, 15 and 31 s. The
    // system bounds it further (net.core.somaxconn).
    server.listen({ host, port, backlog: limits.maxConnections }, resolve);
  });
  const address = server.address() as AddressInfo;
  return { host: address.address, port: address.port };
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  const where = `${host}:${String(port)}`;
  if (error.code === 'EADDRINUSE') return `${where} is in use by another program: stop it, or choose another port`;
  if (error.code === 'EACCES') return `${where} needs rights this user does not have: choose a port above 1023`;
  if (error.code === 'EADDRNOTAVAIL') return `${host} is not an address of this machine`;
  return `cannot listen on ${where} (${error.message})`;
}

async function readNamed(file: string, key: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Error(`${key}: ${messageOf(error)}`, { cause: error });
  }
}
