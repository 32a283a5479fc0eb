/** One commit of the aggregator, and what it means when its store is replaced. */
import type { ChangeSet, CursorRow } from '@gatehouse/aggregator';
import type { Audit } from './audit.js';
import { summarise } from './commit-summary.js';
import { checkIngest, checkLogs } from './ingest-checks.js';
import { beforeCommit, checkSites } from './room-checks.js';
import { checkAgreement, checkReasons, touchedSlots } from './slot-checks.js';
import { edgeBook, settle } from './edge-books.js';
import type { PassageCount } from './event-facts.js';
import { passageCount } from './store-rows.js';
import type { Restored, SiteBook } from './store-types.js';
import { claimsForgotten, mayBePhantom } from './street-book.js';

export function onStoreCommitted(audit: Audit, changes: ChangeSet): void {
  const summary = summarise(changes);
  checkIngest(audit, changes);
  checkLogs(audit, changes);
  checkReasons(audit, changes, summary);
  const touched = touchedSlots(audit, changes);
  const sites = beforeCommit(audit, changes);
  audit.store.apply(changes, audit.nowMs);
  checkAgreement(audit, changes, touched);
  checkSites(audit, summary, sites);
  const gateIds = new Set(changes.events.flatMap((row) => row.gateId ?? []));
  for (const gateId of gateIds) checkNotTwice(audit, gateId);
  followRecovery(audit, changes);
  explainActs(audit, changes);
}

/** What people do may let in more than there is room for. */
function explainActs(audit: Audit, changes: ChangeSet): void {
  for (const { siteId } of changes.audit) if (siteId !== null) audit.store.site(siteId).explained += 1;
}

/** Nothing is counted that did not physically happen. */
function checkNotTwice(audit: Audit, gateId: string): void {
  const gate = audit.street.gate(gateId);
  const counted = passageCount(audit.store.passages, gateId);
  for (const direction of ['entry', 'exit'] as const) {
    if (counted[direction] <= gate.through[direction] + mayBePhantom(gate)) continue;
    audit.street.suspicions.push({ gateId, direction, counted: counted[direction], atMs: audit.nowMs });
  }
}

/** An edge is heard before its state shows that it holds what the restored store does not know. */
const noticingTakesMs = 30_000;

/** A long vehicle may be taken for one that is through while it still is under the arm. */
const goingThroughTakesMs = 30_000;

/** What was stored is stored; by now what had happened then is known. */
export function checkSuspicions(audit: Audit, atEnd: boolean): void {
  const { suspicions } = audit.street;
  for (let first = suspicions[0]; first !== undefined; first = suspicions[0]) {
    if (!atEnd && audit.nowMs - first.atMs < goingThroughTakesMs) return;
    suspicions.shift();
    const { gateId, direction, counted } = first;
    const gate = audit.street.gate(gateId);
    if (counted <= gate.through[direction] + mayBePhantom(gate)) continue;
    audit.report(
      'passage-counted-twice',
      `${gateId}: ${String(counted)} ${direction} passages are stored, ${String(gate.through[direction])} happened`,
    );
  }
}

function followRecovery(audit: Audit, changes: ChangeSet): void {
  const overridden = changes.audit.filter((row) => row.action === 'site.override-recovery');
  for (const { siteId } of overridden) {
    if (siteId === null) continue;
    const { toHear, restored } = audit.store.site(siteId);
    for (const told of toHear.values()) told.overridden = true;
    if (restored !== null) restored.forGood = true;
  }
  for (const cursor of changes.cursors) {
    const siteId = audit.store.siteOfEdge(cursor.edgeId);
    if (siteId === undefined) continue;
    const site = audit.store.site(siteId);
    const told = site.toHear.get(cursor.edgeId);
    if (told !== undefined && (told.epoch !== cursor.epoch || told.upTo <= cursor.upTo)) {
      site.toHear.delete(cursor.edgeId);
    }
    if (site.restored !== null) hear(site.restored, cursor, audit.nowMs);
  }
  for (const site of audit.store.sites.values()) {
    if (site.restored !== null && isHealed(audit, site, site.restored)) site.restored = null;
  }
}

/** An edge of the time before has told again what it had told then. */
function hear(restored: Restored, { edgeId, epoch, upTo }: CursorRow, nowMs: number): void {
  const then = restored.edges.get(edgeId);
  if (then?.epoch !== epoch || upTo < then.upTo) return;
  restored.edges.delete(edgeId);
  if (restored.edges.size === 0) restored.heardAtMs = nowMs;
}

