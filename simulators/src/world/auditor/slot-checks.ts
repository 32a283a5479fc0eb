/** Slots, sessions, reservations and holdings: what changed for a reason, and whether they agree. */
import type { ChangeSet, SessionRow } from '@gatehouse/aggregator';
import type { Audit } from './audit.js';
import type { CommitSummary } from './commit-summary.js';
import { isPlausiblyTheSame } from './plates.js';
import { keyOfArrival } from './store-rows.js';
import type { SiteBook, SlotRow } from './store-types.js';
import { claimEnded, claimMoved } from './street-book.js';

/** Before the rows are taken over: whether each change has its reason. */
export function checkReasons(audit: Audit, changes: ChangeSet, summary: CommitSummary): void {
  const carried = carriedOver(changes);
  for (const row of changes.slots) {
    const old = audit.store.slot(row.siteId, row.slotId);
    if (old !== undefined) checkSlotReason(audit, old, row, summary, carried);
  }
  for (const { siteId, slotId } of changes.removedSlots) {
    const old = audit.store.slot(siteId, slotId);
    if (old !== undefined) checkSlotReason(audit, old, null, summary, carried);
  }
  for (const row of changes.sessions) checkSessionReason(audit, changes, row, summary);
}

/** Arrivals that ended as void in this commit, by key, and the key under which a new epoch speaks of the same vehicle. */
function carriedOver(changes: ChangeSet): Map<string, string | null> {
  const voided = changes.arrivals.filter((row) => row.state === 'void');
  return new Map(
    voided.map((row) => {
      const successor = changes.arrivals.find(
        (other) => other.epoch !== row.epoch && other.gateId === row.gateId && other.atMs === row.atMs,
      );
      return [keyOfArrival(row), successor === undefined ? null : keyOfArrival(successor)];
    }),
  );
}

function checkSlotReason(
  audit: Audit,
  old: SlotRow,
  row: SlotRow | null,
  summary: CommitSummary,
  carried: ReadonlyMap<string, string | null>,
): void {
  const name = `${old.siteId}/${old.slotId}`;
  if (old.state === 'reserved' && (row?.state !== 'reserved' || row.arrivalKey !== old.arrivalKey)) {
    const key = old.arrivalKey ?? '';
    const goesOn = carried.has(key) && row?.state === 'reserved' && row.sessionId === old.sessionId;
    const isSettled = [key, carried.get(key) ?? key].some((one) => summary.settledArrivals.has(one));
    const hasReason = isSettled || goesOn || summary.audited(old.siteId);
    if (summary.audited(old.siteId)) {
      audit.store.releasedByHand.add(name);
      audit.store.site(old.siteId).explained += 1;
    }
    if (!hasReason) {
      audit.report(
        'reservation-ended-without-cause',
        `${name}: was reserved for ${key}, is ${row?.state ?? 'removed'}`,
      );
    }
  }
  if (old.state === 'held' && (row?.state !== 'held' || row.heldBy !== old.heldBy || row.heldEpoch !== old.heldEpoch)) {
    const edgeId = old.heldBy ?? '';
    const byEdge = summary.namedSlots.has(`${edgeId}/${old.slotId}`) || summary.accepted.has(edgeId);
    if (byEdge) return;
    if (isOfBeforeRestore(audit, summary, old, row)) {
      audit.except('aggregator-store-restored');
      return;
    }
    if (summary.audited(old.siteId)) {
      audit.store.releasedByHand.add(name);
      audit.store.site(old.siteId).explained += 1;
    } else {
      audit.report('holding-taken-without-return', `${name}: was held for ${edgeId}, is ${row?.state ?? 'removed'}`);
    }
  }
}

/** While its holder has to report, a restored store believes another edge that a vehicle went where the copy has the slot set aside. */
function isOfBeforeRestore(audit: Audit, summary: CommitSummary, old: SlotRow, row: SlotRow | null): boolean {
  const { siteId, slotId, heldBy } = old;
  // It may have left again by this very commit.
  const wentThere = row?.state === 'occupied' || summary.vacated.has(`${siteId}/${slotId}`);
  if (old.frozen || heldBy === null || !wentThere) return false;
  const recovering = audit.store.site(siteId).ledger?.recoveringEdges ?? [];
  if (!recovering.includes(heldBy) && !summary.recovering.has(`${siteId}/${heldBy}`)) return false;
  return [...summary.namedSlots].some((named) => {
    const [edgeId = '', name] = named.split('/');
    return name === slotId && audit.store.siteOfEdge(edgeId) === siteId;
  });
}

const byRule: readonly string[] = ['inferred', 'anti-passback', 'age-limit', 'merge', 'correction', 'operator'];

