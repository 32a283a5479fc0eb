/**
 * The lists as SQL. Pages are read by key from where the last one ended, and each query names the index it follows: the planner has no
 * statistics to choose by, and what it chose would change with the order in which indices were made.
 */
import type { EventFilter, PageRequest, ReviewFilter, SessionFilter, VehicleFilter } from '../../../app/ports.js';
import { decodeCursor } from '../cursors.js';
import type { ListName } from '../cursors.js';
import { foldCase, maxPageRows } from '../lists.js';
import { statesInside } from '../tables.js';
import type { RowTable } from '../tables.js';
import type { Parameter } from './connection.js';
import { commonKinds, rareKindSql, registeredSql, sessionVoidSql } from './list-indexes.js';
import { sessionEndedSql, sessionEndSql } from '../pruning.js';
import { quoted, selectList } from './schema.js';

export interface Query {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

interface Condition {
  readonly sql: string;
  readonly parameters: readonly Parameter[];
}

/**
 * A list of sessions, newest entry first: one query, or several of which each goes on where the one before ends. A later one is only
 * asked when those before have not filled the page.
 */
export function sessionsQueries(filter: SessionFilter, page: PageRequest): readonly Query[] {
  const index = sessionIndex(filter);
  const { siteId, states, gateId, exitedFromMs, exitedBeforeMs } = filter;
  const conditions: Condition[] = [
    ...equals('siteId', siteId),
    ...equals('credentialId', filter.credentialId),
    ...equals('vehicleId', filter.vehicleId),
    ...equals('slotId', filter.slotId),
    ...(index === 'sessions_inside' ? [{ sql: `state IN ('open', 'uncertain')`, parameters: [] }] : []),
    ...(index === 'sessions_void' ? [{ sql: sessionVoidSql, parameters: [] }] : []),
    ...(states === undefined ? [] : [oneOf('+state', states)]),
    ...range('entryAtMs', filter.enteredFromMs, filter.enteredBeforeMs),
  ];
  const left = range('+exitAtMs', exitedFromMs, exitedBeforeMs);
  if (index === 'sessions_site' && left.length === 0 && gateId !== undefined) {
    return [throughGateQuery(conditions, gateId, page)];
  }
  if (gateId !== undefined) {
    conditions.push({ sql: '(+entryGateId = ? OR +exitGateId = ?)', parameters: [gateId, gateId] });
  }
  if (index !== 'sessions_site' || left.length === 0) {
    return [listQuery('sessions', index, [...conditions, ...left], page, sessionOrder, 'DESC')];
  }
  // Nothing leaves before it enters, and most that leave in a time have entered in it, or little before.
  const ended = (fromMs: number | undefined, enteredFromMs: number | undefined, enteredBeforeMs: number | undefined) =>
    sortedQuery(
      'sessions',
      'sessions_ended',
      [
        ...conditions,
        { sql: sessionEndedSql, parameters: [] },
        ...range(sessionEndSql, fromMs, exitedBeforeMs),
        { sql: leftSql, parameters: [] },
        ...range('entryAtMs', enteredFromMs, enteredBeforeMs),
      ],
      page,
      sessionOrder,
    );
  // Of those that entered last, most left after the time: they are not read one by one where the index alone can tell.
  const bounds =
    exitedBeforeMs === undefined || gateId !== undefined || states !== undefined
      ? []
      : lastEntriesMs.map((agoMs) => Math.max(exitedBeforeMs - agoMs, exitedFromMs ?? 0));
  const lastEntered = bounds.map((fromMs, step) => ended(fromMs, fromMs, bounds[step - 1] ?? exitedBeforeMs));
  const enteredToo = [...conditions, ...left, ...range('entryAtMs', exitedFromMs, bounds.at(-1) ?? exitedBeforeMs)];
  const entered = listQuery('sessions', index, enteredToo, page, sessionOrder, 'DESC');
  const insideBefore = exitedFromMs === undefined ? [] : [ended(exitedFromMs, undefined, exitedFromMs)];
  return [...lastEntered, entered, ...insideBefore];
}

const sessionOrder = ['entryAtMs', 'siteId', 'sessionId'];

/** How long before the end of a time of leaving those entered whom the index of ends is asked for: further back where they are few. */
const lastEntriesMs = [30 * 60_000, 2 * 3_600_000, 8 * 3_600_000];

/** That somebody left at the end of the session: the row is only read of one that ended when it began, as those that never were. */
const leftSql = `(${sessionEndSql} <> entryAtMs OR +exitAtMs IS NOT NULL)`;

/** A gate may see few of the vehicles of a site: those that entered by it and those that left by it, each in their order. */
function throughGateQuery(conditions: readonly Condition[], gateId: string, page: PageRequest): Query {
  const through = (index: string, column: string) =>
    pageOf('sessions', index, [...conditions, ...equals(column, gateId)], page, sessionOrder, 'DESC');
  const entered = through('sessions_entry_gate', 'entryGateId');
  const left = through('sessions_exit_gate', 'exitGateId');
  return {
    sql: `SELECT ${selectList('sessions')} FROM sessions WHERE rowid IN
      (SELECT rowid FROM (SELECT rowid ${entered.from}) UNION ALL SELECT rowid FROM (SELECT rowid ${left.from}))
      ORDER BY ${inOrder(sessionOrder, 'DESC')} LIMIT ?`,
    parameters: [...entered.parameters, ...left.parameters, rowsAsked(page)],
  };
}

/** The index of the filter that leaves the least. */
function sessionIndex(filter: SessionFilter): string {
  if (filter.credentialId !== undefined) return 'sessions_credential';
  if (filter.vehicleId !== undefined) return 'sessions_vehicle';
  if (filter.slotId !== undefined) return 'sessions_slot';
  if (filter.states?.every((state) => statesInside.includes(state)) === true) return 'sessions_inside';
  if (filter.states?.every((state) => state === 'void') === true) return 'sessions_void';
  return 'sessions_site';
}

export function eventsQuery(filter: EventFilter, page: PageRequest): Query {
  const index = eventIndex(filter);
  const conditions = [
    ...equals('siteId', filter.siteId),
    ...equals('gateId', filter.gateId),
    ...equals('edgeId', filter.edgeId),
    ...equals('kind', filter.kind),
    ...(index === 'events_kind' ? [{ sql: rareKindSql, parameters: [] }] : []),
    ...range('receivedAtMs', filter.fromMs, filter.beforeMs),
  ];
  return listQuery('events', index, conditions, page, ['receivedAtMs', 'edgeId', 'epoch', 'seq'], 'DESC');
}

function eventIndex({ siteId, gateId, edgeId, kind }: EventFilter): string {
  if (kind !== undefined && !commonKinds.includes(kind)) return 'events_kind';
  if (siteId !== undefined && gateId !== undefined) return 'events_gate';
  if (edgeId !== undefined) return 'events_edge';
  return siteId === undefined ? 'events_received' : 'events_site';
}

export function reviewsQuery(filter: ReviewFilter, page: PageRequest): Query {
  const { siteId, kind, open } = filter;
  const conditions = [
    ...equals('siteId', siteId),
    ...equals('kind', kind),
    ...(open === undefined
      ? []
      : [{ sql: open ? 'resolvedAtMs IS NULL' : '+resolvedAtMs IS NOT NULL', parameters: [] }]),
  ];
  return listQuery('reviews', reviewIndex(filter), conditions, page, ['openedAtMs', 'siteId', 'reviewId'], 'DESC');
}

function reviewIndex({ siteId, kind, open }: ReviewFilter): string {
  if (siteId === undefined) return 'reviews_opened';
  if (open === true) return 'reviews_open';
  return kind === undefined ? 'reviews_site' : 'reviews_kind';
}

export function quarantineQuery(filter: { readonly siteId?: string }, page: PageRequest): Query {
  const { siteId } = filter;
  const index = siteId === undefined ? 'quarantine_received' : 'quarantine_site';
  return listQuery('quarantine', index, equals('siteId', siteId), page, ['receivedAtMs', 'quarantineId'], 'DESC');
}

export function auditQuery(filter: { readonly siteId?: string }, page: PageRequest): Query {
  const { siteId } = filter;
  return listQuery(
    'audit',
    siteId === undefined ? null : 'audit_site',
    equals('siteId', siteId),
    page,
    ['auditId'],
    'ASC',
  );
}

/** Vehicles with a credential, by its text, then vehicle id, after `after`. */
export function vehiclesQuery(filter: VehicleFilter, after: readonly [string, string] | null, limit: number): Query {
  const conditions = [
    { sql: `c.${registeredSql}`, parameters: [] },
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
      FROM credentials AS c INDEXED BY credentials_registered CROSS JOIN vehicles AS v ON v.credentialId = c.credentialId
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

/** Rows in the order of the index. @param index null: the key of the table */
function listQuery(
  table: RowTable & ListName,
  index: string | null,
  conditions: readonly Condition[],
  page: PageRequest,
  order: readonly string[],
  direction: 'ASC' | 'DESC',
): Query {
  const { from, parameters } = pageOf(table, index, conditions, page, order, direction);
  return { sql: `SELECT ${selectList(table)} ${from}`, parameters };
}

/** Rows in another order than that of the index, newest first: found and sorted by what the index holds, then read. */
function sortedQuery(
  table: RowTable & ListName,
  index: string,
  conditions: readonly Condition[],
  page: PageRequest,
  order: readonly string[],
): Query {
  const { from, parameters } = pageOf(table, index, conditions, page, order, 'DESC');
  return {
    sql: `SELECT ${selectList(table)} FROM ${quoted(table)} WHERE rowid IN (SELECT rowid ${from}) ORDER BY ${inOrder(order, 'DESC')}`,
    parameters,
  };
}

function pageOf(
  table: RowTable & ListName,
  index: string | null,
  conditions: readonly Condition[],
  page: PageRequest,
  order: readonly string[],
  direction: 'ASC' | 'DESC',
): { readonly from: string; readonly parameters: readonly Parameter[] } {
  const after = page.cursor === null ? null : decodeCursor(table, page.cursor);
  const names = order.map(quoted).join(', ');
  const values = order.map(() => '?').join(', ');
  const all = [
    ...conditions,
    ...(after === null
      ? []
      : [{ sql: `(${names}) ${direction === 'ASC' ? '>' : '<'} (${values})`, parameters: after }]),
  ];
  const source = `FROM ${quoted(table)}${index === null ? '' : ` INDEXED BY ${index}`}`;
  return {
    from: `${source} ${where(all)} ORDER BY ${inOrder(order, direction)} LIMIT ?`,
    parameters: [...all.flatMap((condition) => condition.parameters), rowsAsked(page)],
  };
}

/** One more than asked for tells whether there is another page. */
function rowsAsked({ limit }: PageRequest): number {
  return Math.min(limit, maxPageRows) + 1;
}

function inOrder(order: readonly string[], direction: 'ASC' | 'DESC'): string {
  return order.map((member) => `${quoted(member)} ${direction}`).join(', ');
}

function where(conditions: readonly Condition[]): string {
  return conditions.length === 0 ? '' : `WHERE ${conditions.map((condition) => condition.sql).join(' AND ')}`;
}

function equals(column: string, value: string | undefined): Condition[] {
  return value === undefined ? [] : [{ sql: `${column} = ?`, parameters: [value] }];
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
