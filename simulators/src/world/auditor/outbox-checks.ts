/** What becomes durable at the edges. */
import { sha256 } from '@gatehouse/shared/node';
import type { HappeningOf } from '../happenings.js';
import type { Audit } from './audit.js';
import { addRecord, edgeBook, machineBook, placeOf, recordAt } from './edge-books.js';
import type { EdgeBook, EventRecord, MachineBook } from './edge-types.js';
import { passageOf } from './event-facts.js';
import { laneBook, onLaneEvent } from './lane-books.js';
import { sentTo, siteOfGate } from './street-book.js';

export function onOutboxCommitted(audit: Audit, committed: HappeningOf<'outbox-committed'>): void {
  const machine = machineBook(audit, committed.machine);
  const edge = edgeBook(audit, committed.edgeId);
  if (committed.beginsEpoch || machine.epoch !== committed.epoch) beginEpoch(audit, edge, machine, committed);
  for (const event of committed.events) {
    const where = `${committed.machine} ${committed.epoch}:${String(event.seq)}`;
    if (event.seq !== machine.next) {
      audit.report('outbox-chain-broken', `${where}: expected ${String(machine.next)}`);
    }
    // After a copy of which nothing is kept the end of the chain is not known.
    if (machine.lastHash !== '' && sha256(machine.lastHash + event.json) !== event.hash) {
      audit.report('outbox-chain-broken', `${where}: the hash does not continue the chain`);
    }
    const at = { epoch: committed.epoch, prevHash: machine.lastHash };
    const record = addRecord(audit, edge, committed.machine, at, event);
    machine.next = event.seq + 1;
    machine.lastHash = event.hash;
    take(audit, edge, machine, record);
  }
  if (committed.events.length > 0 && machine.trouble.active === 0) machine.trouble.unproven = false;
}

function beginEpoch(
  audit: Audit,
  edge: EdgeBook,
  machine: MachineBook,
  committed: HappeningOf<'outbox-committed'>,
): void {
  if (edge.epochsUsed.has(committed.epoch)) {
    audit.report('epoch-reused', `${committed.machine} begins ${committed.epoch}, which was used before`);
  }
  const carried = new Set<string>();
  for (const { json } of committed.events) {
    const { origin } = JSON.parse(json) as { origin?: { epoch: string; seq: number; hash: string } };
    if (origin !== undefined) carried.add(`${origin.epoch}:${String(origin.seq)}:${origin.hash}`);
  }
  if (machine.epoch !== null) checkCarriedOver(audit, edge, machine, machine.epoch, carried);
  edge.epochsUsed.add(committed.epoch);
  edge.dubious = false;
  machine.epoch = committed.epoch;
  machine.next = 1;
  machine.lastHash = sha256(committed.epoch);
  machine.released = 0;
}

/** What was not released goes over, if only as the report of its loss. */
function checkCarriedOver(
  audit: Audit,
  edge: EdgeBook,
  machine: MachineBook,
  epoch: string,
  carried: ReadonlySet<string>,
): void {
  for (const record of edge.order) {
    if (record.epoch !== epoch || record.machine !== machine.machine || !record.inOutbox) continue;
    record.inOutbox = false;
    if (record.settled !== null || carried.has(record.origin)) continue;
    // What was acknowledged goes with its epoch, whatever an aggregator that was restored since has forgotten.
    if (record.seq <= machine.released) record.settled = 'dropped';
    else audit.report('event-not-carried-over', `${machine.machine} ${record.origin}: ${record.event.kind}`);
  }
}

function take(audit: Audit, edge: EdgeBook, machine: MachineBook, record: EventRecord): void {
  const { event } = record;
  const again = event.origin !== undefined;
  if (again && (edge.byOrigin.get(record.origin) ?? []).some((other) => other.settled === 'stored')) {
    record.settled = 'known';
  }
  const arrived = 'gateId' in event && event.gateId !== null ? machine.lanes.get(event.gateId)?.current : null;
  onLaneEvent(audit, machine, record, again);
  if (again) return;
  if (event.kind === 'events-lost') {
    machine.lossToReport.entry = Math.max(0, machine.lossToReport.entry - event.entries);
    machine.lossToReport.exit = Math.max(0, machine.lossToReport.exit - event.exits);
  }
  const direction = passageOf(event);
  if (direction !== null && 'gateId' in event && event.gateId !== null) {
    audit.street.gate(event.gateId).reported[direction] += 1;
  }
  if (event.kind === 'vehicle-admitted') {
    if (event.slotId !== null) checkLocalSlot(audit, edge, record, event.slotId);
    else if (event.basis === 'opted-in') explainOptedIn(audit, event.gateId);
  }
  if (event.kind === 'command-completed' && event.result === 'done') commandDone(audit, edge, machine, event.commandId);
  if (event.kind === 'vehicle-passed' && event.direction === 'entry') {
    sentTo(audit, {
      atMs: audit.nowMs,
      gateId: event.gateId,
      slotId: event.slotId,
      plate: arrived?.value ?? null,
      inDoubt: arrived?.inDoubt ?? false,
      edge,
      record,
    });
  }
}

/** A gate that is set to open for anybody may let in more than there is room for, long before that is told. */
function explainOptedIn(audit: Audit, gateId: string): void {
  const site = siteOfGate(audit, gateId);
  if (site !== undefined) site.explained += 1;
}

