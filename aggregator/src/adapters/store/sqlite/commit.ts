/** The statement that stores a whole change set, and the texts that it reads. */
import type { ChangeSet } from '../../../app/ports.js';
import { foldCase } from '../lists.js';
import { rowTables, tableOf } from '../tables.js';
import type { RowTable } from '../tables.js';
import { derivedColumns, quoted } from './schema.js';

/** Members of a change set, in the order of the parameters of `commitSql`. */
const members: readonly string[] = [
  'removedSlots',
  'removedVehicles',
  'erasedCredentials',
  'removedRetiredEpochs',
  ...rowTables,
];

/**
 * A view that is written to and never read: one INSERT of a change set, each member as JSON or NULL, runs the trigger, which
 * stores everything. One statement is one transaction, one turn of a worker thread and one flush of the disk.
 */
export const commitViewSql: readonly string[] = [
  `CREATE TEMP VIEW changeSet AS SELECT ${members.map((name) => `NULL AS ${quoted(name)}`).join(', ')}`,
  [
    'CREATE TEMP TRIGGER storeChangeSet INSTEAD OF INSERT ON changeSet BEGIN',
    `DELETE FROM slots WHERE (siteId, slotId) IN
       (SELECT json_extract(value, '$.siteId'), json_extract(value, '$.slotId') FROM json_each(NEW.removedSlots));`,
    'DELETE FROM vehicles WHERE vehicleId IN (SELECT value FROM json_each(NEW.removedVehicles));',
    `DELETE FROM retiredEpochs WHERE (edgeId, epoch) IN
       (SELECT json_extract(value, '$.edgeId'), json_extract(value, '$.epoch') FROM json_each(NEW.removedRetiredEpochs));`,
    eraseSql(),
    ...rowTables.map((name) => `${upsertSql(name)};`),
    eraseSql(),
    'END',
  ].join('\n'),
];

export const commitSql = `INSERT INTO changeSet (${list(members)}) VALUES (${members.map(() => '?').join(', ')})`;

/** The parameters of `commitSql`: each member of the change set as JSON, or null when there is nothing in it. */
export function commitParameters(changes: ChangeSet): (string | null)[] {
  return members.map((name) => {
    const rows: readonly unknown[] = changes[name as keyof ChangeSet];
    if (rows.length === 0) return null;
    const columns = columnsOf.get(name);
    if (columns === undefined) return JSON.stringify(rows);
    return JSON.stringify(rows.map((row) => valuesOf(name, columns, row as Readonly<Record<string, unknown>>)));
  });
}

const columnsOf = new Map<string, readonly string[]>(
  rowTables.map((name) => [name, Object.keys(tableOf(name).columns)]),
);

/** The values of a row in the order of its table's columns, those that only this store has last. */
function valuesOf(name: string, columns: readonly string[], row: Readonly<Record<string, unknown>>): unknown[] {
  const values = columns.map((column) => row[column]);
  if (name === 'vehicles') values.push(typeof row.holder === 'string' ? foldCase(row.holder) : null);
  return values;
}

/** Before the rows, so that a text may come back under another id, and after them, so that an erased one stays erased. */
function eraseSql(): string {
  return 'DELETE FROM credentials WHERE credentialId IN (SELECT value FROM json_each(NEW.erasedCredentials));';
}

/**
 * Rows come as arrays of their values. `jsonb_each` hands each on in binary: with `json_each` it would be made text again, to be
 * parsed once more for its values.
 */
function upsertSql(name: RowTable): string {
  const { key, columns } = tableOf(name);
  const all = [...Object.keys(columns), ...Object.keys(derivedColumns[name] ?? {})];
  const updates = all
    .filter((column) => !key.includes(column))
    .map((column) => `${quoted(column)} = excluded.${quoted(column)}`);
  return [
    `INSERT INTO ${quoted(name)} (${list(all)})`,
    `SELECT ${all.map((_, index) => `value ->> ${String(index)}`).join(', ')}`,
    `FROM jsonb_each(NEW.${quoted(name)}) WHERE true`,
    `ON CONFLICT (${list(key)}) DO UPDATE SET ${updates.join(', ')}`,
  ].join(' ');
}

function list(names: readonly string[]): string {
  return names.map(quoted).join(', ');
}
