/** Who may publish and subscribe what. */
import { centreToEdgeChannels, edgeTopic, occupancyTopic, parseTopic } from '@gatehouse/shared';
import type { BrokerIdentity } from '../../../app/ports.js';

/** An edge publishes its own `state`, `events` and `log`, retained only the state; nobody else publishes anything. */
export function mayPublish(identity: BrokerIdentity, topic: string, retain: boolean): boolean {
  if (identity.kind !== 'edge') return false;
  const { siteId, edgeId } = identity;
  if (topic === edgeTopic(siteId, edgeId, 'state')) return true;
  return !retain && (topic === edgeTopic(siteId, edgeId, 'events') || topic === edgeTopic(siteId, edgeId, 'log'));
}

/** An edge reads its own five channels, an auditor its site or all, an observer the occupancy of its site or of all. */
export function maySubscribe(identity: BrokerIdentity, filter: string): boolean {
  if (filter.length > 256) return false;
  switch (identity.kind) {
    case 'edge':
      return centreToEdgeChannels.some((channel) => filter === edgeTopic(identity.siteId, identity.edgeId, channel));
    case 'auditor':
      return filter.startsWith(identity.siteId === null ? 'gatehouse/v1/' : `gatehouse/v1/${identity.siteId}/`);
    case 'observer':
      if (identity.siteId !== null) return filter === occupancyTopic(identity.siteId);
      return filter === 'gatehouse/v1/+/occupancy' || parseTopic(filter)?.type === 'occupancy';
  }
}
