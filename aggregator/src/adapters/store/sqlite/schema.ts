/** SQL made from the table descriptions: the schema, and how rows are read. */
import { commandAgeSql, sessionEndSql } from '../pruning.js';
import { tableOf } from '../tables.js';
import type { Column, RowTable, Table } from '../tables.js';

/** `GATE` in ASCII: tells this program's databases from others. */
export const applicationId = 0x47415445;

/** A name as SQL; ours never hold a quotation mark. */
export function quoted(name: string): string {
  return `"${name}"`;
}

/** Columns that only this store has, made from a row's members so that they can be searched. */
export const derivedColumns: Readonly<Partial<Record<RowTable, Readonly<Record<string, Column>>>>> = {
  vehicles: { holderFolded: { type: 'text', nullable: true } },
};

/** Members that a later version added to a table which an earlier one had made. */
const addedLater: Readonly<Partial<Record<RowTable, readonly string[]>>> = {
  sites: ['retiredGates'],
  sessions: ['earlierExitDue'],
};

/** As the version made it that had it first. */
export function createTableSql(name: RowTable): string {
  const table = tableOf(name);
  const columns = Object.entries({ ...table.columns, ...derivedColumns[name] })
    .filter(([member]) => addedLater[name]?.includes(member) !== true)
    .map(([member, column]) => [quoted(member), sqlType(column), ...(column.nullable ? [] : ['NOT NULL'])].join(' '));
  const constraints = [
    `PRIMARY KEY (${list(table.key)})`,
    ...(table.unique === undefined ? [] : [`UNIQUE (${list(table.unique)})`]),
  ];
  return `CREATE TABLE ${quoted(name)} (${[...columns, ...constraints].join(', ')})`;
}

function sqlType(column: Column): string {
  return column.type === 'number' || column.type === 'boolean' ? 'INTEGER' : 'TEXT';
}

/**
 * Indices for every list and for what is loaded at start. Those of lists end in the members that order them, so that a page is
 * read in order from where the last one ended.
 */
export const indexSql: readonly string[] = [
  index('sessions', 'inside', ['siteId', 'entryAtMs'], `state IN ('open', 'uncertain')`),
  index('sessions', 'entry', ['entryAtMs', 'siteId', 'sessionId']),
  index('sessions', 'site', ['siteId', 'entryAtMs', 'sessionId']),
  index('sessions', 'credential', ['credentialId', 'entryAtMs'], 'credentialId IS NOT NULL'),
  index('sessions', 'vehicle', ['vehicleId', 'entryAtMs'], 'vehicleId IS NOT NULL'),
  index('sessions', 'slot', ['siteId', 'slotId', 'entryAtMs'], 'slotId IS NOT NULL'),
  index('sessions', 'state', ['state', 'entryAtMs']),
  `CREATE INDEX sessions_ended ON sessions (${sessionEndSql})`,
  index('arrivals', 'waiting', ['siteId'], `state IN ('open', 'frozen')`),
  index('arrivals', 'ended', ['endedAtMs'], `state NOT IN ('open', 'frozen')`),
  index('reviews', 'open', ['siteId', 'openedAtMs'], 'resolvedAtMs IS NULL'),
  index('reviews', 'opened', ['openedAtMs', 'siteId', 'reviewId']),
  index('reviews', 'site', ['siteId', 'openedAtMs', 'reviewId']),
  index('credentials', 'value', ['value', 'credentialId']),
  index('vehicles', 'credential', ['credentialId', 'vehicleId']),
  index('events', 'received', ['receivedAtMs', 'edgeId', 'epoch', 'seq']),
  index('events', 'site', ['siteId', 'receivedAtMs']),
  index('events', 'edge', ['edgeId', 'receivedAtMs']),
  index('events', 'gate', ['gateId', 'receivedAtMs'], 'gateId IS NOT NULL'),
  index('events', 'kind', ['kind', 'receivedAtMs']),
  index('events', 'origin', ['edgeId', 'origin'], 'origin IS NOT NULL'),
  index('quarantine', 'received', ['receivedAtMs', 'quarantineId']),
  index('quarantine', 'site', ['siteId', 'receivedAtMs', 'quarantineId']),
  index('notices', 'at', ['atMs']),
  index('audit', 'site', ['siteId', 'auditId']),
  index('commands', 'sent', ['commandId'], `state = 'sent'`),
  index('commands', 'ended', ['endedAtMs'], `state <> 'sent'`),
  index('idempotency', 'created', ['createdAtMs']),
];

/** What version 2 changed: credentials that nothing refers to are found through indices, and commands that nobody answered. */
export const version2Sql: readonly string[] = [
  index('events', 'credential', ['credentialId'], 'credentialId IS NOT NULL'),
  index('arrivals', 'credential', ['credentialId'], 'credentialId IS NOT NULL'),
  index('reviews', 'credential', ['credentialId'], 'credentialId IS NOT NULL'),
  'DROP INDEX commands_ended',
  `CREATE INDEX commands_age ON commands (${commandAgeSql})`,
];

/** What version 3 changed: slots set aside for edges, and how many of them in every layout. */
export function version3Sql(): readonly string[] {
  const defaults = `'$.allowance', json('{"sharePercent":20,"maxSlotsPerEdge":20}')`;
  return [createTableSql('allowances'), `UPDATE sites SET layout = json_insert(layout, ${defaults})`];
}

/** What version 4 changed: gates that a layout took away are remembered. */
export const version4Sql: readonly string[] = [
  `ALTER TABLE sites ADD COLUMN "retiredGates" TEXT NOT NULL DEFAULT '[]'`,
];

/**
 * What version 5 changed: a session knows that the exit of an earlier stay may be told yet. Until now the open review `already-inside`
 * said so.
 */
export const version5Sql: readonly string[] = [
  'ALTER TABLE sessions ADD COLUMN "earlierExitDue" INTEGER NOT NULL DEFAULT 0',
  `UPDATE sessions SET "earlierExitDue" = 1 WHERE ("siteId", "sessionId") IN
    (SELECT "siteId", "sessionId" FROM reviews WHERE kind = 'already-inside' AND "resolvedAtMs" IS NULL)`,
];

/** What version 6 changed: what is deleted for its age is found without looking at what is not. */
export const version6Sql: readonly string[] = [
  index('reviews', 'resolved', ['resolvedAtMs'], 'resolvedAtMs IS NOT NULL'),
];

function index(table: RowTable, name: string, members: readonly string[], where?: string): string {
  const condition = where === undefined ? '' : ` WHERE ${where}`;
  return `CREATE INDEX ${quoted(`${table}_${name}`)} ON ${quoted(table)} (${list(members)})${condition}`;
}

/** The columns of a row for SELECT, optionally of an aliased table. */
export function selectList(name: RowTable, alias?: string): string {
  const prefix = alias === undefined ? '' : `${alias}.`;
  return Object.keys(tableOf(name).columns)
    .map((member) => `${prefix}${quoted(member)}`)
    .join(', ');
}

/** Turns a row as SQLite gives it into the row it was: booleans and JSON members. */
export function rowFromSql(table: Table, raw: Record<string, unknown>): Record<string, unknown> {
  for (const [member, column] of Object.entries(table.columns)) {
    if (column.type === 'boolean') raw[member] = raw[member] === 1;
    else if (column.type === 'json' && typeof raw[member] === 'string') raw[member] = JSON.parse(raw[member]);
  }
  return raw;
}

function list(names: readonly string[]): string {
  return names.map(quoted).join(', ');
}
