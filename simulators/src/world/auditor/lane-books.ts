/** One lane as a machine knows it by durable events and delivered messages: who is at the gate, and what may open it. */
import type { Decision, EdgeEvent } from '@gatehouse/shared';
import type { Audit } from './audit.js';
import { edgeBook, placeOf } from './edge-books.js';
import type { ArrivalBook, EventRecord, LaneBook, MachineBook } from './edge-types.js';
import { endingOf } from './event-facts.js';
import { siteOfGate } from './street-book.js';
import type { GateBook } from './street-types.js';

/** A vehicle that has begun to go through keeps the lane open beyond an open command's time. */
const longestStayMs = 60_000;

export function laneBook(machine: MachineBook, gateId: string): LaneBook {
  let lane = machine.lanes.get(gateId);
  if (lane === undefined) {
    lane = { current: null, lastRequest: null, holdOpen: false, commandOpenUntilMs: -Infinity, letOut: [] };
    machine.lanes.set(gateId, lane);
  }
  return lane;
}

/** A durable event of a lane. `again`: it was durable before, in an earlier epoch. */
export function onLaneEvent(audit: Audit, machine: MachineBook, record: EventRecord, again: boolean): void {
  const { event } = record;
  if (!('gateId' in event) || event.gateId === null) return;
  const lane = laneBook(machine, event.gateId);
  switch (event.kind) {
    case 'vehicle-arrived':
      arrive(audit, lane, record, event, again);
      return;
    case 'vehicle-admitted':
      admitLocally(audit, machine, lane, record, event);
      return;
    case 'vehicle-denied': {
      const arrival = at(lane, record, event.arrival);
      if (arrival === null) return;
      arrival.denied = true;
      arrival.admitted = false;
      audit.street.answered(event.gateId);
      return;
    }
    case 'mode-changed':
      lane.holdOpen = event.mode === 'hold-open' || event.mode === 'fire';
      if (lane.holdOpen) edgeBook(audit, machine.edgeId).heldOpen.add(event.gateId);
      return;
    default:
      end(audit, lane, record, again);
  }
}

function arrive(
  audit: Audit,
  lane: LaneBook,
  record: EventRecord,
  event: Extract<EdgeEvent, { kind: 'vehicle-arrived' }>,
  again: boolean,
): void {
  if (lane.current?.origin === record.origin) {
    lane.current.place = placeOf(record.epoch, record.seq);
    return;
  }
  // Whoever came before goes over into a new epoch, too, ahead of whoever is at the gate.
  if (again && lane.current !== null) return;
  lane.current = {
    place: placeOf(record.epoch, record.seq),
    origin: record.origin,
    gateId: event.gateId,
    direction: event.direction,
    value: event.credential?.value ?? null,
    committedAtMs: audit.nowMs,
    offers: [],
    local: null,
    inDoubt: false,
    admitted: false,
    denied: false,
  };
}

function admitLocally(
  audit: Audit,
  machine: MachineBook,
  lane: LaneBook,
  record: EventRecord,
  event: Extract<EdgeEvent, { kind: 'vehicle-admitted' }>,
): void {
  const arrival = at(lane, record, event.arrival);
  if (arrival === null) return;
  arrival.local = { slotId: event.slotId, basis: event.basis };
  arrival.inDoubt ||= edgeBook(audit, machine.edgeId).dubious;
  arrival.admitted = true;
  arrival.denied = false;
  audit.street.answered(event.gateId);
}

function end(audit: Audit, lane: LaneBook, record: EventRecord, again: boolean): void {
  const ending = endingOf(record.event);
  if (ending === null) return;
  const arrival = at(lane, record, ending.arrival);
  if (arrival === null) return;
  lane.current = null;
  if (again) return;
  const { kind } = record.event;
  const where = `${kind} of ${arrival.place} at ${arrival.gateId}`;
  if (arrival.local !== null) {
    if (arrival.local.slotId !== ending.slotId || arrival.local.basis !== ending.basis) {
      const admitted = `${arrival.local.basis} ${arrival.local.slotId ?? 'without a slot'}`;
      audit.report(
        'two-decisions-for-one-vehicle',
        `${where}: admitted as ${admitted}, ended as ${ending.basis} ${ending.slotId ?? 'without a slot'}`,
      );
    }
  } else if (ending.basis === 'decision') {
    const isOffered = arrival.offers.some(
      (offer) => offer.outcome === 'admit' && offer.timely && offer.slotId === ending.slotId,
    );
    if (!isOffered) {
      audit.report('passed-without-decision', `${where}: no decision in time named ${ending.slotId ?? 'no slot'}`);
    }
  } else if (ending.basis === 'allowance') {
    audit.report('passed-without-decision', `${where}: by the allowance, and no admission was durable`);
  }
}

