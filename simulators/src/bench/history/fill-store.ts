/**
 * Fills the database of a stopped aggregator with the stays of two years, as its retention would have left it: every session, and of
 * the last 90 days what the edges reported. Written by SQL, since by events it would take days.
 */
import sqlite3 from 'sqlite3';
import { messageOf } from '@gatehouse/shared';

export interface History {
  /** Of all sites together; all have ended. */
  readonly sessions: number;
  /** Registered vehicles, with a permit for the first site. */
  readonly vehicles: number;
  readonly nowMs: number;
}

/** What the aggregator was told to have before it was stopped; every site alike. */
export interface FilledSite {
  readonly siteId: string;
  readonly slots: number;
  /** Sessions that are open, in its first slots. */
  readonly inside: number;
  readonly entryEdgeId: string;
  readonly exitEdgeId: string;
  readonly entryGateIds: readonly [string, string];
  readonly exitGateIds: readonly [string, string];
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** A little less than what is kept, so that nothing of it grows too old while something is measured. */
export const keptMs = { sessions: 725 * dayMs, events: 89 * dayMs, notices: 6 * dayMs } as const;
const sessionsPerCredential = 5;
/** Numbers that share no factor with the number of sites, so that each has its part. */
const reviewEverySessions = 101;
const auditEverySessions = 200;
const voidEverySessions = 2_003;
const quarantineEverySessions = 2_503;
const openReviews = 20;
const vehicleSalt = 3;
/** From this many on, indices of times are made in the end: one by one their rows would be too slow. */
const packedSessions = 200_000;
const chunkSessions = 1_000_000;
/** Those by keys that come at random are written row by row: made at once, they would be packed as they never are in use. */
const grownIndexes = ['sessions_credential', 'sessions_slot', 'events_credential', 'arrivals_credential'];

export const historyEpoch = 'e0'.repeat(16);
export const historyHash = 'ab'.repeat(32);

/** How many plates were ever seen. Numbers 1 to this are their names here. */
export function platesSeen({ sessions }: Pick<History, 'sessions'>): number {
  return Math.max(100, Math.floor(sessions / sessionsPerCredential));
}

/** The plate of a vehicle that is inside at the first site, 1 to its `inside`; those of the next site follow. */
export function plateInside(history: Pick<History, 'sessions'>, number: number): string {
  return plateOf(platesSeen(history) + number);
}

/** The text of plate `number`. */
export function plateOf(number: number): string {
  const letters = String.fromCharCode(65 + (number % 26), 65 + (Math.floor(number / 26) % 26));
  return `${letters}${String(number).padStart(8, '0')}`;
}

/** Events that each edge of a site has behind it. */
export function eventsBehind({ sessions }: Pick<History, 'sessions'>, sites: number): number {
  return 2 * (Math.floor(sessions / sites) + 1);
}

/** An id as the aggregator draws them: the time before chance, which is made of a number here. */
function idSql(atMs: string, number: string, salt: number): string {
  const scattered = `((${number}) * ${String(scatter + BigInt(2 * salt))} + ${String(salt)}) & 4294967295`;
  return `printf('%012x%08x%012x', ${atMs}, ${scattered}, (${number}) * 8 + ${String(salt)})`;
}
const scatter = 2_654_435_761n;

/** The id of registered vehicle `number`. */
export function vehicleIdOf(history: Pick<History, 'nowMs'>, number: number): string {
  const hex = (value: bigint | number, digits: number): string => value.toString(16).padStart(digits, '0');
  const salt = BigInt(vehicleSalt);
  const scattered = (BigInt(number) * (scatter + 2n * salt) + salt) & 4_294_967_295n;
  return hex(beganMs(history), 12) + hex(scattered, 8) + hex(number * 8 + vehicleSalt, 12);
}

const sessionIdSql = (entryAtMs: string, number: string): string => idSql(entryAtMs, number, 1);
const vehicleIdSql = (history: History, number: string): string => idSql(String(beganMs(history)), number, vehicleSalt);
/** Plates are numbered in the order in which they were seen first. */
function credentialIdSql(history: History, plate: string): string {
  const stepMs = keptMs.sessions / platesSeen(history);
  const firstSeenMs = `CAST(min(${String(beganMs(history))} + (${plate}) * ${String(stepMs)}, ${String(history.nowMs)}) AS INTEGER)`;
  return idSql(firstSeenMs, plate, 2);
}

function beganMs({ nowMs }: Pick<History, 'nowMs'>): number {
  return nowMs - keptMs.sessions;
}
const plateSql = (number: string): string =>
  `char(65 + (${number}) % 26, 65 + ((${number}) / 26) % 26) || printf('%08d', ${number})`;
const randomHashSql = `printf('%016x%016x%016x%016x', random(), random(), random(), random())`;

type Execute = (sql: string) => Promise<void>;

export interface FilledSize {
  /** Of the whole database when it was filled. */
  readonly bytes: number;
}

/** @throws Error when the database is not as the program's version makes it */
export async function fillStore(
  path: string,
  sites: readonly FilledSite[],
  history: History,
  say: (text: string) => void,
): Promise<FilledSize> {
  if (sites.some(({ inside, slots }) => inside > slots)) throw new RangeError('there is no room for it');
  const database = await open(path);
  const all = (sql: string): Promise<Record<string, unknown>[]> =>
    new Promise((resolve, reject) => {
      database.all<Record<string, unknown>>(sql, (error, rows) => {
        if (error === null) resolve(rows);
        else reject(new Error(`${messageOf(error)}: ${sql.slice(0, 300)}`));
      });
    });
  const exec: Execute = (sql) =>
    new Promise((resolve, reject) => {
      database.exec(sql, (error) => {
        if (error === null) resolve();
        else reject(new Error(`${messageOf(error)}: ${sql.slice(0, 300)}`));
      });
    });
  try {
    await exec(
      `PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -3000000;
       PRAGMA temp_store = FILE; PRAGMA threads = 2`,
    );
    const indexes = history.sessions < packedSessions ? [] : await droppedIndexes(all, exec);
    await fillHistory(exec, sites, history, say);
    for (const [index, { name, sql }] of indexes.entries()) {
      say(`index ${String(index + 1)} of ${String(indexes.length)}, ${name}`);
      await exec(sql);
    }
    const [size] = await all(
      'SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS bytes',
    );
    await exec('PRAGMA journal_mode = WAL');
    return { bytes: Number(size?.bytes) };
  } finally {
    await new Promise<void>((resolve) => {
      database.close(() => {
        resolve();
      });
    });
  }
}

function open(path: string): Promise<sqlite3.Database> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(path, sqlite3.OPEN_READWRITE, (error) => {
      if (error === null) resolve(database);
      else reject(error);
    });
  });
}

