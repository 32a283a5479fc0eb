/** Physical truth: who stands where, who is inside, and which slot each was sent to. */
import type { HappeningOf } from '../happenings.js';
import type { Audit } from './audit.js';
import type { CameIn, GateBook, Sent, StreetBook } from './street-types.js';

/** A vehicle is told to be through at most so long after the lane has seen it. */
const tellingTakesMs = 2_000;

/** A vehicle whose passage is reported is told to be through at most so long after. */
const goingThroughTakesMs = 30_000;

/** Vehicles at one gate that wait to be matched with a report, at most; the oldest is given up. */
const maxUnmatched = 50;

export function createStreetBook(): StreetBook {
  const book: StreetBook = {
    gates: new Map(),
    inside: new Map(),
    insideBySite: new Map(),
    guessed: new Map(),
    suspicions: [],
    claims: new Map(),
    waiting: new Map(),
    gate(gateId) {
      let gate = book.gates.get(gateId);
      if (gate === undefined) {
        gate = newGate(gateId);
        book.gates.set(gateId, gate);
      }
      return gate;
    },
    answered(gateId) {
      for (const vehicle of book.gate(gateId).inLane.keys()) book.waiting.delete(vehicle);
    },
  };
  return book;
}

function newGate(gateId: string): GateBook {
  return {
    gateId,
    inLane: new Map(),
    leftAtMs: -Infinity,
    standing: null,
    underArm: null,
    fire: false,
    through: { entry: 0, exit: 0 },
    healthy: { entry: 0, exit: 0 },
    unhealthy: 0,
    seesPhantomsBy: new Set(),
    sensorFaults: 0,
    reported: { entry: 0, exit: 0 },
    excused: { entry: 0, exit: 0 },
    cameIn: [],
    reportedIn: [],
  };
}

/** Passages that one fault of a sensor may make up. */
const phantomsOfOneFault = 20;

/** How many passages too many or too few the lane's own troubles explain. */
export function mayBePhantom(gate: GateBook): number {
  return gate.unhealthy + gate.sensorFaults * phantomsOfOneFault;
}

export function onVehicleStands({ street, nowMs }: Audit, stands: HappeningOf<'vehicle-stands'>): void {
  const gate = street.gate(stands.gateId);
  gate.inLane.set(stands.vehicle, { plate: stands.plate, direction: stands.direction, sinceMs: nowMs });
  gate.standing = stands.direction;
  const place = street.inside.get(stands.vehicle);
  if (place !== undefined) place.parked = false;
  street.waiting.set(stands.vehicle, { gateId: stands.gateId, sinceMs: nowMs });
}

export function onVehicleThrough(audit: Audit, through: HappeningOf<'vehicle-through'>): void {
  const { street } = audit;
  const { vehicle, gateId, direction, way, healthy } = through;
  const gate = street.gate(gateId);
  const plate = gate.inLane.get(vehicle)?.plate ?? null;
  leaveLane(audit, gate, vehicle);
  gate.through[direction] += 1;
  if (healthy) gate.healthy[direction] += 1;
  else gate.unhealthy += 1;
  const site = siteOfGate(audit, gateId);
  if (direction === 'exit') {
    const place = street.inside.get(vehicle);
    const slot = place?.slot ?? null;
    if (slot !== null && street.claims.get(slot)?.vehicle === vehicle) street.claims.delete(slot);
    if (place !== undefined) forgetCameIn(street.gate(place.gateId), vehicle);
    street.inside.delete(vehicle);
    return;
  }
  street.inside.set(vehicle, { gateId, slot: null, parked: true });
  if (way !== 'as-let-in' || !healthy) {
    if (site !== undefined) site.explained += 1;
    return;
  }
  gate.cameIn.push({ vehicle, plate, atMs: audit.nowMs });
  if (gate.cameIn.length > maxUnmatched) gate.cameIn.shift();
  match(audit, gate);
}

export function onVehicleBack(audit: Audit, back: HappeningOf<'vehicle-back'>): void {
  const gate = audit.street.gate(back.gateId);
  leaveLane(audit, gate, back.vehicle);
  const place = audit.street.inside.get(back.vehicle);
  if (place !== undefined) place.parked = true;
  if (back.healthy) return;
  gate.unhealthy += 1;
  // Its turning back may have been taken for its leaving.
  if (place === undefined || place.slot === null) return;
  if (audit.street.claims.get(place.slot)?.vehicle === back.vehicle) audit.street.claims.delete(place.slot);
  audit.except('lane-not-healthy');
}

function leaveLane({ street, nowMs }: Audit, gate: GateBook, vehicle: string): void {
  gate.inLane.delete(vehicle);
  gate.leftAtMs = nowMs;
  street.waiting.delete(vehicle);
  if (gate.inLane.size === 0) gate.standing = null;
}

export function siteOfGate(audit: Audit, gateId: string): ReturnType<Audit['store']['site']> | undefined {
  const siteId = audit.store.gateSites.get(gateId);
  return siteId === undefined ? undefined : audit.store.site(siteId);
}

/** A gate reports that a vehicle came in and where it was sent: the vehicle is one that did come in there. */
export function sentTo(audit: Audit, sent: Sent): void {
  const gate = audit.street.gate(sent.gateId);
  gate.reportedIn.push(sent);
  match(audit, gate);
}

/** Finds for each report its vehicle: by its plate as read, or as the only one about that time. */
function match(audit: Audit, gate: GateBook): void {
  for (const [at, sent] of gate.reportedIn.entries()) {
    const index = gate.cameIn.findIndex((came) => mayBeOf(sent, came));
    const came = gate.cameIn[index];
    if (came === undefined) continue;
    gate.cameIn.splice(0, index + 1);
    gate.reportedIn.splice(0, at + 1);
    claim(audit, sent, came);
    return;
  }
  while (gate.reportedIn.length > maxUnmatched) gate.reportedIn.shift();
}

