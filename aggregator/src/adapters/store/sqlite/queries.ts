/**
 * The lists as SQL. Pages are read by key from where the last one ended. Where several filters could each be followed through an
 * index, the most selective one is; the others are kept from the planner (`+column`), which has no statistics to choose by.
 */
import type { EventFilter, PageRequest, ReviewFilter, SessionFilter, VehicleFilter } from '../../../app/ports.js';
import { decodeCursor } from '../cursors.js';
import type { ListName } from '../cursors.js';
import { foldCase, maxPageRows } from '../lists.js';
import { statesInside } from '../tables.js';
import type { RowTable } from '../tables.js';
import type { Parameter } from './connection.js';
import { sessionEndedSql, sessionEndSql } from '../pruning.js';
import { quoted, selectList } from './schema.js';

export interface Query {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/** A range of exits up to this is read through its index and sorted; a longer one is filtered out of the order of entry. */
const narrowRangeMs = 8 * 24 * 3_600_000;

interface Condition {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

export function sessionsQuery(filter: SessionFilter, page: PageRequest): Query {
  const driver = sessionDriver(filter);
  const conditions: Condition[] = [
    ...equals('credentialId', filter.credentialId, driver === 'credentialId'),
    ...equals('vehicleId', filter.vehicleId, driver === 'vehicleId'),
    ...equals('slotId', filter.slotId, driver === 'slotId'),
    ...equals('siteId', filter.siteId, ['siteId', 'slotId', 'inside'].includes(driver)),
    ...(driver === 'inside' ? [{ sql: `state IN ('open', 'uncertain')`, parameters: [] }] : []),
    ...(filter.states === undefined ? [] : [oneOf('+state', filter.states)]),
    ...(filter.gateId === undefined
      ? []
      : [{ sql: '(entryGateId = ? OR exitGateId = ?)', parameters: [filter.gateId, filter.gateId] }]),
    ...range('entryAtMs', filter.enteredFromMs, filter.enteredBeforeMs),
    ...range('+exitAtMs', filter.exitedFromMs, filter.exitedBeforeMs),
    ...(driver === 'exitAtMs'
      ? [{ sql: sessionEndedSql, parameters: [] }, ...range(sessionEndSql, filter.exitedFromMs, filter.exitedBeforeMs)]
      : []),
  ];
  const order = ['entryAtMs', 'siteId', 'sessionId'];
  return listQuery('sessions', conditions, page, order, 'DESC', driver === 'exitAtMs');
}

/** The filter whose index is followed. */
function sessionDriver(
  filter: SessionFilter,
): 'credentialId' | 'vehicleId' | 'slotId' | 'inside' | 'exitAtMs' | 'siteId' {
  if (filter.credentialId !== undefined) return 'credentialId';
  if (filter.vehicleId !== undefined) return 'vehicleId';
  if (filter.slotId !== undefined) return 'slotId';
  if (filter.states?.every((state) => statesInside.includes(state)) === true) return 'inside';
  const { exitedFromMs, exitedBeforeMs } = filter;
  const isNarrow =
    exitedFromMs !== undefined && exitedBeforeMs !== undefined && exitedBeforeMs - exitedFromMs <= narrowRangeMs;
  return isNarrow ? 'exitAtMs' : 'siteId';
}

export function eventsQuery(filter: EventFilter, page: PageRequest): Query {
  const driver =
    filter.gateId !== undefined
      ? 'gateId'
      : filter.edgeId !== undefined
        ? 'edgeId'
        : filter.kind !== undefined
          ? 'kind'
          : 'siteId';
  const conditions = [
    ...equals('gateId', filter.gateId, driver === 'gateId'),
    ...equals('edgeId', filter.edgeId, driver === 'edgeId'),
    ...equals('kind', filter.kind, driver === 'kind'),
    ...equals('siteId', filter.siteId, driver === 'siteId'),
    ...range('receivedAtMs', filter.fromMs, filter.beforeMs),
  ];
  return listQuery('events', conditions, page, ['receivedAtMs', 'edgeId', 'epoch', 'seq'], 'DESC');
}

export function reviewsQuery(filter: ReviewFilter, page: PageRequest): Query {
  const conditions = [
    ...equals('siteId', filter.siteId, true),
    ...equals('kind', filter.kind, false),
    ...(filter.open === undefined
      ? []
      : [{ sql: filter.open ? 'resolvedAtMs IS NULL' : '+resolvedAtMs IS NOT NULL', parameters: [] }]),
  ];
  return listQuery('reviews', conditions, page, ['openedAtMs', 'siteId', 'reviewId'], 'DESC');
}

export function quarantineQuery(filter: { readonly siteId?: string }, page: PageRequest): Query {
  const conditions = equals('siteId', filter.siteId, true);
  return listQuery('quarantine', conditions, page, ['receivedAtMs', 'quarantineId'], 'DESC');
}

export function auditQuery(filter: { readonly siteId?: string }, page: PageRequest): Query {
  return listQuery('audit', equals('siteId', filter.siteId, true), page, ['auditId'], 'ASC');
}

/** Vehicles with a credential, by its text, then vehicle id, after `after`. */
export function vehiclesQuery(filter: VehicleFilter, after: readonly [string, string] | null, limit: number): Query {
  const conditions = [
    ...vehicleConditions(filter),
    ...(filter.credentialPrefix === undefined || filter.credentialPrefix === ''
      ? []
      : [
          {
            sql: 'c.value >= ? AND c.value < ?',
            parameters: [filter.credentialPrefix, `${filter.credentialPrefix}\u{10FFFF}`],
          },
        ]),
    ...(after === null ? [] : [{ sql: '(c.value, v.vehicleId) > (?, ?)', parameters: after }]),
  ];
  return {
    sql: `SELECT ${selectList('vehicles', 'v')}
      FROM credentials AS c CROSS JOIN vehicles AS v ON v.credentialId = c.credentialId
      ${where(conditions)} ORDER BY c.value, v.vehicleId LIMIT ?`,
    parameters: [...conditions.flatMap((condition) => condition.parameters), limit],
  };
}

/** Vehicles whose credential was erased, by vehicle id, after `after`: they end the list. */
export function vehiclesWithoutCredentialQuery(filter: VehicleFilter, after: string | null, limit: number): Query {
  const conditions = [
    ...vehicleConditions(filter),
    { sql: 'NOT EXISTS (SELECT 1 FROM credentials AS c WHERE c.credentialId = v.credentialId)', parameters: [] },
    ...(after === null ? [] : [{ sql: 'v.vehicleId > ?', parameters: [after] }]),
  ];
  return {
    sql: `SELECT ${selectList('vehicles', 'v')} FROM vehicles AS v ${where(conditions)} ORDER BY v.vehicleId LIMIT ?`,
    parameters: [...conditions.flatMap((condition) => condition.parameters), limit],
  };
}

function vehicleConditions(filter: VehicleFilter): Condition[] {
  return [
    ...(filter.holderContains === undefined || filter.holderContains === ''
      ? []
      : [{ sql: 'instr(v.holderFolded, ?) > 0', parameters: [foldCase(filter.holderContains)] }]),
    ...(filter.slotClass === undefined ? [] : [{ sql: 'v.slotClass = ?', parameters: [filter.slotClass] }]),
    ...(filter.blocked === undefined
      ? []
      : [{ sql: `v.blockedReason IS ${filter.blocked ? 'NOT NULL' : 'NULL'}`, parameters: [] }]),
    ...(filter.permitSiteId === undefined
      ? []
      : [
          {
            sql: `EXISTS (SELECT 1 FROM json_each(v.permits) AS p WHERE json_extract(p.value, '$.siteId') = ?)`,
            parameters: [filter.permitSiteId],
          },
        ]),
  ];
}

/** `sorts`: the rows come through another index than that of the order, and are sorted. */
function listQuery(
  table: RowTable & ListName,
  conditions: readonly Condition[],
  page: PageRequest,
  order: readonly string[],
  direction: 'ASC' | 'DESC',
  sorts = false,
): Query {
  const after = page.cursor === null ? null : decodeCursor(table, page.cursor);
  const names = order.map((member) => `${sorts ? '+' : ''}${quoted(member)}`);
  const keyset: Condition[] =
    after === null
      ? []
      : [
          {
            sql: `(${names.join(', ')}) ${direction === 'ASC' ? '>' : '<'} (${names.map(() => '?').join(', ')})`,
            parameters: after,
          },
        ];
  const all = [...conditions, ...keyset];
  return {
    sql: `SELECT ${selectList(table)} FROM ${quoted(table)} ${where(all)} ORDER BY ${names.map((name) => `${name} ${direction}`).join(', ')} LIMIT ?`,
    // One more than asked for tells whether there is another page.
    parameters: [...all.flatMap((condition) => condition.parameters), Math.min(page.limit, maxPageRows) + 1],
  };
}

function where(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`;
}

function equals(column: string, value: string | undefined, throughIndex: boolean): Condition[] {
  if (value === undefined) return [];
  return [{ sql: `${throughIndex ? '' : '+'}${column} = ?`, parameters: [value] }];
}

function oneOf(column: string, values: readonly string[]): Condition {
  return { sql: `${column} IN (SELECT value FROM json_each(?))`, parameters: [JSON.stringify(values)] };
}

function range(column: string, from: number | undefined, before: number | undefined): Condition[] {
  return [
    ...(from === undefined ? [] : [{ sql: `${column} >= ?`, parameters: [from] }]),
    ...(before === undefined ? [] : [{ sql: `${column} < ?`, parameters: [before] }]),
  ];
}
