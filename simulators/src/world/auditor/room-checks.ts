/** Room and count of a site: what is promised stays within the capacity, and the count moves only for what happened. */
import type { ChangeSet } from '@gatehouse/aggregator';
import type { Audit } from './audit.js';
import type { CommitSummary } from './commit-summary.js';
import { net } from './event-facts.js';
import { capacityOf, decisionText, keyOfArrival } from './store-rows.js';
import type { ArrivalRow, SiteBook } from './store-types.js';

/** What has to be known of a site from before a commit. */
export interface SiteBefore {
  readonly capacity: number;
  readonly count: number;
  readonly recovering: boolean;
  /** Sessions of this commit that ended although nobody knew whether their vehicle had come in: they count an entry, too. */
  unconfirmedEnded: number;
  /** Uncertain sessions that this commit makes certain again. */
  certainAgain: number;
  newHoldings: number;
  readonly newDecisions: ArrivalRow[];
}

export function beforeCommit(audit: Audit, changes: ChangeSet): Map<string, SiteBefore> {
  const sites = new Map<string, SiteBefore>();
  const before = (siteId: string): SiteBefore => {
    let site = sites.get(siteId);
    if (site === undefined) {
      const book = audit.store.site(siteId);
      site = {
        capacity: capacityOf(book),
        count: book.ledger?.count ?? 0,
        recovering: (book.ledger?.recoveringEdges.length ?? 0) > 0,
        unconfirmedEnded: 0,
        certainAgain: 0,
        newHoldings: 0,
        newDecisions: [],
      };
      sites.set(siteId, site);
    }
    return site;
  };
  for (const { siteId } of [...changes.ledgers, ...changes.sites, ...changes.events]) before(siteId);
  for (const row of changes.slots) {
    const old = audit.store.slot(row.siteId, row.slotId);
    if (row.state === 'held' && old?.state !== 'held') before(row.siteId).newHoldings += 1;
  }
  for (const row of changes.sessions) {
    const old = audit.store.site(row.siteId).sessions.get(row.sessionId);
    if (old?.state === 'uncertain' && row.state === 'open') before(row.siteId).certainAgain += 1;
    if (row.state !== 'closed') continue;
    const slot = old?.slotId == null ? undefined : audit.store.slot(row.siteId, old.slotId);
    // One that was opened by this very commit may have been unconfirmed, too.
    if (old === undefined || slot?.confirmed === false) before(row.siteId).unconfirmedEnded += 1;
  }
  for (const row of changes.arrivals) if (isNewDecision(audit, changes, row)) before(row.siteId).newDecisions.push(row);
  return sites;
}

/** Admitted at an entry by this commit, automatically. */
function isNewDecision(audit: Audit, changes: ChangeSet, row: ArrivalRow): boolean {
  const { decision } = row;
  if (decision?.outcome !== 'admit' || decision.basis !== 'decision' || row.direction !== 'entry') return false;
  const old = audit.store.arrivals.get(keyOfArrival(row));
  if (old !== undefined) return old.decision === null || decisionText(old.decision) !== decisionText(decision);
  return changes.events.some(
    (event) => event.edgeId === row.edgeId && event.epoch === row.epoch && event.seq === row.seq,
  );
}

/** After the rows are taken over. */
export function checkSites(audit: Audit, summary: CommitSummary, sites: ReadonlyMap<string, SiteBefore>): void {
  for (const [siteId, before] of sites) {
    const site = audit.store.site(siteId);
    checkCount(audit, site, summary, before);
    for (const arrival of before.newDecisions) checkDecision(audit, site, arrival, summary);
    const isChosen = before.newDecisions.length > 0 || before.newHoldings > 0;
    if (isChosen && !summary.audited(siteId)) checkRoom(audit, site, summary, before);
    if (before.newDecisions.some((row) => row.decision?.slotId !== null)) checkRecovery(audit, site, summary, before);
  }
}

function checkRoom(audit: Audit, site: SiteBook, summary: CommitSummary, before: SiteBefore): void {
  const promised = site.reserved + site.held + site.admittedWithoutSlot.size;
  const taken = Math.max(site.ledger?.count ?? 0, site.certain) + promised;
  const capacity = Math.max(before.capacity, capacityOf(site));
  const slack = (summary.sites.get(site.siteId)?.uninvited ?? 0) + before.certainAgain;
  if (taken <= capacity + slack) return;
  const sums = [
    `count ${String(site.ledger?.count ?? 0)}`,
    `certain sessions ${String(site.certain)}`,
    `reserved ${String(site.reserved)}`,
    `held ${String(site.held)}`,
    `admitted without slot ${String(site.admittedWithoutSlot.size)}`,
    `capacity ${String(capacity)}`,
  ];
  audit.report('admitted-without-room', `${site.siteId}: ${sums.join(', ')}`);
}

function checkDecision(audit: Audit, site: SiteBook, arrival: ArrivalRow, summary: CommitSummary): void {
  const key = keyOfArrival(arrival);
  const slotId = arrival.decision?.slotId ?? null;
  if (slotId === null || arrival.state !== 'open' || summary.settledArrivals.has(key)) return;
  const slot = site.slots.get(slotId);
  if (slot?.state === 'reserved' && slot.arrivalKey === key) return;
  const is = slot === undefined ? 'unknown' : `${slot.state} ${slot.arrivalKey ?? slot.sessionId ?? slot.heldBy ?? ''}`;
  audit.report('decision-names-anothers-slot', `${site.siteId}: ${key} got ${slotId}, which is ${is}`);
}

/** While edges are known to have been told more than is stored, their slots may be anybody's. */
function checkRecovery(audit: Audit, site: SiteBook, summary: CommitSummary, before: SiteBefore): void {
  if (summary.audited(site.siteId)) return;
  const told = [...site.toHear.entries()]
    .filter(([edgeId, { noticed, overridden }]) => noticed && !overridden && audit.store.entryEdges.has(edgeId))
    .map(([edgeId]) => edgeId);
  const recovering = before.recovering ? (site.ledger?.recoveringEdges ?? []) : [];
  const waited = told.length > 0 ? told : recovering;
  if (waited.length === 0) return;
  audit.report('slot-given-while-recovering', `${site.siteId}: ${waited.join(', ')} had not reported`);
}

function checkCount(audit: Audit, site: SiteBook, summary: CommitSummary, before: SiteBefore): void {
  const commit = summary.sites.get(site.siteId);
  const moved = (site.ledger?.count ?? 0) - before.count;
  const expected = commit === undefined ? 0 : net(commit.passages) + net(commit.lost);
  const residual = moved - expected;
  if (residual === 0 || (residual > 0 && residual <= before.unconfirmedEnded)) return;
  if (summary.audited(site.siteId)) {
    site.residual += residual;
    site.explained += Math.abs(residual);
    return;
  }
  audit.report(
    'count-moved-without-passage',
    `${site.siteId}: by ${String(moved)}, while events count ${String(expected)}`,
  );
}
