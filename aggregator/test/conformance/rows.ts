/** Rows for tests of stores: whole and plausible, with what a test is about overridden. */
import type {
  AuditRow,
  ChangeSet,
  CommandRow,
  CursorRow,
  EdgeRow,
  EventRow,
  IdempotencyRow,
  KeyRow,
  NoticeRow,
  QuarantineRow,
  RetiredEpochRow,
} from '../../src/app/ports.js';
import type {
  AllowanceRow,
  ArrivalRow,
  CredentialRow,
  LedgerRow,
  ReviewRow,
  SessionRow,
  SiteRow,
  SlotRow,
  VehicleRow,
} from '../../src/domain/rows.js';
import { rowTables } from '../../src/adapters/store/tables.js';

export const epoch = 'e'.repeat(32);
const hash = 'a'.repeat(64);

/** 32 hexadecimal digits from a small number. */
export function hexId(n: number): string {
  return n.toString(16).padStart(32, '0');
}

export function changeSet(changes: Partial<ChangeSet> = {}): ChangeSet {
  const empty = Object.fromEntries(
    [...rowTables, 'removedSlots', 'removedVehicles', 'erasedCredentials', 'removedRetiredEpochs'].map((name) => [
      name,
      [],
    ]),
  ) as unknown as ChangeSet;
  return { ...empty, ...changes };
}

export function siteRow(row: Partial<SiteRow> = {}): SiteRow {
  return {
    siteId: 'site-a',
    version: 1,
    layout: {
      siteId: 'site-a',
      name: 'A',
      timeZone: 'UTC',
      capacity: null,
      openingHours: [{ days: ['mon'], from: '08:00', to: '20:00' }],
      antiPassback: 'soft',
      permitRequired: false,
      exitAuthorisation: false,
      uncertainAgeLimitHours: 72,
      allowance: { sharePercent: 20, maxSlotsPerEdge: 20 },
      zones: [{ zoneId: 'z', name: 'Z', permitOnly: false }],
      slots: [{ slotId: 'slot-1', zoneId: 'z', label: '1', slotClass: 'standard' }],
      gates: [],
    },
    retiredGates: [
      { gateId: 'old', edgeId: 'edge-1', name: 'Old', direction: 'exit', removedAtMs: 1_000, drained: false },
    ],
    ...row,
  };
}

export function ledgerRow(row: Partial<LedgerRow> = {}): LedgerRow {
  return {
    siteId: 'site-a',
    count: -1,
    entriesTotal: 3,
    exitsTotal: 4,
    ticketsIssued: 7,
    recoveringEdges: ['edge-1'],
    unmatchedExits: [],
    ...row,
  };
}

export function allowanceRow(row: Partial<AllowanceRow> = {}): AllowanceRow {
  return {
    siteId: 'site-a',
    edgeId: 'edge-1',
    epoch,
    version: 3,
    asOf: 17,
    slotIds: ['slot-1'],
    settled: false,
    mustReport: true,
    accessVersion: 2,
    acceptedAccessVersion: 1,
    ...row,
  };
}

export function slotRow(row: Partial<SlotRow> = {}): SlotRow {
  return {
    siteId: 'site-a',
    slotId: 'slot-1',
    zoneId: 'z',
    label: '1',
    slotClass: 'standard',
    rank: 0,
    state: 'free',
    sessionId: null,
    arrivalKey: null,
    heldBy: null,
    heldEpoch: null,
    confirmed: true,
    frozen: false,
    outOfService: null,
    recall: null,
    ...row,
  };
}

export function sessionRow(n: number, row: Partial<SessionRow> = {}): SessionRow {
  return {
    siteId: 'site-a',
    sessionId: hexId(n),
    ticket: n,
    credentialId: null,
    vehicleId: null,
    slotClass: 'standard',
    slotId: null,
    state: 'open',
    entryAtMs: n * 1000,
    entryGateId: 'entry-1',
    entryBasis: 'decision',
    exitAtMs: null,
    exitGateId: null,
    exitBasis: null,
    durationMs: null,
    uncertainSinceMs: null,
    exitAuthorised: false,
    earlierExitDue: false,
    entryEventKey: null,
    ...row,
  };
}

export function arrivalRow(seq: number, row: Partial<ArrivalRow> = {}): ArrivalRow {
  return {
    siteId: 'site-a',
    edgeId: 'edge-1',
    epoch,
    seq,
    gateId: 'entry-1',
    direction: 'entry',
    credentialId: null,
    vehicleId: null,
    slotClass: 'standard',
    atMs: seq,
    receivedAtMs: seq + 1,
    state: 'open',
    decision: {
      revision: 1,
      outcome: 'deny',
      sessionId: null,
      slotId: null,
      basis: 'decision',
      reason: 'full',
      ttlMs: 1000,
      atMs: seq,
    },
    localOutcome: null,
    endedAtMs: null,
    ...row,
  };
}

