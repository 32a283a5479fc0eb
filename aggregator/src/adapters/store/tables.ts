/**
 * The tables of the store, described once: the SQLite schema, its statements and the mapping of rows come from here, and the
 * in-memory store enforces the same rules.
 */
import type { ChangeSet } from '../../app/ports.js';

/** Members of a change set that carry rows. */
export type RowTable = Exclude<
  keyof ChangeSet,
  'removedSlots' | 'removedVehicles' | 'erasedCredentials' | 'removedRetiredEpochs'
>;
export type RowOf<T extends RowTable> = ChangeSet[T][number];

/** How a member is stored: numbers and booleans as numbers, `json` as the text of its JSON. */
export interface Column {
  readonly type: 'text' | 'number' | 'boolean' | 'json';
  readonly nullable: boolean;
}

export interface Table<Row = Record<string, unknown>> {
  /** Members of the primary key. */
  readonly key: readonly (keyof Row & string)[];
  /** Members that may be the same in no two rows, besides the key. */
  readonly unique?: readonly (keyof Row & string)[];
  readonly columns: Readonly<Required<Record<keyof Row & string, Column>>>;
}

const text: Column = { type: 'text', nullable: false };
const textOrNull: Column = { type: 'text', nullable: true };
const number: Column = { type: 'number', nullable: false };
const numberOrNull: Column = { type: 'number', nullable: true };
const flag: Column = { type: 'boolean', nullable: false };
const json: Column = { type: 'json', nullable: false };
const jsonOrNull: Column = { type: 'json', nullable: true };

