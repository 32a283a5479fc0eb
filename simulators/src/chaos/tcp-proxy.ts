/** A TCP proxy that stands for the network between an edge and its broker, and fails as networks do. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';

/**
 * - `healthy`: everything goes through.
 * - `cut`: connections are torn down; nobody is listening.
 * - `half-open`: whatever is sent vanishes and nobody is told; connections made before never come back to life.
 * - `slow`: everything goes through, `slowMs` later.
 */
export type LinkState = 'healthy' | 'cut' | 'half-open' | 'slow';

export interface LinkProxy {
  readonly port: number;
  readonly state: LinkState;
  /** Connections taken since the start. */
  readonly connections: number;
  set(state: LinkState): Promise<void>;
  stop(): Promise<void>;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** What is sent into it vanishes, for ever. */
  isDead: boolean;
}

/** Bytes of one connection that wait in a slow link; the sender has to wait then. */
const maxDelayedBytes = 4 * 1024 * 1024;

/** @param targetPort on 127.0.0.1 */
export async function startLinkProxy(targetPort: number, slowMs: number): Promise<LinkProxy> {
  const pairs = new Set<Pair>();
  let state: LinkState = 'healthy';
  let server: Server | undefined;
  let port = 0;
  let connections = 0;

  const take = (near: Socket): void => {
    connections += 1;
    const far = connect({ host: '127.0.0.1', port: targetPort });
    const pair: Pair = { near, far, isDead: state === 'half-open' };
    pairs.add(pair);
    for (const socket of [near, far]) socket.setNoDelay(true);
    pass(pair, near, far);
    pass(pair, far, near);
    const onClosed = (other: Socket) => () => {
      // The end of a connection is not heard of through a link that swallows everything.
      if (!pair.isDead) other.destroy();
      if (near.destroyed && far.destroyed) pairs.delete(pair);
    };
    near.on('close', onClosed(far));
    far.on('close', onClosed(near));
  };

  const pass = (pair: Pair, from: Socket, to: Socket): void => {
    let delayedBytes = 0;
    from.on('error', () => undefined);
    from.on('data', (chunk: Buffer) => {
      if (pair.isDead) return;
      if (state !== 'slow' && delayedBytes === 0) {
        to.write(chunk);
        return;
      }
      delayedBytes += chunk.length;
      if (delayedBytes > maxDelayedBytes) from.pause();
      setTimeout(() => {
        delayedBytes -= chunk.length;
        if (from.isPaused()) from.resume();
        if (!pair.isDead && !to.destroyed) to.write(chunk);
      }, slowMs);
    });
  };

  const listen = async (): Promise<void> => {
    const listening = createServer(take);
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject);
      listening.listen(port, '127.0.0.1', resolve);
    });
    port = (listening.address() as AddressInfo).port;
    server = listening;
  };
  const destroyAll = (): void => {
    for (const pair of pairs) {
      pair.isDead = true;
      pair.near.destroy();
      pair.far.destroy();
    }
    pairs.clear();
  };
  const close = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    destroyAll();
    if (closing === undefined) return;
    await new Promise<void>((resolve) => {
      closing.close(() => {
        resolve();
      });
    });
  };

  await listen();
  return {
    get port() {
      return port;
    },
    get state() {
      return state;
    },
    get connections() {
      return connections;
    },
    async set(next) {
      state = next;
      if (next === 'cut') await close();
      else if (server === undefined) await listen();
      if (next === 'half-open') for (const pair of pairs) pair.isDead = true;
    },
    stop: close,
  };
}