export function reviewRow(n: number, row: Partial<ReviewRow> = {}): ReviewRow {
  return {
    siteId: 'site-a',
    reviewId: hexId(n),
    kind: 'tailgating',
    gateId: 'entry-1',
    edgeId: 'edge-1',
    sessionId: null,
    candidates: [hexId(1), hexId(2)],
    credentialId: null,
    openedAtMs: n,
    detail: '',
    resolvedAtMs: null,
    resolvedBy: null,
    resolution: null,
    ...row,
  };
}

export function credentialRow(n: number, row: Partial<CredentialRow> = {}): CredentialRow {
  return { credentialId: hexId(n), kind: 'plate', value: `AB${String(n).padStart(4, '0')}`, ...row };
}

export function vehicleRow(n: number, row: Partial<VehicleRow> = {}): VehicleRow {
  return {
    vehicleId: hexId(1000 + n),
    credentialId: hexId(n),
    slotClass: 'standard',
    holder: `Holder ${String(n)}`,
    note: null,
    blockedReason: null,
    permits: [{ siteId: 'site-a', zoneId: null, slotClass: 'ev', fromMs: 1, toMs: null }],
    createdAtMs: n,
    updatedAtMs: n,
    ...row,
  };
}

export function cursorRow(row: Partial<CursorRow> = {}): CursorRow {
  return { edgeId: 'edge-1', epoch, upTo: 5, hash, clockOffsetMs: -12.5, lastEventAtMs: 9, ...row };
}

export function retiredEpochRow(row: Partial<RetiredEpochRow> = {}): RetiredEpochRow {
  return { edgeId: 'edge-1', epoch: 'd'.repeat(32), upTo: 5, hash, retiredAtMs: 9, ...row };
}

export function edgeRow(row: Partial<EdgeRow> = {}): EdgeRow {
  return {
    edgeId: 'edge-1',
    siteId: 'site-a',
    name: 'North',
    secretHash: null,
    enrolmentCodeHash: hash,
    enrolmentExpiresAtMs: 10,
    registeredAtMs: 1,
    enrolledAtMs: null,
    revokedAtMs: null,
    ...row,
  };
}

export function eventRow(seq: number, row: Partial<EventRow> = {}): EventRow {
  return {
    edgeId: 'edge-1',
    epoch,
    seq,
    siteId: 'site-a',
    gateId: 'entry-1',
    kind: 'vehicle-passed',
    hash: seq.toString(16).padStart(64, '0'),
    atMs: seq,
    receivedAtMs: seq * 10,
    credentialId: null,
    body: '{"kind":"vehicle-passed"}',
    origin: null,
    flags: [],
    ...row,
  };
}

export function quarantineRow(n: number, row: Partial<QuarantineRow> = {}): QuarantineRow {
  return {
    quarantineId: hexId(n),
    siteId: 'site-a',
    edgeId: 'edge-1',
    epoch: null,
    seq: null,
    kind: null,
    receivedAtMs: n,
    reason: 'is not JSON',
    body: null,
    payloadBytes: 3,
    payloadSha256: hash,
    ...row,
  };
}

export function noticeRow(noticeId: number, row: Partial<NoticeRow> = {}): NoticeRow {
  return {
    noticeId,
    kind: 'vehicle-entered',
    siteId: 'site-a',
    atMs: noticeId * 10,
    gateId: null,
    sessionId: null,
    slotId: null,
    reviewId: null,
    detail: null,
    ...row,
  };
}

export function auditRow(auditId: number, row: Partial<AuditRow> = {}): AuditRow {
  return {
    auditId,
    atMs: auditId,
    by: 'admin',
    action: 'put-layout',
    siteId: 'site-a',
    target: null,
    reason: null,
    detail: '{}',
    prevHash: hash,
    hash: auditId.toString(16).padStart(64, '0'),
    ...row,
  };
}

export function keyRow(row: Partial<KeyRow> = {}): KeyRow {
  return {
    keyId: hexId(1),
    label: 'desk',
    role: 'viewer',
    siteId: null,
    keyHash: hash,
    createdAtMs: 1,
    revokedAtMs: null,
    ...row,
  };
}

export function commandRow(n: number, row: Partial<CommandRow> = {}): CommandRow {
  return {
    commandId: hexId(n),
    siteId: 'site-a',
    gateId: 'entry-1',
    edgeId: 'edge-1',
    kind: 'open',
    by: 'desk',
    reason: 'test',
    createdAtMs: n,
    state: 'sent',
    endedAtMs: null,
    detail: null,
    ...row,
  };
}

export function idempotencyRow(row: Partial<IdempotencyRow> = {}): IdempotencyRow {
  return { idempotencyKey: 'k:1', requestHash: hash, status: 201, body: '{}', createdAtMs: 1, ...row };
}
