/**
 * A broker in memory that connects several ends in one process: topic matching, retained messages and last wills as MQTT has
 * them, messages in order, and a hook to lose or delay them. For tests and simulations.
 */
import type { Clock } from '@gatehouse/shared';

export interface HubMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** What becomes of one message on its way from the broker to one end; `null` loses it. */
export type Transfer = (message: HubMessage, toClientId: string) => { readonly delayMs: number } | null;

export interface HubEndOptions {
  readonly clientId: string;
  readonly onMessage: (message: HubMessage) => void;
  /** Called once when the connection ends and `close` was not the cause. */
  readonly onLost?: () => void;
  readonly will?: { readonly topic: string; readonly payload: string; readonly retain: boolean };
}

/** One connection. */
export interface HubEnd {
  readonly isConnected: boolean;
  /** Retained messages that match are delivered. */
  subscribe(filter: string): void;
  /** @throws Error when not connected. */
  publish(topic: string, payload: string | Uint8Array, options: { readonly retain: boolean }): void;
  /** Ends the connection in order: no will. */
  close(): void;
  /** Ends it as a broken network does: the will is published. */
  lose(): void;
}

export interface MemoryHub {
  /** Takes over from an end of the same client id, as brokers do. @throws Error while the hub is down. */
  connect(options: HubEndOptions): HubEnd;
  disconnect(clientId: string): void;
  /** Looked at for each delivery; the default delivers everything at once. */
  setTransfer(transfer: Transfer): void;
  /** While down, nobody is connected and nobody can connect; retained messages are kept, as after a restart with a disk. */
  setDown(down: boolean): void;
  /** Calls `listener` each time the hub comes up again; answers how to stop that. */
  onUp(listener: () => void): () => void;
  readonly clientIds: readonly string[];
  readonly retained: ReadonlyMap<string, HubMessage>;
}

interface Connection {
  readonly options: HubEndOptions;
  readonly filters: Set<string>;
  connected: boolean;
}

/** `clock` is needed only for transfers with a delay. */
export function createMemoryHub(clock?: Clock): MemoryHub {
  const connections = new Map<string, Connection>();
  const retained = new Map<string, HubMessage>();
  let transfer: Transfer = () => ({ delayMs: 0 });
  const upListeners = new Set<() => void>();
  let isDown = false;

  const deliver = (connection: Connection, message: HubMessage): void => {
    const fate = transfer(message, connection.options.clientId);
    if (fate === null) return;
    const hand = (): void => {
      if (connection.connected) connection.options.onMessage(message);
    };
    if (fate.delayMs <= 0) {
      queueMicrotask(hand);
    } else if (clock === undefined) {
      throw new Error('a hub without a clock cannot delay');
    } else {
      clock.setTimer(fate.delayMs, hand);
    }
  };

  const route = (message: HubMessage): void => {
    if (message.retain) {
      if (message.payload.byteLength === 0) retained.delete(message.topic);
      else retained.set(message.topic, message);
    }
    for (const connection of connections.values()) {
      const matches = [...connection.filters].some((filter) => topicMatches(filter, message.topic));
      if (matches) deliver(connection, { ...message, retain: false });
    }
  };

  const end = (connection: Connection, lost: boolean): void => {
    if (!connection.connected) return;
    connection.connected = false;
    connections.delete(connection.options.clientId);
    if (!lost) return;
    const { will, onLost } = connection.options;
    if (will !== undefined) route({ topic: will.topic, payload: bytesOf(will.payload), retain: will.retain });
    onLost?.();
  };

  const connect = (options: HubEndOptions): HubEnd => {
    if (isDown) throw new Error('the broker is down');
    const former = connections.get(options.clientId);
    if (former !== undefined) end(former, true);
    const connection: Connection = { options, filters: new Set(), connected: true };
    connections.set(options.clientId, connection);
    return {
      get isConnected() {
        return connection.connected;
      },
      subscribe(filter) {
        if (!connection.connected) throw new Error('not connected');
        connection.filters.add(filter);
        for (const message of retained.values()) {
          if (topicMatches(filter, message.topic)) deliver(connection, message);
        }
      },
      publish(topic, payload, { retain }) {
        if (!connection.connected) throw new Error('not connected');
        route({ topic, payload: bytesOf(payload), retain });
      },
      close: () => {
        end(connection, false);
      },
      lose: () => {
        end(connection, true);
      },
    };
  };

  return {
    connect,
    disconnect(clientId) {
      const connection = connections.get(clientId);
      if (connection !== undefined) end(connection, true);
    },
    setTransfer(next) {
      transfer = next;
    },
    setDown(down) {
      const cameUp = isDown && !down;
      isDown = down;
      if (down) for (const connection of [...connections.values()]) end(connection, true);
      if (cameUp) for (const listener of [...upListeners]) listener();
    },
    onUp(listener) {
      upListeners.add(listener);
      return () => upListeners.delete(listener);
    },
    get clientIds() {
      return [...connections.keys()];
    },
    retained,
  };
}

/** Whether an MQTT topic filter with `+` and `#` matches a topic. */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  if ((wanted[0] === '#' || wanted[0] === '+') && topic.startsWith('$')) return false;
  for (const [index, part] of wanted.entries()) {
    if (part === '#') return true;
    if (levels[index] === undefined) return false;
    if (part !== '+' && part !== levels[index]) return false;
  }
  return wanted.length === levels.length;
}

function bytesOf(payload: string | Uint8Array): Uint8Array {
  return typeof payload === 'string' ? new TextEncoder().encode(payload) : payload.slice();
}
