/** Looks at everything that happens in a world, keeps its own books of it, and tells which promises were broken. */
import type { Auditor, Happening, HappeningOf, MachineId, Witnessed } from '../happenings.js';
import { auditBounds, createAudit } from './audit.js';
import type { Audit, AuditBounds, ExceptionName } from './audit.js';
import { checkSuspicions, onStoreCommitted, onStoreReplaced } from './commit-checks.js';
import { checkDrained } from './drained-checks.js';
import { onOutboxAcknowledged, onOutboxCommitted, onOutboxReplaced } from './outbox-checks.js';
import { onDelivered, onPublished } from './wire-checks.js';
import { edgeBook, machineBook } from './edge-books.js';
import { laneBook, onOpenRequested } from './lane-books.js';
import { createStoreBook } from './store-book.js';
import {
  checkOverbooking,
  createStreetBook,
  onVehicleBack,
  onVehicleStands,
  onVehicleThrough,
  siteOfGate,
} from './street-book.js';
import type { GateBook } from './street-types.js';

/** Loops and drivers tell later than so that a vehicle has left. */
const loopLagMs = 2_000;

export interface WorldAuditor extends Auditor {
  /** How often a promise was not asked to hold, by the reason. */
  readonly exceptions: ReadonlyMap<ExceptionName, number>;
  /** Findings in all; of each promise only the first few are kept. */
  readonly findingCount: number;
}

export function createAuditor(bounds: Partial<AuditBounds> = {}): WorldAuditor {
  const audit = createAudit({ ...auditBounds, ...bounds }, createStoreBook(), createStreetBook());
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      audit.report('auditor-failed', error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  };
  return {
    onHappening({ atMs, happening }: Witnessed) {
      audit.nowMs = atMs;
      guarded(() => {
        take(audit, happening);
        checkSuspicions(audit, false);
        checkAnswers(audit);
      });
    },
    onDrained(atMs) {
      audit.nowMs = atMs;
      guarded(() => {
        checkSuspicions(audit, true);
        checkDrained(audit);
      });
    },
    get findings() {
      return audit.list.findings;
    },
    get findingCount() {
      return audit.list.count;
    },
    exceptions: audit.exceptions,
  };
}

function take(audit: Audit, happening: Happening): void {
  switch (happening.type) {
    case 'vehicle-stands':
      onVehicleStands(audit, happening);
      return;
    case 'vehicle-through':
      onVehicleThrough(audit, happening);
      checkOverbooking(audit, happening);
      return;
    case 'vehicle-back':
      onVehicleBack(audit, happening);
      return;
    case 'under-arm':
      audit.street.gate(happening.gateId).underArm = happening.occupied;
      return;
    case 'fire-input':
      audit.street.gate(happening.gateId).fire = happening.active;
      return;
    case 'open-requested':
      onOpenRequested(audit, machineBook(audit, happening.machine), happening.gateId);
      return;
    case 'close-requested':
      laneBook(machineBook(audit, happening.machine), happening.gateId).lastRequest = 'close';
      return;
    case 'outbox-committed':
      onOutboxCommitted(audit, happening);
      return;
    case 'outbox-acknowledged':
      onOutboxAcknowledged(audit, happening);
      return;
    case 'outbox-loss': {
      const { lossToReport } = machineBook(audit, happening.machine);
      lossToReport.entry += happening.entries;
      lossToReport.exit += happening.exits;
      return;
    }
    case 'outbox-replaced':
      onOutboxReplaced(audit, happening);
      return;
    case 'store-committed':
      onStoreCommitted(audit, happening.changes);
      return;
    case 'store-replaced':
      onStoreReplaced(audit, happening.contents);
      return;
    case 'published':
      onPublished(audit, happening);
      return;
    case 'delivered':
      onDelivered(audit, happening);
      return;
    case 'gauges':
      checkGauges(audit, happening);
      return;
    case 'started':
    case 'crashed':
    case 'stopped':
      onProcess(audit, happening.type, happening.machine);
      return;
    case 'fault':
    case 'fault-over':
      onFault(audit, happening);
      return;
    case 'faults-end':
      audit.faultsEndedAtMs = audit.nowMs;
      return;
    case 'operator-acted':
    case 'street-closed':
      return;
  }
}