/** Everybody was heard again, and has said what it holds. */
function isHealed(audit: Audit, site: SiteBook, { heardAtMs, forGood }: Restored): boolean {
  if (forGood || heardAtMs === null || audit.nowMs - heardAtMs < noticingTakesMs) return false;
  if ((site.ledger?.recoveringEdges.length ?? 0) > 0) return false;
  return ![...audit.store.mustReport.values()].includes(site.siteId);
}

export function onStoreReplaced(audit: Audit, contents: ChangeSet): void {
  const { store } = audit;
  const taken = takenSlots(audit);
  const before = new Map([...store.passages].map(([gateId, count]) => [gateId, { ...count }]));
  store.clear();
  store.apply(contents, audit.nowMs);
  for (const { retiredGates } of contents.sites) {
    for (const { gateId, edgeId } of retiredGates) store.gatesHad.add(`${edgeId}/${gateId}`);
  }
  store.replacedAtMs = audit.nowMs;
  audit.expectedAlarms.length = 0;
  for (const edge of audit.edges.values()) for (const record of edge.order) reopen(audit, edge.edgeId, record);
  for (const site of store.sites.values()) rebase(audit, site);
  claimsForgotten(audit, (siteId, slotId) => store.slot(siteId, slotId)?.state === 'occupied');
  // Until the edges have reported, what was taken may be given once more.
  for (const { siteId, slotId } of taken) {
    if ((store.slot(siteId, slotId)?.state ?? 'free') === 'free') store.site(siteId).explained += 1;
  }
  for (const machine of audit.machines.values()) {
    const { edgeId, epoch } = machine;
    forget(audit, edgeId, before);
    const siteId = store.siteOfEdge(edgeId);
    if (siteId === undefined || epoch === null) continue;
    const site = store.site(siteId);
    site.restored ??= { edges: new Map(), heardAtMs: null, forGood: false };
    const hasLeft = store.cursors.get(edgeId)?.epoch !== epoch && edgeBook(audit, edgeId).epochsUsed.size > 1;
    if (hasLeft) site.restored.forGood = true;
    site.restored.edges.set(edgeId, { epoch, upTo: machine.released });
  }
}

function takenSlots(audit: Audit): { siteId: string; slotId: string }[] {
  const slots = [...audit.store.sites.values()].flatMap((site) => [...site.slots.values()]);
  return slots.filter((slot) => slot.state !== 'free').map(({ siteId, slotId }) => ({ siteId, slotId }));
}

/** What the restored store does not hold is owed again. */
function reopen(audit: Audit, edgeId: string, record: ReturnType<typeof edgeBook>['order'][number]): void {
  if (audit.store.origins.has(`${edgeId}/${record.origin}`)) {
    // A copy may be younger than the one before it.
    settle(edgeBook(audit, edgeId), record, 'stored');
    return;
  }
  if (record.settled !== 'stored' && record.settled !== 'known') return;
  // The edge may have thrown away what was acknowledged, with its epoch.
  record.settled = record.inOutbox ? null : 'dropped';
}

/** The count of the copy against the events of the copy. */
function rebase(audit: Audit, site: SiteBook): void {
  let counted = 0;
  for (const [gateId, count] of audit.store.passages) {
    if (audit.store.gateSites.get(gateId) === site.siteId) counted += count.entry - count.exit;
  }
  for (const [edgeId, lost] of audit.store.lost) {
    if (audit.store.siteOfEdge(edgeId) === site.siteId) counted += lost.entry - lost.exit;
  }
  site.residual = (site.ledger?.count ?? 0) - counted;
}

/** Passages that the copy does not know: they are gone for good if their epoch is not the edge's any more. */
function forget(audit: Audit, edgeId: string, before: ReadonlyMap<string, PassageCount>): void {
  const gates = new Map<string, PassageCount>();
  const siteId = audit.store.siteOfEdge(edgeId);
  const layout = siteId === undefined ? null : audit.store.site(siteId).layout;
  for (const [gateId, count] of before) {
    if (layout?.gates.some((gate) => gate.gateId === gateId && gate.edgeId !== edgeId) === true) continue;
    const left = audit.store.passages.get(gateId) ?? { entry: 0, exit: 0 };
    gates.set(gateId, { entry: count.entry - left.entry, exit: count.exit - left.exit });
  }
  audit.forgotten.push({ edgeId, epoch: audit.store.cursors.get(edgeId)?.epoch ?? null, gates });
}