function at(lane: LaneBook, record: EventRecord, seq: number): ArrivalBook | null {
  return lane.current?.place === placeOf(record.epoch, seq) ? lane.current : null;
}

/** A decision reached the machine. */
export function onDecisionDelivered(audit: Audit, machine: MachineBook, decision: Decision): void {
  if (machine.instance !== null && decision.instance !== machine.instance) return;
  const place = placeOf(decision.epoch, decision.arrival);
  for (const lane of machine.lanes.values()) {
    const arrival = lane.current;
    if (arrival?.place !== place) continue;
    const { outcome, basis } = decision;
    const ageMs = audit.nowMs - arrival.committedAtMs;
    // The machine counts from before the commit; its clock may be slow.
    const timely = ageMs <= decision.ttlMs * (1 + audit.bounds.clockDrift) + 100;
    arrival.offers.push({ outcome, basis, slotId: decision.slot?.slotId ?? null, timely });
    if (outcome !== 'own') audit.street.answered(arrival.gateId);
    if (!timely || outcome === 'own') return;
    if (outcome === 'deny') {
      if (!arrival.admitted) arrival.denied = true;
    } else if (basis === 'operator' || (!arrival.denied && arrival.local === null)) {
      arrival.admitted = true;
      arrival.denied = false;
    }
    return;
  }
}

/** A machine asked an arm to open. */
export function onOpenRequested(audit: Audit, machine: MachineBook, gateId: string): void {
  const lane = laneBook(machine, gateId);
  if (!isExplained(audit, machine, lane, gateId)) report(audit, lane, machine, gateId);
  lane.lastRequest = 'open';
  audit.street.answered(gateId);
}

function isExplained(audit: Audit, machine: MachineBook, lane: LaneBook, gateId: string): boolean {
  const gate = audit.street.gate(gateId);
  const inLane = [...gate.inLane.values()];
  // On a disk that takes nothing exits let people out; nothing durable shows it, nor that whoever came before has left.
  const isForExit = gate.standing === 'exit' || lane.current?.direction === 'exit' || seesPhantomLeaving(audit, gate);
  if (machine.trouble.unproven && isForExit) {
    lane.letOut = inLane;
    return true;
  }
  if (lane.current?.admitted === true) return true;
  if (lane.holdOpen || gate.fire) return true;
  if (lane.commandOpenUntilMs >= audit.nowMs - (gate.inLane.size > 0 ? longestStayMs : 0)) return true;
  // Something came under the arm that was closing, or the arm stopped while it reopened.
  if (lane.lastRequest !== null && (gate.underArm ?? lane.lastRequest === 'close')) return true;
  // What was not durable then is counted as lost when the disk takes events again: its vehicle may still stand there.
  return inLane.some((stay) => lane.letOut.includes(stay));
}

/** A loop of a gate for exits shows a vehicle where none is. */
function seesPhantomLeaving(audit: Audit, gate: GateBook): boolean {
  if (gate.seesPhantomsBy.size === 0) return false;
  const layout = siteOfGate(audit, gate.gateId)?.layout;
  return layout?.gates.some(({ gateId, direction }) => gateId === gate.gateId && direction !== 'entry') ?? false;
}

function report(audit: Audit, lane: LaneBook, machine: MachineBook, gateId: string): void {
  const who = `${machine.machine} at ${gateId}`;
  const arrival = lane.current;
  if (arrival?.denied === true) {
    audit.report('denied-vehicle-let-in', `${who}: arrival ${arrival.place} was turned away`);
  } else if (arrival?.offers.some((offer) => offer.outcome === 'admit' && !offer.timely) === true) {
    audit.report('stale-decision-opened', `${who}: the decision for ${arrival.place} came after its time`);
  } else {
    const stands = arrival === null ? 'nobody has arrived' : `arrival ${arrival.place} has no answer`;
    audit.report('opened-without-cause', `${who}: ${stands}`);
  }
}
