/** At the end: everything has arrived, everybody has been answered, and the books are the truth but for what is explained. */
import type { Audit } from './audit.js';
import type { EdgeBook, MachineBook } from './edge-types.js';
import { passageOf } from './event-facts.js';
import { passageCount } from './store-rows.js';
import type { SiteBook } from './store-types.js';
import { mayBePhantom } from './street-book.js';
import type { GateBook } from './street-types.js';

export function checkDrained(audit: Audit): void {
  for (const edge of audit.edges.values()) checkEdge(audit, edge);
  excuseForgotten(audit);
  for (const gate of audit.street.gates.values()) checkGate(audit, gate);
  for (const site of audit.store.sites.values()) checkSite(audit, site);
  checkAlarms(audit);
  for (const [vehicle, { gateId, sinceMs }] of audit.street.waiting) {
    // A flood may not be through yet; whoever has just come up to the gate is answered as well.
    if (audit.nowMs - sinceMs < audit.bounds.quietMs) continue;
    audit.report('vehicle-unanswered', `${vehicle} stands at ${gateId} to the end`);
  }
}

/** The machine that is this edge at the end; undefined when none or several are. */
function lastMachine(audit: Audit, edgeId: string): MachineBook | undefined {
  const running = [...audit.machines.values()].filter((machine) => machine.edgeId === edgeId && machine.running);
  return running.length === 1 ? running[0] : undefined;
}

function checkEdge(audit: Audit, edge: EdgeBook): void {
  const machine = audit.store.revoked.has(edge.edgeId) ? undefined : lastMachine(audit, edge.edgeId);
  for (const record of edge.order) {
    if (record.settled !== null) continue;
    const isGone = record.destroyedAtMs !== null || machine?.machine !== record.machine;
    if (!isGone) audit.report('event-never-stored', `${edge.edgeId} ${record.origin}: ${record.event.kind}`);
    const direction = passageOf(record.event);
    const gateId = 'gateId' in record.event ? record.event.gateId : null;
    if (direction !== null && gateId !== null) audit.street.gate(gateId).excused[direction] += 1;
  }
  if (machine === undefined || machine.epoch === null || machine.released === machine.next - 1) return;
  audit.report(
    'outbox-not-drained',
    `${machine.machine}: acknowledged up to ${String(machine.released)} of ${String(machine.next - 1)}`,
  );
}

/** What a restored store had forgotten and nobody could tell it any more. */
function excuseForgotten(audit: Audit): void {
  for (const { edgeId, epoch, gates } of audit.forgotten) {
    if (lastMachine(audit, edgeId)?.epoch === epoch) continue;
    for (const [gateId, count] of gates) {
      const { excused } = audit.street.gate(gateId);
      excused.entry += Math.max(0, count.entry);
      excused.exit += Math.max(0, count.exit);
    }
  }
}

function checkGate(audit: Audit, gate: GateBook): void {
  const counted = passageCount(audit.store.passages, gate.gateId);
  const edgeId = audit.store.gateEdges.get(gate.gateId);
  const edge = edgeId === undefined ? undefined : audit.edges.get(edgeId);
  const lost = edgeId === undefined ? undefined : audit.store.lost.get(edgeId);
  for (const direction of ['entry', 'exit'] as const) {
    const explained = gate.excused[direction] + (lost?.[direction] ?? 0) + (edge?.takenAlong[direction] ?? 0);
    if (gate.healthy[direction] <= counted[direction] + explained) continue;
    audit.report(
      'passage-not-counted',
      `${gate.gateId}: ${String(gate.healthy[direction])} healthy ${direction} passages, ${String(counted[direction])} counted, ${String(explained)} explained`,
    );
  }
}

function checkSite(audit: Audit, site: SiteBook): void {
  checkCount(audit, site);
  for (const edgeId of site.ledger?.recoveringEdges ?? []) {
    if (isReachable(audit, edgeId)) audit.report('recovery-left', `${site.siteId} waits for ${edgeId}`);
  }
  for (const slot of site.slots.values()) {
    const name = `${site.siteId}/${slot.slotId}`;
    if (slot.state === 'reserved' && !slot.frozen) {
      const arrival = audit.store.arrivals.get(slot.arrivalKey ?? '');
      if (arrival === undefined || !isReachable(audit, arrival.edgeId)) continue;
      if (audit.street.gate(arrival.gateId).inLane.size > 0) continue;
      audit.report('reservation-left', `${name} for ${slot.arrivalKey ?? ''}, and nobody stands at ${arrival.gateId}`);
    }
    if (slot.state !== 'held' || slot.frozen || slot.heldBy === null || !isReachable(audit, slot.heldBy)) continue;
    const last = audit.lastAllowances.get(slot.heldBy);
    if (last?.slots.has(slot.slotId) !== true) audit.report('holding-left', `${name} for ${slot.heldBy}`);
  }
}

function isReachable(audit: Audit, edgeId: string): boolean {
  return !audit.store.revoked.has(edgeId) && lastMachine(audit, edgeId) !== undefined;
}

function checkCount(audit: Audit, site: SiteBook): void {
  let inside = 0;
  for (const { gateId } of audit.street.inside.values()) {
    if (audit.store.gateSites.get(gateId) === site.siteId) inside += 1;
  }
  let explained = site.explained + Math.abs(site.residual);
  for (const gate of audit.street.gates.values()) {
    if (audit.store.gateSites.get(gate.gateId) !== site.siteId) continue;
    explained += mayBePhantom(gate) + gate.excused.entry + gate.excused.exit;
  }
  for (const [edgeId, lost] of audit.store.lost) {
    if (audit.store.siteOfEdge(edgeId) === site.siteId) explained += lost.entry + lost.exit;
  }
  for (const edge of audit.edges.values()) {
    if (audit.store.siteOfEdge(edge.edgeId) === site.siteId) explained += edge.takenAlong.entry + edge.takenAlong.exit;
  }
  const count = site.ledger?.count ?? 0;
  if (Math.abs(count - inside) <= explained) return;
  audit.report(
    'count-wrong-at-the-end',
    `${site.siteId}: counted ${String(count)}, inside are ${String(inside)}, explained is ${String(explained)}`,
  );
}

const alarmKinds: readonly string[] = ['epoch-replaced', 'identity-conflict', 'events-gap', 'events-lost'];

function checkAlarms(audit: Audit): void {
  for (const { edgeId, sinceMs } of audit.expectedAlarms) {
    if (!isReachable(audit, edgeId)) continue;
    const isAlarmed = audit.store.alarms.some(
      (alarm) => alarm.edgeId === edgeId && alarm.atMs >= sinceMs && alarmKinds.includes(alarm.kind),
    );
    if (!isAlarmed) audit.report('loss-not-alarmed', `${edgeId}: its outbox was replaced at ${String(sinceMs)} ms`);
  }
}
