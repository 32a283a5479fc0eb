/** A link in memory: the test or the simulator plays the broker. */
import type { CentreToEdgeChannel, Clock, EdgeToCentreChannel } from '@gatehouse/shared/edge';
import type { EdgeLink, EdgeLinkHandlers } from '../../app/ports.js';

export interface PublishedMessage {
  readonly channel: EdgeToCentreChannel;
  readonly payload: string;
}

/** The broker's end of a memory link. */
export interface MemoryLinkPeer {
  /** Everything the broker took, oldest first; at most `maxPublished`, then the oldest are forgotten. */
  readonly published: readonly PublishedMessage[];
  /** The retained message of `state`. */
  readonly retainedState: string | undefined;
  /** Lets the edge connect; does nothing before it was started or while it is up. */
  connect(): void;
  /** Breaks the connection; the will is published as a broker would. */
  disconnect(reason: string): void;
  /** Hands a message to the edge if it is connected; answers whether it was. */
  deliver(channel: CentreToEdgeChannel, payload: string | Uint8Array): boolean;
  /** Called for every message the broker took. Answers how to stop. */
  onPublished(listener: (message: PublishedMessage) => void): () => void;
  /** While set, publishes are rejected with this message though the link is up. */
  publishFailure: string | undefined;
}

export interface MemoryEdgeLink extends EdgeLink {
  readonly peer: MemoryLinkPeer;
}

export interface MemoryEdgeLinkOptions {
  /** Connect as soon as it is started; default true. */
  readonly autoConnect?: boolean;
  /** With a clock, messages take `latencyMs` each way; without, they arrive in the next microtask. */
  readonly clock?: Clock;
  readonly latencyMs?: number;
  readonly maxPublished?: number;
}

export function createMemoryEdgeLink(options: MemoryEdgeLinkOptions = {}): MemoryEdgeLink {
  const maxPublished = options.maxPublished ?? 100_000;
  const published: PublishedMessage[] = [];
  const listeners = new Set<(message: PublishedMessage) => void>();
  const state: { handlers?: EdgeLinkHandlers; will?: string; up: boolean; connection: number; retained?: string } = {
    up: false,
    connection: 0,
  };

  const later = (callback: () => void): void => {
    if (options.clock === undefined) queueMicrotask(callback);
    else options.clock.setTimer(options.latencyMs ?? 0, callback);
  };
  const take = (message: PublishedMessage): void => {
    published.push(message);
    if (published.length > maxPublished) published.shift();
    if (message.channel === 'state') state.retained = message.payload;
    for (const listener of listeners) listener(message);
  };
  const connect = (): void => {
    const { handlers } = state;
    if (handlers === undefined || state.up) return;
    state.up = true;
    const connection = ++state.connection;
    later(() => {
      if (state.up && state.connection === connection) handlers.onUp();
    });
  };
  const peer: MemoryLinkPeer = {
    published,
    get retainedState() {
      return state.retained;
    },
    connect,
    disconnect(reason) {
      if (!state.up) return;
      state.up = false;
      if (state.will !== undefined) take({ channel: 'state', payload: state.will });
      state.handlers?.onDown(reason);
    },
    deliver(channel, payload) {
      if (!state.up) return false;
      const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
      const { connection } = state;
      later(() => {
        if (state.up && state.connection === connection) state.handlers?.onMessage(channel, bytes);
      });
      return true;
    },
    onPublished(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    publishFailure: undefined,
  };

  return {
    peer,
    get isUp() {
      return state.up;
    },
    start(handlers, will) {
      state.handlers = handlers;
      state.will = will;
      if (options.autoConnect ?? true) connect();
      return Promise.resolve();
    },
    publish(channel, payload) {
      return new Promise((resolve, reject) => {
        if (!state.up) {
          reject(new Error('the link is down'));
          return;
        }
        const { connection } = state;
        later(() => {
          if (peer.publishFailure !== undefined) reject(new Error(peer.publishFailure));
          else if (!state.up || state.connection !== connection) reject(new Error('the link went down'));
          else {
            take({ channel, payload });
            resolve();
          }
        });
      });
    },
    stop(farewell) {
      if (state.up) {
        take({ channel: 'state', payload: farewell });
        state.up = false;
      }
      delete state.handlers;
      return Promise.resolve();
    },
  };
}
