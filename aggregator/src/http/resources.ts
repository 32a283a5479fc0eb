/** From rows to resources. Credentials appear by id only; `presentation.ts` adds their text for those who may see it. */
import { instantOf, instantOrNull } from '@gatehouse/shared';
import type {
  AuditResource,
  CredentialView,
  EdgeResource,
  EventResource,
  GateCommandResource,
  GateResource,
  KeyResource,
  NoticeResource,
  QuarantineResource,
  ReviewResource,
  SessionResource,
  SiteOccupancyResource,
  SiteResource,
  SlotResource,
  VehicleResource,
} from '@gatehouse/shared';
import type { EdgeStatusView } from '../app/aggregator.js';
import type { AuditRow, CommandRow, EdgeRow, EventRow, KeyRow, NoticeRow, QuarantineRow } from '../app/ports.js';
import { occupancyOf, openArrivals, siteRowOf, summaryOf } from '../domain/engine.js';
import type { SiteState } from '../domain/engine.js';
import { arrivalKey } from '../domain/rows.js';
import type { ArrivalRow, Permit, ReviewRow, SessionRow, SlotRow, VehicleRow } from '../domain/rows.js';

/** A credential without its text. */
export function credentialRef(credentialId: string): CredentialView {
  return { credentialId, kind: null, value: null };
}

function credentialRefOrNull(credentialId: string | null): CredentialView | null {
  return credentialId === null ? null : credentialRef(credentialId);
}

export function siteSummaryResource(state: SiteState) {
  const { layout, version } = siteRowOf(state);
  return {
    siteId: layout.siteId,
    name: layout.name,
    timeZone: layout.timeZone,
    version,
    slots: layout.slots.length,
    gates: layout.gates.length,
  };
}

export function siteResource(state: SiteState): SiteResource {
  const { layout, version, retiredGates } = siteRowOf(state);
  const removed = retiredGates.map(({ removedAtMs, ...gate }) => ({ ...gate, removedAt: instantOf(removedAtMs) }));
  return { siteId: layout.siteId, version, layout, retiredGates: removed };
}

export function occupancyResource(state: SiteState, atMs: number): SiteOccupancyResource {
  const { zones, classes } = occupancyOf(state, Math.trunc(atMs));
  const summary = summaryOf(state);
  return {
    siteId: state.siteId,
    at: instantOf(atMs),
    capacity: summary.capacity,
    free: summary.free,
    vehiclesInside: summary.vehiclesInside,
    sessionsOpen: summary.sessionsOpen,
    sessionsUncertain: summary.sessionsUncertain,
    drift: summary.drift,
    entriesTotal: summary.entriesTotal,
    exitsTotal: summary.exitsTotal,
    reviewsOpen: summary.reviewsOpen,
    recovering: summary.recovering,
    slots: { ...summary.slots },
    zones: zones.map((zone) => ({ ...zone })),
    classes: classes.map((entry) => ({ ...entry })),
  };
}

export function slotResource(row: Readonly<SlotRow>): SlotResource {
  return {
    siteId: row.siteId,
    slotId: row.slotId,
    zoneId: row.zoneId,
    label: row.label,
    slotClass: row.slotClass,
    state: row.state,
    sessionId: row.sessionId,
    heldBy: row.heldBy,
    confirmed: row.confirmed,
    frozen: row.frozen,
    outOfService: row.outOfService,
    recall: row.recall === null ? null : { kind: row.recall.kind, by: row.recall.by, reason: row.recall.reason },
  };
}

export function sessionResource(row: Readonly<SessionRow>): SessionResource {
  return {
    siteId: row.siteId,
    sessionId: row.sessionId,
    ticket: row.ticket,
    state: row.state,
    credential: credentialRefOrNull(row.credentialId),
    vehicleId: row.vehicleId,
    slotClass: row.slotClass,
    slotId: row.slotId,
    entryAt: instantOf(row.entryAtMs),
    entryGateId: row.entryGateId,
    entryBasis: row.entryBasis,
    exitAt: instantOrNull(row.exitAtMs),
    exitGateId: row.exitGateId,
    exitBasis: row.exitBasis,
    durationSeconds: row.durationMs === null ? null : row.durationMs / 1000,
    exitAuthorised: row.exitAuthorised,
  };
}

export function vehicleResource(row: Readonly<VehicleRow>): VehicleResource {
  return {
    vehicleId: row.vehicleId,
    credential: credentialRef(row.credentialId),
    slotClass: row.slotClass,
    holder: row.holder,
    note: row.note,
    blockedReason: row.blockedReason,
    permits: row.permits.map(permitResource),
    createdAt: instantOf(row.createdAtMs),
    updatedAt: instantOf(row.updatedAtMs),
  };
}

function permitResource(permit: Permit) {
  return {
    siteId: permit.siteId,
    zoneId: permit.zoneId,
    slotClass: permit.slotClass,
    from: instantOrNull(permit.fromMs),
    to: instantOrNull(permit.toMs),
  };
}

