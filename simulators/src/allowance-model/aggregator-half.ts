/** What the aggregator does with allowances. Every function is one turn, and changes the aggregator it is given. */
import type { NewSet } from './half.js';
import type { Rules } from './rules.js';
import type { Aggregator, Claim, LoggedEvent, Row, SlotRecord } from './state.js';
import { newRow, rowOf } from './state.js';

/** Applies the next event of an edge. */
export function applyEvent(aggregator: Aggregator, rules: Rules, edge: number, event: LoggedEvent): void {
  const row = rowOf(aggregator, edge);
  row.upTo += 1;
  const seq = row.upTo;
  switch (event.kind) {
    case 'arrived':
      row.open = [...row.open, seq];
      return;
    case 'admitted': {
      const arrival = event.arrival === 0 ? seq : event.arrival;
      endArrival(aggregator, edge, arrival);
      takeNamed(aggregator, rules, { edge, epoch: row.epoch, arrival, slot: event.slot });
      return;
    }
    case 'passed': {
      const { arrival, slot } = event;
      row.open = row.open.filter((open) => open !== arrival);
      if (slotsOf(aggregator, edge, row.epoch, arrival).length > 0) return;
      if (aggregator.claims.some((claim) => isOf(claim, edge, row.epoch, arrival))) return;
      takeNamed(aggregator, rules, { edge, epoch: row.epoch, arrival, slot });
      return;
    }
    case 'backed-out':
    case 'left':
      endArrival(aggregator, edge, event.arrival);
      return;
    case 'accepted':
      applyAcceptance(aggregator, rules, edge, event);
  }
}

/** The vehicle of an arrival is gone: what it had is free again. */
function endArrival(aggregator: Aggregator, edge: number, arrival: number): void {
  const row = rowOf(aggregator, edge);
  row.open = row.open.filter((open) => open !== arrival);
  aggregator.claims = aggregator.claims.filter((claim) => !isOf(claim, edge, row.epoch, arrival));
  for (const slot of slotsOf(aggregator, edge, row.epoch, arrival)) giveBack(aggregator, slot);
}

/** A vehicle went into a slot: it has it, whatever was believed before, unless somebody else seems to have it. */
function takeNamed(aggregator: Aggregator, rules: Rules, claim: Claim): void {
  const { edge, epoch, slot } = claim;
  const record = aggregator.slots[slot];
  if (record === undefined) return;
  const isTheirs = record.state === 'held' && record.edge === edge;
  if (isTheirs || (record.state === 'free' && rules['named-slot-taken'])) {
    aggregator.slots[slot] = { state: 'taken', edge, epoch, arrival: claim.arrival };
    leaveSet(rowOf(aggregator, edge), slot, rules);
    return;
  }
  if (record.state !== 'free' && rules['named-slot-claimed']) aggregator.claims = [...aggregator.claims, claim];
}

function applyAcceptance(
  aggregator: Aggregator,
  rules: Rules,
  edge: number,
  event: Extract<LoggedEvent, { kind: 'accepted' }>,
): void {
  const row = rowOf(aggregator, edge);
  for (const slot of event.returned) {
    if (!isHeldBy(aggregator.slots[slot], edge, row.epoch)) continue;
    giveBack(aggregator, slot);
    leaveSet(row, slot, rules);
  }
  if (event.version > row.version) noticeRestore(aggregator, rules, edge);
  const isItsOwn = rules['only-its-own-acceptance'] ? event.version === row.version : event.version <= row.version;
  if (!isItsOwn || row.settled) return;
  // With slots still to return the set stays outstanding, and the next one follows.
  if (event.remaining > 0 && rules.remaining) {
    row.isPartial = true;
    return;
  }
  row.settled = true;
  row.acceptedSeq = row.upTo;
  if (!rules['acceptance-frees-never-held']) return;
  for (const [slot, record] of aggregator.slots.entries()) {
    if (isHeldBy(record, edge, row.epoch) && !row.slots.includes(slot)) giveBack(aggregator, slot);
  }
}

function leaveSet(row: Row, slot: number, rules: Rules): void {
  if (rules['returned-leaves-newer-set']) row.slots = row.slots.filter((other) => other !== slot);
}

/** Makes a new set of these slots: of what is free, and of what the edge holds. */
export function makeSet(aggregator: Aggregator, rules: Rules, edge: number, { slots, version, asOf }: NewSet): void {
  const row = rowOf(aggregator, edge);
  for (const [slot, record] of aggregator.slots.entries()) {
    if (slots.includes(slot) && record.state === 'free') {
      aggregator.slots[slot] = { state: 'held', edge, epoch: row.epoch, frozen: false };
    }
    const isDropped = !slots.includes(slot) && isHeldBy(record, edge, row.epoch);
    if (isDropped && !rules['back-by-return-only']) giveBack(aggregator, slot);
  }
  Object.assign(row, { version, asOf, slots: [...slots], settled: false, isPartial: false });
}