function forgetCameIn(gate: GateBook, vehicle: string): void {
  const index = gate.cameIn.findIndex((came) => came.vehicle === vehicle);
  if (index !== -1) gate.cameIn.splice(index, 1);
}

/** Plates come again: what another vehicle with this plate was sent to long ago is no slot of this one. */
function mayBeOf(sent: Sent, came: CameIn): boolean {
  if (sent.plate === null) return Math.abs(came.atMs - sent.atMs) < tellingTakesMs;
  return came.plate === sent.plate && came.atMs - sent.atMs < goingThroughTakesMs;
}

function claim(audit: Audit, sent: Sent, came: CameIn): void {
  const { street } = audit;
  const site = siteOfGate(audit, sent.gateId);
  const place = street.inside.get(came.vehicle);
  if (site === undefined || place === undefined || sent.slotId === null) return;
  const slot = `${site.siteId}/${sent.slotId}`;
  const other = street.claims.get(slot);
  place.slot = slot;
  if ((street.guessed.get(slot) ?? -Infinity) >= sent.atMs) {
    street.claims.delete(slot);
    audit.except('session-guessed');
    return;
  }
  const { edge, record, inDoubt, byDesk } = sent;
  street.claims.set(slot, { vehicle: came.vehicle, edge, record, inDoubt, ...(byDesk === true ? { byDesk } : {}) });
  if (other === undefined || other.vehicle === came.vehicle) return;
  if (street.inside.get(other.vehicle)?.parked !== true) return;
  const what = `${slot}: ${other.vehicle} is inside and was sent there, and now ${came.vehicle}`;
  if ([other, sent].some((one) => one.inDoubt || one.edge.dubious)) audit.except('edge-store-restored');
  else if (audit.store.releasedByHand.has(slot)) audit.except('operator-released-it');
  else if (audit.store.isRestored(site.siteId)) audit.except('aggregator-store-restored');
  // Whoever could tell that the slot is taken is lost, and that was recorded.
  else if (other.record.settled === 'gap') audit.except('told-in-a-gap');
  else audit.report('slot-for-two-vehicles', what);
}

/** The aggregator has ended the session in this slot by a rule that need not be right about who left. */
export function claimEnded(audit: Audit, siteId: string, slotId: string): void {
  const slot = `${siteId}/${slotId}`;
  audit.street.guessed.set(slot, audit.nowMs);
  const claim = audit.street.claims.get(slot);
  if (claim === undefined || !audit.street.inside.has(claim.vehicle)) return;
  audit.street.claims.delete(slot);
  audit.except('session-guessed');
}

/** Somebody at the desk sent the vehicle to another slot. */
export function claimMoved(audit: Audit, siteId: string, fromSlotId: string, toSlotId: string): void {
  const from = `${siteId}/${fromSlotId}`;
  const claim = audit.street.claims.get(from);
  if (claim === undefined) {
    reportMoved(audit, siteId, fromSlotId, toSlotId);
    return;
  }
  audit.street.claims.delete(from);
  audit.street.claims.set(`${siteId}/${toSlotId}`, { ...claim, byDesk: true });
  const place = audit.street.inside.get(claim.vehicle);
  if (place !== undefined) place.slot = `${siteId}/${toSlotId}`;
}

/** Its passage is stored already, while its last wheel is not through. */
function reportMoved(audit: Audit, siteId: string, fromSlotId: string, toSlotId: string): void {
  for (const gate of audit.street.gates.values()) {
    if (audit.store.gateSites.get(gate.gateId) !== siteId) continue;
    const at = gate.reportedIn.findLastIndex((sent) => sent.slotId === fromSlotId);
    const sent = gate.reportedIn[at];
    if (sent !== undefined) gate.reportedIn[at] = { ...sent, slotId: toSlotId, byDesk: true };
  }
}

/** A restored store does not know where the desk sent vehicles since, and nobody else does. */
export function claimsForgotten(audit: Audit, isOccupied: (siteId: string, slotId: string) => boolean): void {
  for (const [slot, claim] of audit.street.claims) {
    const [siteId = '', slotId = ''] = slot.split('/');
    if (claim.byDesk !== true || isOccupied(siteId, slotId)) continue;
    audit.street.claims.delete(slot);
    const place = audit.street.inside.get(claim.vehicle);
    if (place?.slot === slot) place.slot = null;
    audit.except('desk-forgotten');
  }
}

/** Counts the vehicles inside by the gates they came in by: at most as many as there is room, but for what is explained. */
export function checkOverbooking(audit: Audit, through: HappeningOf<'vehicle-through'>): void {
  const site = siteOfGate(audit, through.gateId);
  if (site === undefined) return;
  const by = through.direction === 'entry' ? 1 : -1;
  audit.street.insideBySite.set(site.siteId, (audit.street.insideBySite.get(site.siteId) ?? 0) + by);
  if (by < 0 || through.way !== 'as-let-in') return;
  const inside = audit.street.insideBySite.get(site.siteId) ?? 0;
  const capacity = site.mostCapacity;
  let { explained } = site;
  for (const gate of audit.street.gates.values()) {
    if (audit.store.gateSites.get(gate.gateId) === site.siteId) explained += mayBePhantom(gate);
  }
  if (inside <= capacity + explained) return;
  audit.report(
    'overbooked-in-truth',
    `${site.siteId}: ${String(inside)} inside, room for ${String(capacity)}, explained ${String(explained)}`,
  );
}