/** Whatever the edge gives out by itself is held for it, unless somebody took it away for a reason that is known. */
function checkLocalSlot(audit: Audit, edge: EdgeBook, record: EventRecord, slotId: string): void {
  const siteId = audit.store.siteOfEdge(edge.edgeId);
  if (siteId === undefined) return;
  const slot = audit.store.slot(siteId, slotId);
  if (slot?.state === 'held' && slot.heldBy === edge.edgeId && slot.heldEpoch === record.epoch) return;
  if (edge.dubious) audit.except('edge-store-restored');
  else if (audit.store.releasedByHand.has(`${siteId}/${slotId}`)) audit.except('operator-released-it');
  else if (audit.store.isRestored(siteId)) audit.except('aggregator-store-restored');
  else {
    const is =
      slot === undefined ? 'unknown' : `${slot.state} ${slot.heldBy ?? slot.arrivalKey ?? slot.sessionId ?? ''}`;
    audit.report(
      'local-admission-of-anothers-slot',
      `${record.machine} gave out ${slotId} under ${record.epoch}, which is ${is}`,
    );
  }
}

function commandDone(audit: Audit, edge: EdgeBook, machine: MachineBook, commandId: string): void {
  const command = machine.commands.get(commandId);
  if (command?.timely !== true) {
    const why = command === undefined ? 'was never delivered to it' : 'came after its deadline or for another instance';
    audit.report('stale-command-ran', `${machine.machine} carried out ${commandId}, which ${why}`);
  }
  if (edge.doneCommands.has(commandId)) audit.report('command-ran-twice', `${machine.machine}: ${commandId}`);
  edge.doneCommands.add(commandId);
}

export function onOutboxAcknowledged(audit: Audit, released: HappeningOf<'outbox-acknowledged'>): void {
  const machine = machineBook(audit, released.machine);
  if (released.epoch !== machine.epoch) return;
  const storedUpTo = audit.store.everStoredUpTo(machine.edgeId, released.epoch);
  if (released.upTo > storedUpTo) {
    audit.report(
      'released-before-stored',
      `${released.machine} released up to ${String(released.upTo)}, stored is up to ${String(storedUpTo)}`,
    );
  }
  machine.released = Math.max(machine.released, released.upTo);
}

/** An outbox was lost, restored or cloned: what it held and nobody else holds is destroyed. */
export function onOutboxReplaced(audit: Audit, replaced: HappeningOf<'outbox-replaced'>): void {
  const machine = machineBook(audit, replaced.machine);
  const edge = edgeBook(audit, replaced.edgeId);
  const kept = new Set(replaced.events.map((event) => `${placeOf(replaced.epoch ?? '', event.seq)}:${event.hash}`));
  for (const record of edge.order) {
    if (record.machine !== replaced.machine) continue;
    record.inOutbox = kept.has(`${placeOf(record.epoch, record.seq)}:${record.hash}`);
    if (!record.inOutbox && record.settled === null) record.destroyedAtMs ??= audit.nowMs;
  }
  const storedUpTo = machine.epoch === null ? 0 : audit.store.storedUpTo(edge.edgeId, machine.epoch);
  if (replaced.epoch === null) {
    // Nobody can tell that something is missing of an edge that nobody knew.
    if (audit.store.cursors.has(edge.edgeId)) expectAlarm(audit, edge.edgeId);
  } else {
    edge.dubious = true;
    explainHoldings(audit, edge.edgeId);
    if (replaced.next - 1 < storedUpTo) expectAlarm(audit, edge.edgeId);
    else audit.except('loss-undetectable');
  }
  machine.epoch = replaced.epoch;
  machine.next = replaced.next;
  machine.released = replaced.acked;
  const { lossToReport } = machine;
  for (const direction of ['entry', 'exit'] as const) {
    edge.takenAlong[direction] += lossToReport[direction];
    lossToReport[direction] = 0;
  }
  machine.lanes.clear();
  if (replaced.epoch !== null) for (const gateId of edge.heldOpen) laneBook(machine, gateId).holdOpen = true;
  adopt(audit, edge, machine, replaced);
}

/** Events of a copy are known already, but for those of before the books began. */
function adopt(audit: Audit, edge: EdgeBook, machine: MachineBook, replaced: HappeningOf<'outbox-replaced'>): void {
  if (replaced.epoch === null) return;
  edge.epochsUsed.add(replaced.epoch);
  let prevHash = '';
  for (const event of replaced.events) {
    if (recordAt(edge, replaced.epoch, event.seq, event.hash) === undefined) {
      const at = { epoch: replaced.epoch, prevHash };
      const record = addRecord(audit, edge, replaced.machine, at, event);
      if (event.seq <= replaced.acked) record.settled = 'known';
    }
    prevHash = event.hash;
  }
  machine.lastHash = prevHash === '' && replaced.next === 1 ? sha256(replaced.epoch) : prevHash;
}

/** Until it begins a new epoch it may give out once more what it gave out before. */
function explainHoldings(audit: Audit, edgeId: string): void {
  const siteId = audit.store.siteOfEdge(edgeId);
  if (siteId === undefined) return;
  const site = audit.store.site(siteId);
  for (const slot of site.slots.values()) {
    const wasTheirs = slot.heldBy === edgeId || slot.arrivalKey?.startsWith(`${edgeId}:`) === true;
    if (wasTheirs || slot.state === 'occupied') site.explained += 1;
  }
}

function expectAlarm(audit: Audit, edgeId: string): void {
  audit.expectedAlarms.push({ edgeId, sinceMs: audit.nowMs });
}
