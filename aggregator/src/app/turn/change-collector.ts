/** Collects the rows of one commit. A row that is put twice is stored once, as it was last. */
import type { SiteChanges } from '../../domain/engine.js';
import type { ChangeSet } from '../ports.js';

export interface ChangeCollector {
  put<T extends keyof ChangeSet>(table: T, row: ChangeSet[T][number]): void;
  /** Rows of a site; the same row must not be put again. */
  putChanges(changed: SiteChanges): void;
  build(): ChangeSet;
}

const primaryKeys: { readonly [T in keyof ChangeSet]?: (row: ChangeSet[T][number]) => string } = {
  credentials: (row) => row.credentialId,
  vehicles: (row) => row.vehicleId,
  cursors: (row) => row.edgeId,
  retiredEpochs: (row) => `${row.edgeId}:${row.epoch}`,
  edges: (row) => row.edgeId,
  keys: (row) => row.keyId,
  commands: (row) => row.commandId,
  idempotency: (row) => row.idempotencyKey,
  removedVehicles: (vehicleId) => vehicleId,
  erasedCredentials: (credentialId) => credentialId,
  removedRetiredEpochs: (row) => `${row.edgeId}:${row.epoch}`,
};

export function createChangeCollector(): ChangeCollector {
  const changes = emptyChangeSet();
  const places = new Map<string, number>();
  return {
    put(table, row) {
      const rows = changes[table] as (typeof row)[];
      const keyOf = primaryKeys[table] as ((row: unknown) => string) | undefined;
      if (keyOf === undefined) {
        rows.push(row);
        return;
      }
      const key = `${table}/${keyOf(row)}`;
      const place = places.get(key);
      if (place === undefined) places.set(key, rows.push(row) - 1);
      else rows[place] = row;
    },
    putChanges(changed) {
      for (const table in changed) {
        const rows: unknown[] = changed[table as keyof SiteChanges];
        if (rows.length === 0) continue;
        const all: unknown[] = changes[table as keyof SiteChanges];
        for (const row of rows) all.push(row);
      }
    },
    build: () => changes,
  };
}

export function emptyChangeSet(): ChangeSet {
  return {
    sites: [],
    ledgers: [],
    slots: [],
    allowances: [],
    sessions: [],
    arrivals: [],
    reviews: [],
    credentials: [],
    vehicles: [],
    cursors: [],
    retiredEpochs: [],
    edges: [],
    events: [],
    quarantine: [],
    notices: [],
    audit: [],
    keys: [],
    commands: [],
    idempotency: [],
    removedSlots: [],
    removedVehicles: [],
    erasedCredentials: [],
    removedRetiredEpochs: [],
  };
}

export function countRows(changes: ChangeSet): number {
  return (Object.values(changes) as unknown[][]).reduce((sum, rows) => sum + rows.length, 0);
}
