/**
 * An edge that has nothing to tell but how it is: connects as the production agent does (last will, the channels it reads, its state),
 * accepts what is set aside for it, and connects again when it was cut off. Made to weigh little, so that ten thousand fit in a process.
 */
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { centreToEdgeChannels, edgeTopic } from '@gatehouse/shared';
import type { OfflineState } from '@gatehouse/shared';
import { systemRandom } from '@gatehouse/shared/node';
import {
  connectPacket,
  createPacketReader,
  pubackPacket,
  publishPacket,
  readPublish,
  subscribePacket,
} from '../../bare-mqtt/packets.js';
import type { Packet } from '../../bare-mqtt/packets.js';
import { createStream } from '../edge-load/stream.js';
import { quietState } from '../quiet-state.js';

export interface CrowdAccount {
  readonly siteId: string;
  readonly edgeId: string;
  readonly password: string;
  readonly gateId: string;
  readonly direction: 'entry' | 'exit';
  /** The address it connects from. */
  readonly from: string;
}

export interface CrowdEdgeOptions extends CrowdAccount {
  /** What serves its state: the acknowledgement of the aggregator, or that of a bare broker. */
  readonly answeredBy: 'acks' | 'pubacks';
  /** Told when it is connected and has subscribed; it tells its state only when it is asked to then. */
  readonly onSubscribed?: () => void;
  readonly onServed: () => void;
  /** It was refused or cut off before it was served, and tries again. */
  readonly onRetry: () => void;
}

export interface CrowdEdge {
  /** Connects to this port, again and again until it is served and whenever it is cut off. */
  connect(port: number): void;
  /** Cuts the connection, as a network that is gone. */
  cut(): void;
  tellState(): void;
  /** Its state was answered on this connection. */
  readonly isServed: boolean;
}

/** As the agent: full jitter from here, doubling. */
const retryMinMs = 1_000;
const retryMaxMs = 30_000;

export function createCrowdEdge(options: CrowdEdgeOptions): CrowdEdge {
  const { siteId, edgeId, password, gateId, direction, answeredBy } = options;
  const instance = systemRandom.hex(16);
  const bootId = systemRandom.hex(16);
  const epoch = systemRandom.hex(16);
  const topics = Object.fromEntries(
    [...centreToEdgeChannels, 'state' as const].map((channel) => [channel, edgeTopic(siteId, edgeId, channel)]),
  ) as Record<(typeof centreToEdgeChannels)[number] | 'state', string>;
  const stream = createStream({ siteId, edgeId, instance, epoch });
  let socket: Socket | null = null;
  let retry: NodeJS.Timeout | undefined;
  let port: number | null = null;
  let isServed = false;
  let packetId = 0;
  let ackedSeq = 0;
  let allowanceVersion = 0;
  let retryMs = retryMinMs;

  const send = (bytes: Uint8Array): void => {
    if (socket?.writable === true) socket.write(bytes);
  };

  const nextId = (): number => (packetId = (packetId % 65_535) + 1);

  const served = (): void => {
    if (isServed) return;
    isServed = true;
    retryMs = retryMinMs;
    options.onServed();
  };

  const tellState = (): void => {
    const clock = { atMs: Date.now(), monoMs: Math.round(performance.now()), bootId };
    const next = stream.nextSeq;
    const state = quietState({ instance, epoch, next, acked: ackedSeq, allowanceVersion, clock, outboxBytes: 4_096 }, [
      { gateId, direction },
    ]);
    send(publishPacket(topics.state, Buffer.from(JSON.stringify(state)), nextId(), true));
  };

  const accept = (version: number): void => {
    if (version <= allowanceVersion) return;
    allowanceVersion = version;
    const atMs = Date.now();
    const stamp = { atMs, monoMs: Math.round(performance.now()), bootId };
    send(
      stream.build(() => ({ kind: 'allowance-accepted', ...stamp, version, returned: [], remaining: 0 }), 1, 1).bytes,
    );
  };

  const onMessage = (topic: string, payload: Buffer): void => {
    if (topic === topics.acks) {
      const ack = JSON.parse(payload.toString()) as { upTo: number; conflict: string | null };
      if (ack.conflict !== null) throw new Error(`${edgeId}: ${ack.conflict}`);
      ackedSeq = Math.max(ackedSeq, ack.upTo);
      served();
    } else if (topic === topics.allowance) {
      accept((JSON.parse(payload.toString()) as { version: number }).version);
    }
  };

  const onPacket = (packet: Packet): void => {
    if (packet.type === 2) {
      if (packet.body[1] !== 0) throw new Error(`${edgeId}: CONNACK ${String(packet.body[1])}`);
      const filters = centreToEdgeChannels.map((channel) => topics[channel]);
      send(subscribePacket(filters, nextId()));
    } else if (packet.type === 9) {
      if (options.onSubscribed === undefined) tellState();
      else options.onSubscribed();
    } else if (packet.type === 3) {
      const { topic, packetId: id, payload } = readPublish(packet);
      if (id !== 0) send(pubackPacket(id));
      onMessage(topic, payload);
    } else if (packet.type === 4 && answeredBy === 'pubacks') served();
  };

  const open = (): void => {
    if (port === null) return;
    const opened = connect({ host: '127.0.0.1', port, localAddress: options.from, noDelay: true });
    socket = opened;
    opened.on('data', createPacketReader(onPacket));
    opened.on('error', () => undefined);
    opened.once('connect', () => {
      const offline: OfflineState = { presence: 'offline', instance };
      const will = { topic: topics.state, payload: Buffer.from(JSON.stringify(offline)) };
      send(connectPacket({ clientId: edgeId, username: edgeId, password, keepaliveSeconds: 15, will }));
    });
    opened.once('close', () => {
      if (socket !== opened) return;
      socket = null;
      isServed = false;
      options.onRetry();
      retry = setTimeout(open, Math.random() * retryMs);
      retryMs = Math.min(retryMaxMs, 2 * retryMs);
    });
  };

  return {
    connect(to) {
      port = to;
      open();
    },
    cut() {
      clearTimeout(retry);
      const cut = socket;
      socket = null;
      isServed = false;
      cut?.destroy();
    },
    tellState,
    get isServed() {
      return isServed;
    },
  };
}