async function droppedIndexes(
  all: (sql: string) => Promise<Record<string, unknown>[]>,
  exec: Execute,
): Promise<{ name: string; sql: string }[]> {
  const rows = (await all(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL`)) as {
    name: string;
    sql: string;
  }[];
  const dropped = rows.filter(({ name }) => !grownIndexes.includes(name));
  for (const { name } of dropped) await exec(`DROP INDEX "${name}"`);
  return dropped;
}

async function fillHistory(
  exec: Execute,
  sites: readonly FilledSite[],
  history: History,
  say: (text: string) => void,
): Promise<void> {
  const { sessions } = history;
  await exec(`CREATE TEMP TABLE site (number INTEGER PRIMARY KEY, siteId TEXT, slots INTEGER, entryEdgeId TEXT, exitEdgeId TEXT,
      entryGateId1 TEXT, entryGateId2 TEXT, exitGateId1 TEXT, exitGateId2 TEXT);
    INSERT INTO site VALUES ${sites.map(siteValues).join(', ')};
    CREATE TEMP TABLE stay (n INTEGER PRIMARY KEY, number INTEGER, k INTEGER, entryAtMs INTEGER, exitAtMs INTEGER, plate INTEGER,
      slot INTEGER, second INTEGER)`);
  await exec(credentialsSql(history, sites));
  await exec(vehiclesSql(history, sites));
  for (let from = 0; from < sessions; from += chunkSessions) {
    say(`session ${String(from)} of ${String(sessions)}`);
    const before = Math.min(from + chunkSessions, sessions);
    await exec(`BEGIN; DELETE FROM stay; ${staysSql(history, sites.length, from, before)}; ${sessionsSql(history)};
      ${arrivalsSql(history)}; ${eventsSql(history)}; ${reviewsSql(history)}; ${noticesSql(history)}; COMMIT`);
  }
  await exec(auditSql(history, sites));
  for (const index of sites.keys()) await exec(insideSql(history, sites, index));
  await exec(standingSql(history, sites));
}

function siteValues(site: FilledSite, index: number): string {
  const { siteId, slots, entryEdgeId, exitEdgeId, entryGateIds, exitGateIds } = site;
  const texts = [entryEdgeId, exitEdgeId, ...entryGateIds, ...exitGateIds].map((name) => `'${name}'`).join(', ');
  return `(${String(index)}, '${siteId}', ${String(slots)}, ${texts})`;
}

function credentialsSql(history: History, sites: readonly FilledSite[]): string {
  const last = platesSeen(history) + insideBefore(sites, sites.length);
  return `INSERT INTO credentials (credentialId, kind, value) SELECT ${credentialIdSql(history, 'value')}, 'plate', ${plateSql('value')}
    FROM (${countSql(1, last)})`;
}

function vehiclesSql(history: History, sites: readonly FilledSite[]): string {
  const permits = `json_array(json_object('siteId', '${sites[0]?.siteId ?? ''}', 'zoneId', NULL, 'slotClass', NULL, 'fromMs', NULL, 'toMs', NULL))`;
  const made = String(beganMs(history));
  return `INSERT INTO vehicles (vehicleId, credentialId, slotClass, holder, note, blockedReason, permits, createdAtMs, updatedAtMs, holderFolded)
    SELECT ${vehicleIdSql(history, 'value')}, ${credentialIdSql(history, 'value')}, 'standard', 'Holder ' || value, NULL,
      CASE WHEN value % 100 = 0 THEN 'unpaid' END, ${permits}, ${made}, ${made}, 'holder ' || value
    FROM (${countSql(1, history.vehicles)})`;
}

function countSql(from: number, to: number): string {
  return `WITH RECURSIVE c (value) AS (SELECT ${String(from)} UNION ALL SELECT value + 1 FROM c WHERE value < ${String(to)}) SELECT value FROM c WHERE ${String(to)} >= ${String(from)}`;
}

/** Half of the stays are of a twentieth of the vehicles; the others come a few times within half a year. */
function staysSql(history: History, sites: number, from: number, before: number): string {
  const plates = platesSeen(history);
  const regulars = Math.max(1, Math.floor(plates / 20));
  const others = plates - regulars;
  const startMs = beganMs(history);
  const stepMs = (keptMs.sessions - 12 * hourMs) / history.sessions;
  return `INSERT INTO stay SELECT value, value % ${String(sites)}, value / ${String(sites)} + 1,
      CAST(${String(startMs)} + value * ${String(stepMs)} AS INTEGER),
      CAST(${String(startMs)} + value * ${String(stepMs)} AS INTEGER) + 600000 + abs(random() % 36000000),
      CASE WHEN random() & 1 THEN 1 + abs(random() % ${String(regulars)})
        ELSE ${String(regulars)} + 1 + max(0, value * ${String(others)} / ${String(history.sessions)}
          - abs(random() % ${String(Math.ceil(others / 4))})) END,
      abs(random() % 1000000), random() & 1
    FROM (${countSql(from, before - 1)})`;
}

const entryGateSql = `CASE second WHEN 1 THEN entryGateId2 ELSE entryGateId1 END`;
const exitGateSql = `CASE second WHEN 1 THEN exitGateId2 ELSE exitGateId1 END`;

function sessionsSql(history: History): string {
  const isVoid = `n % ${String(voidEverySessions)} = 7`;
  return `INSERT INTO sessions (siteId, sessionId, ticket, credentialId, vehicleId, slotClass, slotId, state, entryAtMs, entryGateId,
      entryBasis, exitAtMs, exitGateId, exitBasis, durationMs, uncertainSinceMs, exitAuthorised, earlierExitDue, entryEventKey)
    SELECT siteId, ${sessionIdSql('entryAtMs', 'n')}, k, ${credentialIdSql(history, 'plate')},
      CASE WHEN plate <= ${String(history.vehicles)} THEN ${vehicleIdSql(history, 'plate')} END, 'standard', 's' || (1 + slot % slots),
      CASE WHEN ${isVoid} THEN 'void' ELSE 'closed' END, entryAtMs, ${entryGateSql}, 'decision',
      CASE WHEN ${isVoid} THEN NULL ELSE exitAtMs END, ${exitGateSql}, 'decision', exitAtMs - entryAtMs, NULL, 0, 0,
      entryEdgeId || ':${historyEpoch}:' || (2 * k)
    FROM stay JOIN site USING (number) ORDER BY n`;
}

function arrivalsSql(history: History): string {
  const decision = (slot: string): string =>
    `json_object('revision', 1, 'outcome', 'admit', 'sessionId', ${sessionIdSql('entryAtMs', 'n')}, 'slotId', ${slot}, 'basis', 'decision',
      'reason', NULL, 'ttlMs', 30000, 'atMs', entryAtMs)`;
  const insert = `INSERT INTO arrivals (siteId, edgeId, epoch, seq, gateId, direction, credentialId, vehicleId, slotClass, atMs,
    receivedAtMs, state, decision, localOutcome, endedAtMs)`;
  const recent = `FROM stay JOIN site USING (number) WHERE entryAtMs >= ${String(history.nowMs - keptMs.events)} ORDER BY n`;
  return `${insert} SELECT siteId, entryEdgeId, '${historyEpoch}', 2 * k - 1, ${entryGateSql}, 'entry', ${credentialIdSql(history, 'plate')},
      NULL, 'standard', entryAtMs, entryAtMs, 'passed', ${decision(`'s' || (1 + slot % slots)`)}, NULL, entryAtMs + 8000 ${recent};
    ${insert} SELECT siteId, exitEdgeId, '${historyEpoch}', 2 * k - 1, ${exitGateSql}, 'exit', ${credentialIdSql(history, 'plate')},
      NULL, 'standard', exitAtMs, exitAtMs, 'passed', ${decision('NULL')}, NULL, exitAtMs + 8000 ${recent}`;
}

function eventsSql(history: History): string {
  const insert = `INSERT INTO events (edgeId, epoch, seq, siteId, gateId, kind, hash, atMs, receivedAtMs, credentialId, body, origin, flags)`;
  const recent = `FROM stay JOIN site USING (number) WHERE entryAtMs >= ${String(history.nowMs - keptMs.events)} ORDER BY n`;
  const head = (kind: string, at: string, gate: string): string =>
    `'kind', '${kind}', 'atMs', ${at}, 'monoMs', ${at} % 100000000, 'bootId', '${historyEpoch}', 'gateId', ${gate}`;
  const arrived = (edge: string, gate: string, direction: string, at: string): string =>
    `${insert} SELECT ${edge}, '${historyEpoch}', 2 * k - 1, siteId, ${gate}, 'vehicle-arrived', ${randomHashSql}, ${at}, ${at},
      ${credentialIdSql(history, 'plate')}, json_object(${head('vehicle-arrived', at, gate)}, 'direction', '${direction}', 'credential',
        json_object('credentialId', ${credentialIdSql(history, 'plate')}, 'kind', 'plate', 'source', 'camera', 'confidence', 0.97),
        'vehicleClass', NULL, 'supersedes', NULL), NULL, '[]' ${recent}`;
  const passed = (edge: string, gate: string, direction: string, at: string, slot: string): string =>
    `${insert} SELECT ${edge}, '${historyEpoch}', 2 * k, siteId, ${gate}, 'vehicle-passed',
      ${randomHashSql}, ${at}, ${at}, NULL, json_object(${head('vehicle-passed', at, gate)}, 'direction', '${direction}',
        'arrival', 2 * k - 1, 'slotId', ${slot}, 'basis', 'decision', 'flags', json('[]')), NULL, '[]' ${recent}`;
  return [
    arrived('entryEdgeId', entryGateSql, 'entry', 'entryAtMs'),
    passed('entryEdgeId', entryGateSql, 'entry', '(entryAtMs + 8000)', `'s' || (1 + slot % slots)`),
    arrived('exitEdgeId', exitGateSql, 'exit', 'exitAtMs'),
    passed('exitEdgeId', exitGateSql, 'exit', '(exitAtMs + 8000)', 'NULL'),
    `INSERT INTO quarantine (quarantineId, siteId, edgeId, epoch, seq, kind, receivedAtMs, reason, body, payloadBytes, payloadSha256)
      SELECT ${idSql('entryAtMs', 'n', 5)}, siteId, entryEdgeId, '${historyEpoch}', 2 * k, 'vehicle-passed', entryAtMs, 'cannot be read', NULL, 100,
        ${randomHashSql} FROM stay JOIN site USING (number)
      WHERE n % ${String(quarantineEverySessions)} = 9 AND entryAtMs >= ${String(history.nowMs - keptMs.events)}`,
  ].join('; ');
}

function reviewsSql(history: History): string {
  const kinds = ['unmatched-exit', 'no-slot', 'tailgating', 'already-inside'];
  const kind = `CASE abs(random()) % 4 ${kinds.map((name, index) => `WHEN ${String(index)} THEN '${name}'`).join(' ')} END`;
  return `INSERT INTO reviews (siteId, reviewId, kind, gateId, edgeId, sessionId, candidates, credentialId, openedAtMs, detail,
      resolvedAtMs, resolvedBy, resolution)
    SELECT siteId, ${idSql('entryAtMs', 'n', 4)}, ${kind}, ${entryGateSql}, entryEdgeId, ${sessionIdSql('entryAtMs', 'n')}, '[]', ${credentialIdSql(history, 'plate')},
      entryAtMs, 'a person should look at this', entryAtMs + 3600000, 'operator', 'looked at'
    FROM stay JOIN site USING (number) WHERE n % ${String(reviewEverySessions)} = 3`;
}

function noticesSql({ nowMs }: History): string {
  const kinds = [
    'vehicle-arrived',
    'vehicle-admitted',
    'vehicle-entered',
    'vehicle-arrived',
    'vehicle-admitted',
    'vehicle-left',
  ];
  return `INSERT INTO notices (kind, siteId, atMs, gateId, sessionId, slotId, reviewId, detail)
    SELECT kind.value, siteId, CASE WHEN kind.key < 3 THEN entryAtMs ELSE exitAtMs END, ${entryGateSql}, ${sessionIdSql('entryAtMs', 'n')},
      's' || (1 + slot % slots), NULL, 'decision'
    FROM stay JOIN site USING (number) CROSS JOIN json_each('${JSON.stringify(kinds)}') AS kind
    WHERE entryAtMs >= ${String(nowMs - keptMs.notices)}`;
}

/** Its rows are no chain, which is asked for only by whoever verifies it. */
function auditSql({ sessions, nowMs }: History, sites: readonly FilledSite[]): string {
  const rows = Math.floor(sessions / auditEverySessions);
  const stepMs = keptMs.sessions / (rows + 1);
  return `INSERT INTO audit (atMs, "by", action, siteId, target, reason, detail, prevHash, hash)
    SELECT CAST(${String(nowMs - keptMs.sessions)} + value * ${String(stepMs)} AS INTEGER), 'operator', 'session.close',
      'site-' || (1 + abs(random()) % ${String(sites.length)}), lower(hex(randomblob(16))), 'it was seen leaving', '{"exitAtMs":null}',
      ${randomHashSql}, ${randomHashSql}
    FROM (${countSql(1, rows)})`;
}

/** Open sessions of the sites before that one. */
function insideBefore(sites: readonly FilledSite[], index: number): number {
  return sites.slice(0, index).reduce((sum, { inside }) => sum + inside, 0);
}

/** Vehicles with plates of their own, in the slots that are given first. */
function insideSql(history: History, sites: readonly FilledSite[], index: number): string {
  const site = sites[index];
  if (site === undefined || site.inside === 0) return '';
  const { siteId, inside, entryEdgeId, entryGateIds } = site;
  const before = insideBefore(sites, index);
  const sinceMs = String(history.nowMs - 10 * hourMs);
  const sessionId = (number: string): string =>
    sessionIdSql(sinceMs, `${String(history.sessions + before)} + ${number}`);
  const credentialId = credentialIdSql(history, `${String(platesSeen(history) + before)} + value`);
  const slotNumber = 'CAST(substr(slotId, 2) AS INTEGER)';
  return `INSERT INTO sessions (siteId, sessionId, ticket, credentialId, vehicleId, slotClass, slotId, state, entryAtMs, entryGateId,
      entryBasis, exitAtMs, exitGateId, exitBasis, durationMs, uncertainSinceMs, exitAuthorised, earlierExitDue, entryEventKey)
    SELECT '${siteId}', ${sessionId('value')}, ${String(history.sessions)} + value, ${credentialId}, NULL,
      'standard', 's' || value, 'open', ${sinceMs} + value, '${entryGateIds[0]}', 'decision', NULL, NULL,
      NULL, NULL, NULL, 0, 0, '${entryEdgeId}:${historyEpoch}:1'
    FROM (${countSql(1, inside)});
    UPDATE slots SET state = 'occupied', sessionId = ${sessionId(slotNumber)}
      WHERE siteId = '${siteId}' AND ${slotNumber} <= ${String(inside)};
    INSERT INTO reviews (siteId, reviewId, kind, gateId, edgeId, sessionId, candidates, credentialId, openedAtMs, detail,
        resolvedAtMs, resolvedBy, resolution)
      SELECT '${siteId}', ${idSql(sinceMs, `${String(history.sessions)} + value`, 6 + index)}, 'no-slot', '${entryGateIds[0]}', '${entryEdgeId}',
        NULL, '[]', NULL, ${sinceMs} + value, 'a person should look at this', NULL, NULL, NULL
      FROM (${countSql(1, openReviews)})`;
}

/** Where edges and counts stand after all that. */
function standingSql(history: History, sites: readonly FilledSite[]): string {
  const upTo = eventsBehind(history, sites.length);
  const cursors = sites.flatMap(({ entryEdgeId, exitEdgeId }) => [entryEdgeId, exitEdgeId]);
  const counts = sites.map(
    ({ siteId, inside }) => `UPDATE ledgers SET count = ${String(inside)},
      ticketsIssued = ${String(history.sessions + inside)} WHERE siteId = '${siteId}'`,
  );
  return `INSERT INTO cursors (edgeId, epoch, upTo, hash, clockOffsetMs, lastEventAtMs) VALUES
      ${cursors.map((edgeId) => `('${edgeId}', '${historyEpoch}', ${String(upTo)}, '${historyHash}', 0, ${String(history.nowMs)})`).join(', ')};
    UPDATE ledgers SET entriesTotal = ${String(history.sessions)}, exitsTotal = ${String(history.sessions)};
    ${counts.join('; ')}`;
}