/** Slots that a new set may have: free ones, and those the edge holds. */
export function offerable(aggregator: Aggregator, rules: Rules, edge: number): number[] {
  const row = rowOf(aggregator, edge);
  if (row.mustReport) return [];
  return aggregator.slots.flatMap((record, slot) => {
    const inSet = !rules['returned-leaves-newer-set'] && row.slots.includes(slot);
    return isAvailable(aggregator, slot) || isHeldBy(record, edge, row.epoch) || inSet ? [slot] : [];
  });
}

/** The edge has a new outbox: what it held or had reserved stays out of use. */
export function replaceEpoch(aggregator: Aggregator, rules: Rules, edge: number, epoch: number): void {
  for (const [slot, record] of aggregator.slots.entries()) {
    const { epoch: replaced } = rowOf(aggregator, edge);
    if (!isHeldBy(record, edge, replaced)) continue;
    if (rules['freeze-on-new-epoch']) aggregator.slots[slot] = { state: 'held', edge, epoch: replaced, frozen: true };
    else giveBack(aggregator, slot);
  }
  const { mustReport } = rowOf(aggregator, edge);
  const isUnknown = mustReport && aggregator.recovering[edge] === true && rules['lost-twice-is-unknown'];
  aggregator.rows[edge] = { ...newRow(epoch), mustReport, isUnknown };
}

/** The store turns out to be an old copy. `edge` is the one that showed it; null: somebody said so. */
export function noticeRestore(aggregator: Aggregator, rules: Rules, edge: number | null): void {
  if (!rules['empty-set-after-restore']) return;
  const isKnown = aggregator.recovering.includes(true);
  for (const [other, row] of aggregator.rows.entries()) {
    if (row.mustReport || (isKnown && other !== edge)) continue;
    aggregator.recovering[other] = true;
    distrust(row);
  }
}

/** What the edge holds is not known any more: only the acceptance of an empty set, made from now on, tells. */
function distrust(row: Row): void {
  Object.assign(row, { mustReport: true, settled: true, isPartial: false, acceptedSeq: 0 });
}

/** An operator frees all that the edge holds. */
export function releaseHoldings(aggregator: Aggregator, edge: number): void {
  for (const [slot, record] of aggregator.slots.entries()) {
    if (record.state === 'held' && record.edge === edge) giveBack(aggregator, slot);
  }
  const row = rowOf(aggregator, edge);
  row.slots = [];
  distrust(row);
}

/** Whether the edge has accepted an empty set and is trusted again. */
export function hasRecovered(aggregator: Aggregator, rules: Rules, edge: number): boolean {
  const row = rowOf(aggregator, edge);
  if (!row.mustReport || row.isUnknown || !row.settled || row.slots.length > 0 || row.acceptedSeq === 0) return false;
  return !rules['open-arrivals-awaited'] || !row.open.some((arrival) => arrival < row.acceptedSeq);
}

/** An operator has looked what stands in the slots, and trusts the edge again. */
export function overrideRecovery(aggregator: Aggregator, edge: number, found: readonly Claim[]): void {
  for (const claim of found) {
    const { slot, ...whose } = claim;
    if (aggregator.slots[slot]?.state === 'free') aggregator.slots[slot] = { state: 'taken', ...whose };
  }
  rowOf(aggregator, edge).isUnknown = false;
}

/** Whether the slot may be given to anybody. */
export function isAvailable(aggregator: Aggregator, slot: number): boolean {
  return aggregator.slots[slot]?.state === 'free' && !aggregator.recovering.includes(true);
}

/** Frees a slot, or gives it to the vehicle that is in it already. */
export function giveBack(aggregator: Aggregator, slot: number): void {
  const next = aggregator.claims.find((claim) => claim.slot === slot);
  if (next === undefined) {
    aggregator.slots[slot] = { state: 'free' };
    return;
  }
  aggregator.claims = aggregator.claims.filter((claim) => claim !== next);
  const { edge, epoch, arrival } = next;
  aggregator.slots[slot] = { state: 'taken', edge, epoch, arrival };
}

function slotsOf(aggregator: Aggregator, edge: number, epoch: number, arrival: number): number[] {
  return aggregator.slots.flatMap((record, slot) =>
    record.state === 'taken' && isOf(record, edge, epoch, arrival) ? [slot] : [],
  );
}

function isOf(
  one: { readonly edge: number; readonly epoch: number; readonly arrival: number },
  edge: number,
  epoch: number,
  arrival: number,
): boolean {
  return one.edge === edge && one.epoch === epoch && one.arrival === arrival;
}

export function isHeldBy(record: SlotRecord | undefined, edge: number, epoch: number): boolean {
  return record?.state === 'held' && record.edge === edge && record.epoch === epoch && !record.frozen;
}
