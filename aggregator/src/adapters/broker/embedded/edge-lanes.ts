/** The short ways between edges and the aggregator, past the matching of topics: there is one reader of each of their topics. */
import type { Client } from 'aedes';
import { edgeTopic } from '@gatehouse/shared';
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { BrokerIdentity } from '../../../app/ports.js';
import { publishBytes } from './edge-lane.js';
import { GuardedConnection } from './guarded-connection.js';

export interface EdgeLanesPorts {
  readonly clock: Clock;
  /** Whether nobody but the two ends reads what edges say and are told. */
  readonly isPrivate: () => boolean;
}

export interface EdgeLanes {
  /** The client is connected: from now on its events go by its lane. */
  open(client: Client, identity: BrokerIdentity | undefined): void;
  /** An edge reads this topic of its own. */
  onSubscribed(client: Client, topic: string, identity: BrokerIdentity | undefined): void;
  onUnsubscribed(client: Client, topic: string): void;
  /** Receipts came to wait at this connection: they will leave, also when nothing else is sent. */
  readonly onReceipt: (connection: GuardedConnection) => void;
  /** Writes a message to the edge that reads its topic, if that is everybody who reads it; answers whether it was. */
  deliver(topic: string, payload: string): boolean;
  clear(): void;
}

/**
 * How long a receipt waits for something else to be sent: longer than two turns, or each costs a packet of its own. It may wait for
 * twice as long.
 */
const receiptDelayMs = 100;
const maxPacketId = 65_535;

export function createEdgeLanes({ clock, isPrivate }: EdgeLanesPorts): EdgeLanes {
  /** By topic. */
  const readers = new Map<string, Client>();
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

  return {
    open(client, identity) {
      if (identity?.kind !== 'edge' || !(client.conn instanceof GuardedConnection)) return;
      client.conn.lane.open(edgeTopic(identity.siteId, identity.edgeId, 'events'), client);
    },
    onSubscribed(client, topic, identity) {
      if (identity?.kind !== 'edge' || client.closed || !(client.conn instanceof GuardedConnection)) return;
      readers.set(topic, client);
    },
    onUnsubscribed(client, topic) {
      if (readers.get(topic) === client) readers.delete(topic);
    },
    onReceipt(connection) {
      if (withReceipts.size === 0) cancelFlush = clock.setTimer(receiptDelayMs, flush);
      withReceipts.add(connection);
    },
    deliver(topic, payload) {
      const reader = isPrivate() ? readers.get(topic) : undefined;
      const connection = reader?.conn;
      if (reader?.closed !== false || !(connection instanceof GuardedConnection) || connection.destroyed) return false;
      lastPacketId = (lastPacketId % maxPacketId) + 1;
      connection.sendPacket(publishBytes(topic, lastPacketId, payload));
      return true;
    },
    clear() {
      cancelFlush();
      withReceipts.clear();
      readers.clear();
    },
  };
}