export function gateResource(state: SiteState, gateId: string, status: EdgeStatusView | undefined): GateResource {
  const gate = siteRowOf(state).layout.gates.find((candidate) => candidate.gateId === gateId);
  if (gate === undefined) throw new RangeError(`no gate ${gateId}`);
  const online = status?.presence === 'online';
  const reported = status?.lastState?.gates.find((candidate) => candidate.gateId === gateId);
  const arrivals = [...openArrivals(state, gate.edgeId)].filter((arrival) => arrival.gateId === gateId);
  return {
    siteId: state.siteId,
    gateId,
    name: gate.name,
    direction: gate.direction,
    edgeId: gate.edgeId,
    online,
    barrier: online ? (reported?.barrier ?? 'unknown') : 'unknown',
    mode: reported?.mode ?? null,
    sensors: online ? { ...reported?.sensors } : {},
    faults: [...(reported?.faults ?? [])],
    arrivals: arrivals.map(arrivalResource),
  };
}

function arrivalResource(row: Readonly<ArrivalRow>) {
  const { decision } = row;
  return {
    arrivalId: arrivalKey(row),
    direction: row.direction,
    at: instantOf(row.atMs),
    credential: credentialRefOrNull(row.credentialId),
    vehicleId: row.vehicleId,
    slotClass: row.slotClass,
    outcome: decision?.outcome ?? null,
    reason: decision?.reason ?? null,
    slotId: decision?.slotId ?? null,
    sessionId: decision?.sessionId ?? null,
  };
}

export function commandResource(row: CommandRow): GateCommandResource {
  return {
    commandId: row.commandId,
    siteId: row.siteId,
    gateId: row.gateId,
    kind: row.kind as GateCommandResource['kind'],
    state: row.state,
    by: row.by,
    reason: row.reason,
    createdAt: instantOf(row.createdAtMs),
    endedAt: instantOrNull(row.endedAtMs),
    detail: row.detail,
  };
}

export function edgeResource(row: EdgeRow, status: EdgeStatusView | undefined): EdgeResource {
  return {
    edgeId: row.edgeId,
    siteId: row.siteId,
    name: row.name,
    registeredAt: instantOf(row.registeredAtMs),
    enrolledAt: instantOrNull(row.enrolledAtMs),
    revokedAt: instantOrNull(row.revokedAtMs),
    enrolmentExpiresAt: instantOrNull(row.enrolmentExpiresAtMs),
    online: status?.presence === 'online',
    lastSeenAt: instantOrNull(status?.lastSeenAtMs ?? null),
    softwareVersion: status?.lastState?.version ?? null,
    outboxEvents: status?.backlogEvents ?? null,
    clockOffsetSeconds: status?.clockOffsetMs == null ? null : status.clockOffsetMs / 1000,
    faults: [...(status?.lastState?.faults ?? [])],
    allowance: status?.allowance ?? { version: 0, settled: true, mustReport: false, held: 0, inSet: 0, frozen: 0 },
  };
}

export function eventResource(row: EventRow): EventResource {
  return {
    siteId: row.siteId,
    edgeId: row.edgeId,
    epoch: row.epoch,
    seq: row.seq,
    gateId: row.gateId,
    kind: row.kind,
    at: instantOf(row.atMs),
    receivedAt: instantOf(row.receivedAtMs),
    credential: credentialRefOrNull(row.credentialId),
    flags: [...row.flags],
    body: jsonObject(row.body),
  };
}

export function reviewResource(row: Readonly<ReviewRow>): ReviewResource {
  return {
    siteId: row.siteId,
    reviewId: row.reviewId,
    kind: row.kind,
    gateId: row.gateId,
    edgeId: row.edgeId,
    sessionId: row.sessionId,
    candidates: [...row.candidates],
    credential: credentialRefOrNull(row.credentialId),
    openedAt: instantOf(row.openedAtMs),
    detail: row.detail,
    resolvedAt: instantOrNull(row.resolvedAtMs),
    resolvedBy: row.resolvedBy,
    resolution: row.resolution,
  };
}

export function quarantineResource(row: QuarantineRow): QuarantineResource {
  const { receivedAtMs, ...rest } = row;
  return { ...rest, receivedAt: instantOf(receivedAtMs) };
}

export function auditResource(row: AuditRow): AuditResource {
  const { atMs, detail, ...rest } = row;
  return { ...rest, at: instantOf(atMs), detail: jsonObject(detail) };
}

export function keyResource(row: KeyRow): KeyResource {
  return {
    keyId: row.keyId,
    label: row.label,
    role: row.role,
    siteId: row.siteId,
    createdAt: instantOf(row.createdAtMs),
    revokedAt: instantOrNull(row.revokedAtMs),
  };
}

export function noticeResource(row: NoticeRow, credentialId: string | null): NoticeResource {
  return {
    noticeId: row.noticeId,
    kind: row.kind,
    siteId: row.siteId,
    at: instantOf(row.atMs),
    gateId: row.gateId,
    sessionId: row.sessionId,
    slotId: row.slotId,
    reviewId: row.reviewId,
    credential: credentialRefOrNull(credentialId),
    detail: row.detail,
  };
}

function jsonObject(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : { value };
}
