/** A change set as texts: one a member, which a commit stores together and from which the tables are written. */
import type { ChangeSet } from '../../../app/ports.js';
import { missingMember, requiredColumns } from '../constraints.js';
import { foldCase } from '../lists.js';
import { rowTables, tableOf } from '../tables.js';
import type { RowTable } from '../tables.js';
import { derivedColumns } from './schema.js';

/** Members that take rows away. */
export const removals = ['removedSlots', 'removedVehicles', 'erasedCredentials', 'removedRetiredEpochs'] as const;

/** Of each table whose rows a change set carries, which columns the values of a row are, in order. */
export type Layout = ReadonlyMap<string, readonly string[]>;

/** The layout that this program writes. */
export const currentLayout: Layout = new Map(
  rowTables.map((name) => [name, [...Object.keys(tableOf(name).columns), ...Object.keys(derivedColumns[name] ?? {})]]),
);

/** Members of a change set in the order of its texts. */
export function membersOf(layout: Layout): readonly string[] {
  return [...removals, ...layout.keys()];
}

/** Each member as JSON, null when there is nothing in it. Throws a StoreError `constraint` for a row that no table can have. */
export function textsOf(changes: ChangeSet): (string | null)[] {
  return [
    ...removals.map((name) => (changes[name].length === 0 ? null : JSON.stringify(changes[name]))),
    ...writtenTables.map((table) => textOf(table, changes[table.name] as unknown as readonly Row[])),
  ];
}

type Row = Readonly<Record<string, unknown>>;

interface WrittenTable {
  readonly name: RowTable;
  readonly columns: readonly string[];
  readonly required: readonly boolean[];
}

const writtenTables: readonly WrittenTable[] = rowTables.map((name) => ({
  name,
  columns: Object.keys(tableOf(name).columns),
  required: requiredColumns(name),
}));

/**
 * Rows as arrays of their values: names said once a row would be most of the text. Pushed one by one, since an array that `map` makes is
 * taken for one with holes, which JSON.stringify writes in its slow way.
 */
function textOf(table: WrittenTable, rows: readonly Row[]): string | null {
  if (rows.length === 0) return null;
  const written: unknown[][] = [];
  for (const row of rows) written.push(valuesOf(table, row));
  return JSON.stringify(written);
}

/** The values of a row in the order of its table's columns, those that only this store has last. */
function valuesOf({ name, columns, required }: WrittenTable, row: Row): unknown[] {
  const values: unknown[] = [];
  for (const column of columns) {
    const value = row[column];
    if (required[values.length] === true && isNothing(value)) throw missingMember(name, column);
    values.push(value);
  }
  if (name === 'vehicles') values.push(typeof row.holder === 'string' ? foldCase(row.holder) : null);
  return values;
}

/** What JSON writes as null. */
function isNothing(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value));
}
