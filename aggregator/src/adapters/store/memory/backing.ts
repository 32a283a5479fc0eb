/** The rows of an in-memory store, apart from the store, so that they outlive it as a disk outlives a process. */
import type { ChangeSet } from '../../../app/ports.js';
import { checkCredentialTexts, missingMember, requiredColumns, textKey } from '../constraints.js';
import { rowTables, tableOf } from '../tables.js';
import type { RowOf, RowTable } from '../tables.js';

type AnyRow = Record<string, unknown>;

export interface MemoryBacking {
  /** The store that has it open, if one has. */
  owner: object | null;
  readonly tables: ReadonlyMap<RowTable, Map<string, AnyRow>>;
  readonly credentialIdByText: Map<string, string>;
}

export function createMemoryBacking(): MemoryBacking {
  return {
    owner: null,
    tables: new Map(rowTables.map((name) => [name, new Map<string, AnyRow>()])),
    credentialIdByText: new Map(),
  };
}

/** The rows of one table. They are the backing's own: copy before giving them away. */
export function rowsOf<T extends RowTable>(backing: MemoryBacking, name: T): RowOf<T>[] {
  return [...tableMap(backing, name).values()] as unknown as RowOf<T>[];
}

export function getRow<T extends RowTable>(backing: MemoryBacking, name: T, key: readonly unknown[]): RowOf<T> | null {
  return (tableMap(backing, name).get(JSON.stringify(key)) ?? null) as unknown as RowOf<T> | null;
}

export function deleteRow<T extends RowTable>(backing: MemoryBacking, name: T, row: RowOf<T>): void {
  tableMap(backing, name).delete(keyOf(name, row as unknown as AnyRow));
}

/** All of `changes` or, by a StoreError `constraint`, nothing. Removals come first; an erased credential stays erased. */
export function applyChanges(backing: MemoryBacking, changes: ChangeSet): void {
  const copy = copyOf(changes);
  for (const name of rowTables) for (const row of copy[name]) checkMembers(name, row as unknown as AnyRow);
  checkCredentialTexts(copy, (text) => backing.credentialIdByText.get(text));
  for (const { siteId, slotId } of copy.removedSlots) {
    tableMap(backing, 'slots').delete(JSON.stringify([siteId, slotId]));
  }
  for (const vehicleId of copy.removedVehicles) tableMap(backing, 'vehicles').delete(JSON.stringify([vehicleId]));
  for (const { edgeId, epoch } of copy.removedRetiredEpochs) {
    tableMap(backing, 'retiredEpochs').delete(JSON.stringify([edgeId, epoch]));
  }
  for (const credentialId of copy.erasedCredentials) forgetText(backing, credentialId);
  for (const row of copy.credentials) {
    forgetText(backing, row.credentialId);
    backing.credentialIdByText.set(textKey(row), row.credentialId);
  }
  for (const name of rowTables) {
    const rows = tableMap(backing, name);
    for (const row of copy[name]) rows.set(keyOf(name, row as unknown as AnyRow), row as unknown as AnyRow);
  }
  for (const credentialId of copy.erasedCredentials) deleteCredential(backing, credentialId);
}

/** The row and the way to it by its text. */
export function deleteCredential(backing: MemoryBacking, credentialId: string): void {
  forgetText(backing, credentialId);
  tableMap(backing, 'credentials').delete(JSON.stringify([credentialId]));
}

const requiredMembers = new Map<RowTable, readonly string[]>(
  rowTables.map((name) => {
    const required = requiredColumns(name);
    return [name, Object.keys(tableOf(name).columns).filter((_, index) => required[index])];
  }),
);

function checkMembers(name: RowTable, row: AnyRow): void {
  for (const member of requiredMembers.get(name) ?? []) {
    if ((row[member] ?? null) === null) throw missingMember(name, member);
  }
}

/** Rows are flat but for a few members, and most tables of a change are empty: far cheaper than cloning it as a whole. */
function copyOf(changes: ChangeSet): ChangeSet {
  const copy = Object.entries(changes).map(([name, rows]): [string, unknown] => [
    name,
    (rows as unknown[]).map(copyOfRow),
  ]);
  return Object.fromEntries<unknown>(copy) as unknown as ChangeSet;
}

function copyOfRow(row: unknown): unknown {
  if (typeof row !== 'object' || row === null) return row;
  const copy: AnyRow = { ...row };
  for (const member of Object.keys(copy)) copy[member] = copyOfValue(copy[member]);
  return copy;
}

/** Members are what JSON can carry; whatever else there is gets cloned as it is. */
function copyOfValue(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOfValue);
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value);
  const copy: AnyRow = {};
  for (const member of Object.keys(value)) copy[member] = copyOfValue((value as AnyRow)[member]);
  return copy;
}

function forgetText(backing: MemoryBacking, credentialId: string): void {
  const stored = getRow(backing, 'credentials', [credentialId]);
  if (stored === null || backing.credentialIdByText.get(textKey(stored)) !== credentialId) return;
  backing.credentialIdByText.delete(textKey(stored));
}

function tableMap(backing: MemoryBacking, name: RowTable): Map<string, AnyRow> {
  const rows = backing.tables.get(name);
  if (rows === undefined) throw new Error(`no table ${name}`);
  return rows;
}

function keyOf(name: RowTable, row: AnyRow): string {
  return JSON.stringify(tableOf(name).key.map((member) => row[member]));
}
