/** The short ways between edges and the aggregator, past the matching of topics: there is one reader of each of their topics. */
import type { Client } from 'aedes';
import { centreToEdgeChannels, edgeTopic } from '@gatehouse/shared';
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { BrokerIdentity } from '../../../app/ports.js';
import { publishBytes, subackBytes } from './edge-lane.js';
import { GuardedConnection } from './guarded-connection.js';

export interface EdgeLanesPorts {
  readonly clock: Clock;
  /** Whether nobody but the two ends reads what edges say and are told. */
  readonly isPrivate: () => boolean;
}

export interface EdgeLanes {
  /** The client is connected: from now on its events go by its lane. */
  open(client: Client, identity: BrokerIdentity | null): void;
  /** Its connection is over. */
  close(client: Client, identity: BrokerIdentity): void;
  /**
   * An edge wants to read these filters. Grants and answers it if they are topics of its own, so that the broker keeps nothing for them;
   * else answers false, and the broker shall judge.
   */
  readonly subscribe: (connection: GuardedConnection, packetId: number, filters: readonly string[]) => boolean;
  /** The broker has granted this topic to an edge. */
  onSubscribed(client: Client, topic: string, qos: number): void;
  onUnsubscribed(client: Client, topic: string): void;
  /** Receipts came to wait at this connection: they will leave, also when nothing else is sent. */
  readonly onReceipt: (connection: GuardedConnection) => void;
  /** Writes a message to the edge that reads its topic, if that is everybody who reads it; answers whether it was. */
  deliver(topic: string, payload: string): boolean;
  /** Writes a message to the edge that reads its topic, if the broker knows nothing of that. */
  deliverBeside(topic: string, payload: string): void;
  clear(): void;
}

/**
 * How long a receipt waits for something else to be sent: longer than two turns, or each costs a packet of its own. It may wait for
 * twice as long.
 */
const receiptDelayMs = 100;
const maxPacketId = 65_535;

/** One connected edge. Its channels are bits: a table of all topics would weigh as much as the rest of it. */
interface Reader {
  readonly client: Client;
  readonly connection: GuardedConnection;
  /** What it reads with QoS 1 or 2: it can be written to it. */
  reads: number;
  /** What the broker keeps a subscription for, whatever its QoS. */
  viaBroker: number;
}

export function createEdgeLanes({ clock, isPrivate }: EdgeLanesPorts): EdgeLanes {
  /** By what their topics begin with. */
  const readers = new Map<string, Reader>();
  const withReceipts = new Set<GuardedConnection>();
  let cancelFlush: CancelTimer = () => undefined;
  let lastPacketId = 0;

  const flush = (): void => {
    const flushUpToMonoMs = clock.monoMs() - receiptDelayMs;
    for (const connection of withReceipts) {
      if (connection.hasReceipts && connection.receiptsSinceMonoMs > flushUpToMonoMs) continue;
      connection.flushReceipts();
      withReceipts.delete(connection);
    }
    if (withReceipts.size > 0) cancelFlush = clock.setTimer(receiptDelayMs, flush);
  };

  const readerOf = (topic: string): Reader | undefined => readers.get(topic.slice(0, topic.lastIndexOf('/')));

  const write = ({ connection }: Reader, topic: string, payload: string): void => {
    lastPacketId = (lastPacketId % maxPacketId) + 1;
    connection.sendPacket(publishBytes(topic, lastPacketId, payload));
  };

  return {
    open(client, identity) {
      if (identity?.kind !== 'edge' || !(client.conn instanceof GuardedConnection)) return;
      const topic = flat(edgeTopic(identity.siteId, identity.edgeId, 'events'));
      readers.set(topic.slice(0, topic.lastIndexOf('/')), {
        client,
        connection: client.conn,
        reads: 0,
        viaBroker: 0,
      });
      client.conn.lane.open(topic, client);
    },
    close(client, identity) {
      if (identity.kind !== 'edge') return;
      const topic = edgeTopic(identity.siteId, identity.edgeId, 'events');
      if (readerOf(topic)?.client === client) readers.delete(topic.slice(0, topic.lastIndexOf('/')));
    },
    subscribe(connection, packetId, filters) {
      const reader = readerOf(filters[0] ?? '');
      if (reader?.connection !== connection) return false;
      let wanted = 0;
      for (const filter of filters) {
        const bit = readerOf(filter) === reader ? channelBit(filter) : 0;
        if (bit === 0) return false;
        wanted |= bit;
      }
      if ((wanted & reader.viaBroker) !== 0) return false;
      reader.reads |= wanted;
      connection.sendPacket(subackBytes(packetId, filters.length));
      return true;
    },
    onSubscribed(client, topic, qos) {
      const reader = readerOf(topic);
      if (reader?.client !== client) return;
      const bit = channelBit(topic);
      reader.viaBroker |= bit;
      if (qos === 0) reader.reads &= ~bit;
      else reader.reads |= bit;
    },
    onUnsubscribed(client, topic) {
      const reader = readerOf(topic);
      if (reader?.client !== client) return;
      const bit = channelBit(topic);
      reader.reads &= ~bit;
      reader.viaBroker &= ~bit;
    },
    onReceipt(connection) {
      if (withReceipts.size === 0) cancelFlush = clock.setTimer(receiptDelayMs, flush);
      withReceipts.add(connection);
    },
    deliver(topic, payload) {
      const reader = isPrivate() ? readerOf(topic) : undefined;
      if (reader === undefined || (reader.reads & channelBit(topic)) === 0 || isGone(reader)) return false;
      write(reader, topic, payload);
      return true;
    },
    deliverBeside(topic, payload) {
      const reader = readerOf(topic);
      if (reader === undefined || (reader.reads & ~reader.viaBroker & channelBit(topic)) === 0) return;
      if (!isGone(reader)) write(reader, topic, payload);
    },
    clear() {
      cancelFlush();
      withReceipts.clear();
      readers.clear();
    },
  };
}

function isGone({ client, connection }: Reader): boolean {
  return client.closed || connection.destroyed;
}

/** 0 when it is no channel that edges read. */
function channelBit(topic: string): number {
  const channel = topic.slice(topic.lastIndexOf('/') + 1);
  const index = (centreToEdgeChannels as readonly string[]).indexOf(channel);
  return index < 0 ? 0 : 1 << index;
}

/** In one piece: a text that was put together keeps its parts beside it. */
function flat(text: string): string {
  return Buffer.from(text).toString('latin1');
}