export const tables: { readonly [T in RowTable]: Table<RowOf<T>> } = {
  sites: { key: ['siteId'], columns: { siteId: text, layout: json, version: number, retiredGates: json } },
  ledgers: {
    key: ['siteId'],
    columns: {
      siteId: text,
      count: number,
      entriesTotal: number,
      exitsTotal: number,
      ticketsIssued: number,
      unmatchedExits: json,
      recoveringEdges: json,
    },
  },
  slots: {
    key: ['siteId', 'slotId'],
    columns: {
      siteId: text,
      slotId: text,
      zoneId: text,
      label: text,
      slotClass: text,
      rank: number,
      state: text,
      sessionId: textOrNull,
      arrivalKey: textOrNull,
      heldBy: textOrNull,
      heldEpoch: textOrNull,
      confirmed: flag,
      frozen: flag,
      outOfService: textOrNull,
      recall: jsonOrNull,
    },
  },
  allowances: {
    key: ['siteId', 'edgeId'],
    columns: {
      siteId: text,
      edgeId: text,
      epoch: text,
      version: number,
      asOf: number,
      slotIds: json,
      settled: flag,
      mustReport: flag,
      accessVersion: number,
      acceptedAccessVersion: number,
    },
  },
  sessions: {
    key: ['siteId', 'sessionId'],
    columns: {
      siteId: text,
      sessionId: text,
      ticket: number,
      credentialId: textOrNull,
      vehicleId: textOrNull,
      slotClass: text,
      slotId: textOrNull,
      state: text,
      entryAtMs: number,
      entryGateId: textOrNull,
      entryBasis: text,
      exitAtMs: numberOrNull,
      exitGateId: textOrNull,
      exitBasis: textOrNull,
      durationMs: numberOrNull,
      uncertainSinceMs: numberOrNull,
      exitAuthorised: flag,
      earlierExitDue: flag,
      entryEventKey: textOrNull,
    },
  },
  arrivals: {
    key: ['edgeId', 'epoch', 'seq'],
    columns: {
      siteId: text,
      edgeId: text,
      epoch: text,
      seq: number,
      gateId: text,
      direction: text,
      credentialId: textOrNull,
      vehicleId: textOrNull,
      slotClass: text,
      atMs: number,
      receivedAtMs: number,
      state: text,
      decision: jsonOrNull,
      localOutcome: textOrNull,
      endedAtMs: numberOrNull,
    },
  },
  reviews: {
    key: ['siteId', 'reviewId'],
    columns: {
      siteId: text,
      reviewId: text,
      kind: text,
      gateId: textOrNull,
      edgeId: textOrNull,
      sessionId: textOrNull,
      candidates: json,
      credentialId: textOrNull,
      openedAtMs: number,
      detail: text,
      resolvedAtMs: numberOrNull,
      resolvedBy: textOrNull,
      resolution: textOrNull,
    },
  },
  credentials: {
    key: ['credentialId'],
    unique: ['kind', 'value'],
    columns: { credentialId: text, kind: text, value: text },
  },
  vehicles: {
    key: ['vehicleId'],
    columns: {
      vehicleId: text,
      credentialId: text,
      slotClass: text,
      holder: textOrNull,
      note: textOrNull,
      blockedReason: textOrNull,
      permits: json,
      createdAtMs: number,
      updatedAtMs: number,
    },
  },
  cursors: {
    key: ['edgeId'],
    columns: {
      edgeId: text,
      epoch: text,
      upTo: number,
      hash: text,
      clockOffsetMs: numberOrNull,
      lastEventAtMs: numberOrNull,
    },
  },
  retiredEpochs: {
    key: ['edgeId', 'epoch'],
    columns: { edgeId: text, epoch: text, upTo: number, hash: text, retiredAtMs: number },
  },
  edges: {
    key: ['edgeId'],
    columns: {
      edgeId: text,
      siteId: text,
      name: text,
      secretHash: textOrNull,
      enrolmentCodeHash: textOrNull,
      enrolmentExpiresAtMs: numberOrNull,
      registeredAtMs: number,
      enrolledAtMs: numberOrNull,
      revokedAtMs: numberOrNull,
    },
  },
  events: {
    key: ['edgeId', 'epoch', 'seq'],
    columns: {
      edgeId: text,
      epoch: text,
      seq: number,
      siteId: text,
      gateId: textOrNull,
      kind: text,
      hash: text,
      atMs: number,
      receivedAtMs: number,
      credentialId: textOrNull,
      body: text,
      origin: textOrNull,
      flags: json,
    },
  },
  quarantine: {
    key: ['quarantineId'],
    columns: {
      quarantineId: text,
      siteId: textOrNull,
      edgeId: textOrNull,
      epoch: textOrNull,
      seq: numberOrNull,
      kind: textOrNull,
      receivedAtMs: number,
      reason: text,
      body: textOrNull,
      payloadBytes: number,
      payloadSha256: text,
    },
  },
  notices: {
    key: ['noticeId'],
    columns: {
      noticeId: number,
      kind: text,
      siteId: text,
      atMs: number,
      gateId: textOrNull,
      sessionId: textOrNull,
      slotId: textOrNull,
      reviewId: textOrNull,
      detail: textOrNull,
    },
  },
  audit: {
    key: ['auditId'],
    columns: {
      auditId: number,
      atMs: number,
      by: text,
      action: text,
      siteId: textOrNull,
      target: textOrNull,
      reason: textOrNull,
      detail: text,
      prevHash: text,
      hash: text,
    },
  },
  keys: {
    key: ['keyId'],
    columns: {
      keyId: text,
      label: text,
      role: text,
      siteId: textOrNull,
      keyHash: text,
      createdAtMs: number,
      revokedAtMs: numberOrNull,
    },
  },
  commands: {
    key: ['commandId'],
    columns: {
      commandId: text,
      siteId: text,
      gateId: text,
      edgeId: text,
      kind: text,
      by: text,
      reason: text,
      createdAtMs: number,
      state: text,
      endedAtMs: numberOrNull,
      detail: textOrNull,
    },
  },
  idempotency: {
    key: ['idempotencyKey'],
    columns: { idempotencyKey: text, requestHash: text, status: number, body: text, createdAtMs: number },
  },
};

export const rowTables = Object.keys(tables) as readonly RowTable[];

/** The description of a table with its row type forgotten, for code that treats all alike. */
export function tableOf(name: RowTable): Table {
  return tables[name];
}

/** Whether a session is among those kept in memory. */
export const statesInside: readonly string[] = ['open', 'uncertain'];
/** Whether an arrival is among those kept in memory. */
export const statesWaiting: readonly string[] = ['open', 'frozen'];
