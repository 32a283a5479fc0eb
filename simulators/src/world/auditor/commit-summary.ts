/** What one commit of the aggregator says of itself: events with what they count and settle, and which sites people acted at. */
import type { ChangeSet } from '@gatehouse/aggregator';
import type { EdgeEvent } from '@gatehouse/shared';
import { passageOf, settledArrivalOf } from './event-facts.js';
import type { PassageCount } from './event-facts.js';

export interface SiteCommit {
  readonly passages: PassageCount;
  readonly lost: PassageCount;
  /** Vehicles that came in without having been admitted to a slot of the aggregator's. */
  uninvited: number;
}

export interface CommitSummary {
  readonly sites: ReadonlyMap<string, SiteCommit>;
  /** A person acted at the site in this commit. */
  audited(siteId: string): boolean;
  /** Arrivals that an event of this commit decides or ends, by key. */
  readonly settledArrivals: ReadonlySet<string>;
  /** `edge/slot` named by an admission or passage of this commit. */
  readonly namedSlots: ReadonlySet<string>;
  /** `site/slot` of sessions that are closed in this commit. */
  readonly vacated: ReadonlySet<string>;
  /** Edges that accepted a set of slots in this commit. */
  readonly accepted: ReadonlySet<string>;
  /** `site/edge` of edges that, as this commit says, have to report to a restored store. */
  readonly recovering: ReadonlySet<string>;
  /** Plates of arrivals, by key, whose exit passage is in this commit. */
  readonly exits: readonly { readonly arrivalKey: string | null; readonly siteId: string }[];
  /** Sites with an entry passage in this commit. */
  readonly entered: ReadonlySet<string>;
}

export function summarise(changes: ChangeSet): CommitSummary {
  const sites = new Map<string, SiteCommit>();
  const settledArrivals = new Set<string>();
  const namedSlots = new Set<string>();
  const accepted = new Set<string>();
  const entered = new Set<string>();
  const exits: { arrivalKey: string | null; siteId: string }[] = [];
  const siteCommit = (siteId: string): SiteCommit => {
    let site = sites.get(siteId);
    if (site === undefined) {
      site = { passages: { entry: 0, exit: 0 }, lost: { entry: 0, exit: 0 }, uninvited: 0 };
      sites.set(siteId, site);
    }
    return site;
  };
  for (const row of changes.events) {
    const event = JSON.parse(row.body) as EdgeEvent;
    const site = siteCommit(row.siteId);
    const settled = settledArrivalOf(event);
    const key = settled === null ? null : `${row.edgeId}:${row.epoch}:${String(settled)}`;
    if (key !== null) settledArrivals.add(key);
    if ('slotId' in event && event.slotId !== null) namedSlots.add(`${row.edgeId}/${event.slotId}`);
    if (event.kind === 'allowance-accepted') accepted.add(row.edgeId);
    if (event.kind === 'events-lost') {
      site.lost.entry += event.entries;
      site.lost.exit += event.exits;
      site.uninvited += event.entries;
    }
    const direction = passageOf(event);
    if (direction === null) continue;
    site.passages[direction] += 1;
    if (direction === 'exit') exits.push({ arrivalKey: key, siteId: row.siteId });
    else {
      entered.add(row.siteId);
      if (event.kind !== 'vehicle-passed' || event.slotId === null) site.uninvited += 1;
    }
  }
  const recovering = changes.ledgers.flatMap((row) => row.recoveringEdges.map((edgeId) => `${row.siteId}/${edgeId}`));
  const vacated = new Set<string>();
  for (const { siteId, slotId, state } of changes.sessions) {
    if (state === 'closed' && slotId !== null) vacated.add(`${siteId}/${slotId}`);
  }
  const auditedSites = new Set(changes.audit.map((row) => row.siteId));
  return {
    sites,
    audited: (siteId) => auditedSites.has(siteId) || auditedSites.has(null),
    settledArrivals,
    namedSlots,
    vacated,
    accepted,
    recovering: new Set(recovering),
    exits,
    entered,
  };
}
