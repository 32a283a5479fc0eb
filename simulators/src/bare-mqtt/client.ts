/** A client of MQTT with nothing in it: what it is told to send goes out as it is. */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import {
  connectPacket,
  createPacketReader,
  pingPacket,
  pubackPacket,
  publishPacket,
  readPublish,
  subscribePacket,
} from './packets.js';
import type { Packet } from './packets.js';

export interface Target {
  readonly host: string;
  readonly port: number;
  /** The address this end takes, where the machine has several. */
  readonly from?: string;
}

export interface Account {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

export interface BareClient {
  readonly socket: Socket;
  /** False once either end has closed. */
  readonly isOpen: boolean;
  /** Resolves when the connection is over. */
  readonly closed: Promise<void>;
  publish(topic: string, payload: Uint8Array): void;
  /** Anything at all. */
  send(bytes: Uint8Array): void;
  /** Resolves when what was written has left. */
  flushed(): Promise<void>;
  end(): void;
}

const connectTimeoutMs = 30_000;
const pingEveryMs = 10_000;

/** @throws Error when the broker refuses, closes, or does not answer */
export async function connectClient(
  target: Target,
  account: Account,
  filters: readonly string[] = [],
  onMessage: (topic: string, payload: Buffer) => void = () => undefined,
  onPuback: () => void = () => undefined,
): Promise<BareClient> {
  const socket = await openSocket(target);
  let isOpen = true;
  let packetId = 0;
  const nextId = (): number => (packetId = (packetId % 65_535) + 1);
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      isOpen = false;
      resolve();
    });
  });
  let cancelTimer = (): void => undefined;
  const connected = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error('the broker does not answer'));
    }, connectTimeoutMs);
    cancelTimer = () => {
      clearTimeout(timer);
    };
    const onPacket = (packet: Packet): void => {
      if (packet.type === 2 && packet.body[1] !== 0) reject(new Error(`CONNACK ${String(packet.body[1])}`));
      else if (packet.type === 2 && filters.length > 0) socket.write(subscribePacket(filters, nextId()));
      else if (packet.type === 2 || packet.type === 9) resolve();
      else if (packet.type === 3) {
        const { topic, packetId: id, payload } = readPublish(packet);
        if (id !== 0 && socket.writable) socket.write(pubackPacket(id));
        onMessage(topic, payload);
      } else if (packet.type === 4) onPuback();
    };
    const read = createPacketReader(onPacket);
    socket.on('data', (chunk) => {
      // What is said in answer to one chunk goes out together.
      socket.cork();
      read(chunk);
      socket.uncork();
    });
    void closed.then(() => {
      reject(new Error('the broker closed the connection'));
    });
    socket.write(connectPacket(account));
  });
  try {
    await connected;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    cancelTimer();
  }
  const ping = setInterval(() => {
    if (socket.writable) socket.write(pingPacket);
  }, pingEveryMs);
  socket.once('close', () => {
    clearInterval(ping);
  });
  return {
    socket,
    get isOpen() {
      return isOpen;
    },
    closed,
    publish(topic, payload) {
      if (socket.writable) socket.write(publishPacket(topic, payload, nextId()));
    },
    send(bytes) {
      if (socket.writable) socket.write(bytes);
    },
    async flushed() {
      while (socket.writable && socket.writableNeedDrain) {
        await Promise.race([new Promise<void>((resolve) => socket.once('drain', resolve)), closed]);
      }
    },
    end() {
      socket.destroy();
    },
  };
}

/** A connection on which nothing has been said. Errors after it is open only close it. @throws Error when it cannot be had */
export function openSocket({ host, port, from }: Target): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