function checkGauges(audit: Audit, gauges: HappeningOf<'gauges'>): void {
  for (const { name, value, bound } of gauges.values) {
    if (gauges.of === 'aggregator' && name === 'publishes' && value === 0) audit.nothingToSendAtMs = audit.nowMs;
    if (value > bound) audit.report('bound-exceeded', `${gauges.of} ${name}: ${String(value)} of ${String(bound)}`);
  }
}

function onProcess(audit: Audit, what: 'started' | 'crashed' | 'stopped', name: MachineId): void {
  if (name === 'aggregator') audit.nothingToSendAtMs = audit.nowMs;
  if (name === 'aggregator' || name === 'broker') return;
  const machine = machineBook(audit, name);
  machine.running = what === 'started';
  machine.instance = null;
  machine.shown = null;
  for (const [gateId, lane] of machine.lanes) {
    lane.lastRequest = null;
    lane.commandOpenUntilMs = -Infinity;
    lane.letOut = [];
    // A new life may know again who stands there, and nobody else.
    if (lane.current !== null && !seemsOccupied(audit, gateId)) lane.current.admitted = false;
    if (what !== 'started') excuseUnrecorded(audit, gateId);
  }
}

/** As far as loops can tell: they are late by a moment, and show vehicles that are not there when they are stuck. */
function seemsOccupied(audit: Audit, gateId: string): boolean {
  const { inLane, leftAtMs, seesPhantomsBy } = audit.street.gate(gateId);
  return inLane.size > 0 || audit.nowMs - leftAtMs < loopLagMs || seesPhantomsBy.size > 0;
}

/** Passages that the agent saw and could not make durable before it ended. */
function excuseUnrecorded(audit: Audit, gateId: string): void {
  const gate = audit.street.gate(gateId);
  for (const direction of ['entry', 'exit'] as const) {
    const missing = gate.through[direction] - gate.reported[direction] - gate.excused[direction];
    if (missing <= 0) continue;
    gate.excused[direction] += missing;
    const site = siteOfGate(audit, gateId);
    if (site !== undefined) site.explained += missing;
  }
}

function onFault(audit: Audit, fault: HappeningOf<'fault' | 'fault-over'>): void {
  const { kind, target } = fault;
  if (kind === 'sensor-bounce' || kind === 'sensor-stuck' || kind === 'sensor-dead') {
    onSensorFault(audit.street.gate(target), fault);
  } else if (kind === 'outbox-error' || kind === 'outbox-full' || kind === 'outbox-slow') {
    const { trouble } = machineBook(audit, target);
    trouble.active = Math.max(0, trouble.active + (fault.type === 'fault' ? 1 : -1));
    trouble.unproven = true;
  } else if (kind === 'edge-cloned' && fault.type === 'fault') {
    edgeBook(audit, machineBook(audit, target).edgeId).dubious = true;
  }
}

function onSensorFault(gate: GateBook, fault: HappeningOf<'fault' | 'fault-over'>): void {
  if (fault.type === 'fault-over') {
    gate.seesPhantomsBy.delete(fault.kind);
    return;
  }
  gate.sensorFaults += 1;
  if (/^(arming|safety)-(stuck|chatter)$/.test(fault.detail)) gate.seesPhantomsBy.add(fault.kind);
}

/** Those who wait are in the order in which they came. */
function checkAnswers(audit: Audit): void {
  if (audit.faultsEndedAtMs === null) return;
  for (const [vehicle, { gateId, sinceMs }] of audit.street.waiting) {
    if (audit.nowMs <= Math.max(sinceMs, audit.faultsEndedAtMs) + audit.bounds.answerMs) return;
    audit.street.waiting.delete(vehicle);
    audit.report('vehicle-unanswered', `${vehicle} has stood at ${gateId} since ${String(sinceMs)} ms`);
  }
}
