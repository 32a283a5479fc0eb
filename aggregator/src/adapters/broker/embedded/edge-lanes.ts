/** The short ways between edges and the aggregator, past the matching of topics: there is one reader of each of their topics. */
import type { Client } from 'aedes';
import { edgeTopic } from '@gatehouse/shared';
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { BrokerIdentity } from '../../../app/ports.js';
import { createEdgeLane, publishBytes } from './edge-lane.js';
import { GuardedConnection } from './guarded-connection.js';

export interface EdgeLanesPorts {
  readonly clock: Clock;
  /** Whether nobody but the two ends reads what edges say and are told. */
  readonly isPrivate: () => boolean;
  /** `payload` is valid during the call. */
  readonly onEvents: (topic: string, payload: Uint8Array) => void;
}

export interface EdgeLanes {
  /** The client is connected: from now on its events go by its lane. */
  open(client: Client, identity: BrokerIdentity | undefined): void;
  /** An edge reads this topic of its own. */
  onSubscribed(client: Client, topic: string, identity: BrokerIdentity | undefined): void;
  onUnsubscribed(client: Client, topic: string): void;
  /** The broker dispatched a message of this topic. */
  onDispatched(topic: string): void;
  /** Writes a message to the edge that reads its topic, if that is everybody who reads it; answers whether it was. */
  deliver(topic: string, payload: string): boolean;
  clear(): void;
}

/** For how long a receipt may wait for something else to be sent: longer than a turn, or each costs a packet of its own. */
const receiptDelayMs = 50;
const maxPacketId = 65_535;

export function createEdgeLanes({ clock, isPrivate, onEvents }: EdgeLanesPorts): EdgeLanes {
  /** By topic. */
  const readers = new Map<string, Client>();
  /** Messages by topic that went to the broker and were not dispatched yet: nothing overtakes them. */
  const underWay = new Map<string, number>();
  let withReceipts: GuardedConnection[] = [];
  let cancelFlush: CancelTimer = () => undefined;
  let lastPacketId = 0;

  const flush = (): void => {
    const connections = withReceipts;
    withReceipts = [];
    for (const connection of connections) connection.flushReceipts();
  };

  return {
    open(client, identity) {
      const connection = client.conn;
      if (identity?.kind !== 'edge' || !(connection instanceof GuardedConnection)) return;
      const topic = edgeTopic(identity.siteId, identity.edgeId, 'events');
      underWay.delete(topic);
      const lane = createEdgeLane(topic, {
        mayTake() {
          if (client.closed) return false;
          const before = underWay.get(topic) ?? 0;
          if (before === 0 && isPrivate()) return true;
          underWay.set(topic, before + 1);
          return false;
        },
        onEvents(payload) {
          onEvents(topic, payload);
        },
        acknowledge(packets) {
          if (!connection.sendLater(packets)) return;
          if (withReceipts.push(connection) === 1) cancelFlush = clock.setTimer(receiptDelayMs, flush);
        },
        pass(bytes) {
          connection.pass(bytes);
        },
      });
      connection.openLane(lane);
    },
    onSubscribed(client, topic, identity) {
      if (identity?.kind !== 'edge' || client.closed || !(client.conn instanceof GuardedConnection)) return;
      readers.set(topic, client);
    },
    onUnsubscribed(client, topic) {
      if (readers.get(topic) === client) readers.delete(topic);
    },
    onDispatched(topic) {
      const count = underWay.get(topic);
      if (count === undefined) return;
      if (count > 1) underWay.set(topic, count - 1);
      else underWay.delete(topic);
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
      withReceipts = [];
      readers.clear();
      underWay.clear();
    },
  };
}