function checkSessionReason(audit: Audit, changes: ChangeSet, row: SessionRow, summary: CommitSummary): void {
  const old = audit.store.site(row.siteId).sessions.get(row.sessionId);
  if (old === undefined) {
    // It came in after an unexplained exit, and is taken to be the one that left.
    if (row.state !== 'open') guessed(audit, row);
    return;
  }
  const name = `${row.siteId} session ${row.sessionId}`;
  const ended = row.state === 'closed' || row.state === 'void';
  if (row.state === 'uncertain' || (row.slotId === null && old.slotId !== null)) guessed(audit, old);
  else if (old.slotId !== null && row.slotId !== null && old.slotId !== row.slotId) {
    claimMoved(audit, row.siteId, old.slotId, row.slotId);
  }
  const audited = summary.audited(row.siteId);
  // Whoever has this plate leaves, and it ends, whoever stands there: that is what somebody at the desk said.
  if (audited && row.credentialId !== old.credentialId) guessed(audit, old);
  if (!ended) return;
  const exits = summary.exits.filter(({ siteId }) => siteId === row.siteId);
  if (!audited && exits.length === 0 && row.exitBasis !== 'age-limit' && !summary.entered.has(row.siteId)) {
    audit.report('session-closed-without-cause', `${name}: ${row.exitBasis ?? 'no basis'}, and nobody left or came in`);
  }
  if (audited || row.exitBasis === null || byRule.includes(row.exitBasis)) {
    guessed(audit, old);
    return;
  }
  const plate = textOf(audit, changes, old.credentialId);
  if (plate === undefined) return;
  const shown = exits.flatMap(({ arrivalKey }) => {
    const arrival = changes.arrivals.find((other) => keyOfArrival(other) === arrivalKey);
    const known = arrivalKey === null ? undefined : audit.store.arrivals.get(arrivalKey);
    return textOf(audit, changes, (arrival ?? known)?.credentialId ?? null) ?? [];
  });
  if (shown.some((value) => value === plate)) return;
  if (shown.some((value) => isPlausiblyTheSame(value, plate))) {
    guessed(audit, old);
    return;
  }
  audit.report('session-closed-for-another', `${name}: its plate is none of those that left`);
}

function textOf(audit: Audit, changes: ChangeSet, credentialId: string | null): string | undefined {
  if (credentialId === null) return undefined;
  return (
    audit.store.credentials.get(credentialId) ??
    changes.credentials.find((row) => row.credentialId === credentialId)?.value
  );
}

/** The session ended by a rule that may be wrong about the vehicle: it may still stand in the slot. */
function guessed(audit: Audit, session: SessionRow): void {
  if (session.slotId !== null) claimEnded(audit, session.siteId, session.slotId);
}

/** After the rows are taken over: whether what was touched agrees with the rest. */
export function checkAgreement(audit: Audit, changes: ChangeSet, touched: ReadonlySet<string>): void {
  for (const name of touched) {
    const [siteId, slotId] = name.split('/');
    if (siteId !== undefined && slotId !== undefined) checkSlot(audit, audit.store.site(siteId), slotId);
  }
  for (const row of changes.sessions) {
    if (row.state !== 'open' && row.state !== 'uncertain') continue;
    const site = audit.store.site(row.siteId);
    if (site.ledger !== null && row.ticket > site.ledger.ticketsIssued) {
      audit.report('books-inconsistent', `${row.siteId} session ${row.sessionId}: ticket above those issued`);
    }
  }
}

/** `site/slot` of every slot that a commit may have brought out of agreement. Asked before the rows are taken over. */
export function touchedSlots(audit: Audit, changes: ChangeSet): Set<string> {
  const touched = new Set<string>();
  for (const row of [...changes.slots, ...changes.removedSlots]) touched.add(`${row.siteId}/${row.slotId}`);
  for (const row of changes.sessions) {
    const old = audit.store.site(row.siteId).sessions.get(row.sessionId);
    for (const slotId of [row.slotId, old?.slotId ?? null]) if (slotId !== null) touched.add(`${row.siteId}/${slotId}`);
  }
  for (const row of changes.arrivals) {
    const slotId = audit.store.site(row.siteId).reservedFor.get(keyOfArrival(row));
    if (slotId !== undefined) touched.add(`${row.siteId}/${slotId}`);
  }
  return touched;
}

function checkSlot(audit: Audit, site: SiteBook, slotId: string): void {
  const row = site.slots.get(slotId);
  const sessions = [...(site.sessionsBySlot.get(slotId) ?? [])];
  const name = `${site.siteId}/${slotId}`;
  if (sessions.length > 1) audit.report('slot-for-two-vehicles', `${name}: sessions ${sessions.join(' and ')}`);
  const wrong = (what: string): void => {
    audit.report('books-inconsistent', `${name} is ${row?.state ?? 'removed'}: ${what}`);
  };
  const [session] = sessions;
  if (row?.state !== 'occupied' && session !== undefined) wrong(`session ${session} is in it`);
  if (row === undefined) return;
  switch (row.state) {
    case 'free':
      if (row.sessionId !== null || row.arrivalKey !== null || row.heldBy !== null) wrong('it names somebody');
      return;
    case 'occupied':
      if (row.sessionId === null || session !== row.sessionId)
        wrong(`by ${row.sessionId ?? 'nobody'}, whose session says otherwise`);
      return;
    case 'held':
      if (row.heldBy === null || row.heldEpoch === null) wrong('for nobody');
      return;
    case 'reserved': {
      const key = row.arrivalKey ?? '';
      const arrival = audit.store.arrivals.get(key);
      if (arrival === undefined) wrong(`for ${key}, which has ended`);
      if (site.reservedFor.get(key) !== slotId) wrong(`and another slot is reserved for ${key}, too`);
    }
  }
}
