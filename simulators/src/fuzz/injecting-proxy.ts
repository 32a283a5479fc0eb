/** Stands between an edge and the broker, passes everything on, and slips in what the broker never sent. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { createPacketReader, packetOf, publishPacket, readPublish } from '../bare-mqtt/packets.js';
import { openSocket } from '../bare-mqtt/client.js';
import type { Target } from '../bare-mqtt/client.js';

export interface InjectingProxy {
  readonly url: string;
  /** As if it came from the broker; false while no edge is connected. */
  inject(topic: string, payload: Uint8Array): boolean;
  /** Resolves when the edge has taken what was injected. */
  drained(): Promise<void>;
  stop(): void;
}

/** Packet ids from here on are of what is slipped in: the broker begins at 1 and has few under way. */
const firstOwnId = 60_000;
const maxUnacknowledged = 32;

/** @param onPublished sees what the edge publishes */
export async function startInjectingProxy(
  target: Target,
  onPublished: (topic: string, payload: Buffer) => void,
): Promise<InjectingProxy> {
  const sockets = new Set<Socket>();
  let edge: Socket | undefined;
  let unacknowledged = 0;
  let nextId = firstOwnId;
  let onAck = (): void => undefined;

  const connect = async (downstream: Socket): Promise<void> => {
    sockets.add(downstream.on('error', () => undefined));
    const upstream = await openSocket(target);
    sockets.add(upstream);
    unacknowledged = 0;
    edge = downstream;
    downstream.on(
      'data',
      createPacketReader(({ type, flags, body }) => {
        if (type === 4 && body.readUInt16BE(0) >= firstOwnId) {
          unacknowledged -= 1;
          onAck();
          return;
        }
        if (type === 3) {
          const { topic, payload } = readPublish({ type, flags, body });
          onPublished(topic, payload);
        }
        if (upstream.writable) upstream.write(packetOf(type, flags, body));
      }),
    );
    upstream.on(
      'data',
      createPacketReader(({ type, flags, body }) => {
        if (downstream.writable) downstream.write(packetOf(type, flags, body));
      }),
    );
    downstream.once('close', () => {
      if (edge === downstream) edge = undefined;
      onAck();
      upstream.destroy();
    });
    upstream.once('close', () => downstream.destroy());
  };

  const server = createServer({ noDelay: true }, (downstream) => {
    connect(downstream).catch(() => downstream.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `mqtt://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    inject(topic, payload) {
      if (edge?.writable !== true) return false;
      edge.write(publishPacket(topic, payload, nextId));
      nextId = nextId >= 65_535 ? firstOwnId : nextId + 1;
      unacknowledged += 1;
      return true;
    },
    async drained() {
      while (edge !== undefined && unacknowledged > maxUnacknowledged) {
        await new Promise<void>((resolve) => {
          onAck = resolve;
        });
      }
    },
    stop() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
