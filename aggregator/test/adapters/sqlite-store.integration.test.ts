import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import type { Connection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import { pruneRules } from '../../src/adapters/store/pruning.js';
import { oldestAuditSql, pruneAuditSql, pruneSql } from '../../src/adapters/store/sqlite/prune.js';
import { deleteUnusedSql, nextCredentialsSql } from '../../src/adapters/store/sqlite/unused-credentials.js';
import { databaseVersion } from '../../src/adapters/store/sqlite/migrations.js';
import {
  auditQuery,
  eventsQuery,
  quarantineQuery,
  reviewsQuery,
  sessionsQueries,
  vehiclesQuery,
} from '../../src/adapters/store/sqlite/queries.js';
import type { Query } from '../../src/adapters/store/sqlite/queries.js';
import type { AggregatorStore, StoreError } from '../../src/app/ports.js';
import {
  allowanceRow,
  changeSet,
  credentialRow,
  eventRow,
  hexId,
  ledgerRow,
  reviewRow,
  sessionRow,
  siteRow,
  vehicleRow,
} from '../conformance/rows.js';
import { toVersion6 } from './earlier-versions.js';
import { describeStore } from '../conformance/store.js';
import { until } from '../conformance/waiting.js';

// Real processes and sockets on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

let parent: string;
let directory: string;
const opened: AggregatorStore[] = [];
const children: ChildProcess[] = [];

async function begin(): Promise<void> {
  parent = await mkdtemp(join(tmpdir(), 'gatehouse-store-'));
  directory = join(parent, 'deep', 'data');
}

async function end(): Promise<void> {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const store of opened.splice(0)) await store.close();
  await rm(parent, { recursive: true, force: true });
}

function createIn(path: string, maxDatabasePages?: number): AggregatorStore {
  const store = createSqliteStore({
    directory: path,
    logger: silentLogger,
    clock: systemClock,
    ...(maxDatabasePages === undefined ? {} : { maxDatabasePages }),
  });
  opened.push(store);
  return store;
}

async function planOf(connection: Connection, { sql, parameters }: Query): Promise<string[]> {
  const plan = await connection.all(`EXPLAIN QUERY PLAN ${sql}`, parameters);
  return plan.map((row) => String(row.detail)).filter((step) => !/json_each|^LIST SUBQUERY|BLOOM/.test(step));
}

async function openIn(path: string, maxDatabasePages?: number): Promise<AggregatorStore> {
  const store = createIn(path, maxDatabasePages);
  await store.open();
  return store;
}

async function failureOf(work: Promise<unknown>): Promise<Pick<StoreError, 'name' | 'code' | 'message'>> {
  return work.then(
    () => ({ name: 'StoreError' as const, code: 'closed', message: 'did not fail' }),
    (error: unknown) => error as StoreError,
  );
}

describeStore('sqlite', async () => {
  await begin();
  const store = await openIn(directory);
  return {
    store,
    reopen: async () => {
      await store.close();
      return openIn(directory);
    },
    // What the disk holds at this moment is what a power cut leaves.
    reopenAfterPowerCut: async () => {
      await cp(directory, join(parent, 'after'), { recursive: true });
      return openIn(join(parent, 'after'));
    },
    dispose: end,
  };
});

describe('the SQLite store', () => {
  beforeEach(begin);
  afterEach(end);
  const database = (): string => join(directory, 'gatehouse.db');

  describe('refuses to open', () => {
    it('a database of a newer version, naming both versions, and changes nothing', async () => {
      await (await openIn(directory)).close();
      const connection = await openConnection(database());
      await connection.exec('PRAGMA user_version = 99');
      await connection.close();
      const failure = await failureOf(createIn(directory).open());
      expect(failure.code).toBe('newer-database');
      expect(failure.message).toContain('version 99');
      expect(failure.message).toContain(`up to ${String(databaseVersion)}`);
      expect(failure.message).toContain(database());
      const again = await openConnection(database());
      expect(await again.all('PRAGMA user_version')).toEqual([{ user_version: 99 }]);
      await again.exec(`PRAGMA user_version = ${String(databaseVersion)}`);
      await again.close();
      await openIn(directory);
    });

    it('a database of another program', async () => {
      await (await openIn(join(parent, 'other'))).close();
      const connection = await openConnection(join(parent, 'other', 'gatehouse.db'));
      await connection.exec('PRAGMA application_id = 7');
      await connection.close();
      const failure = await failureOf(createIn(join(parent, 'other')).open());
      expect(failure).toMatchObject({ name: 'StoreError', code: 'damaged' });
      expect(failure.message).toContain('another program');
    });

    it('a directory that another process has, naming it, until that process is gone, however it went', async () => {
      const child = startWriter(directory);
      await until('the child has stored something', () => Number(child.lines.at(-1)) > 0);
      const failure = await failureOf(createIn(directory).open());
      expect(failure.code).toBe('in-use');
      expect(failure.message).toContain(`process ${String(child.process.pid)}`);
      expect(failure.message).toContain(directory);
      await child.kill();
      const store = await openIn(directory);
      expect((await store.load()).sessions.length).toBeGreaterThan(0);
    });

    it('a directory that this process has', async () => {
      const store = await openIn(directory);
      expect((await failureOf(createIn(directory).open())).code).toBe('in-use');
      await store.commit(changeSet({ sessions: [sessionRow(1)] }));
      await store.close();
      await openIn(directory);
    });

    it('a directory that cannot be one, naming it', async () => {
      await writeFile(join(parent, 'file'), '');
      for (const path of [join(parent, 'file'), join(parent, 'file', 'below'), '/proc/gatehouse', '/sys/gatehouse']) {
        const failure = await failureOf(createIn(path).open());
        expect(failure).toMatchObject({ name: 'StoreError', code: 'unwritable' });
        expect(failure.message).toContain(path);
      }
    });

    it('a file that is no database, naming it', async () => {
      await (await openIn(directory)).close();
      await writeFile(database(), 'this is not a database, but it is long enough to look at '.repeat(100));
      const failure = await failureOf(createIn(directory).open());
      expect(failure).toMatchObject({ name: 'StoreError', code: 'damaged' });
      expect(failure.message).toContain(database());
      expect(failure.message).toContain('restore');
    });
  });

  it('answers `damaged` when what it reads has been overwritten', async () => {
    const before = await openIn(directory);
    await before.commit(changeSet({ sessions: Array.from({ length: 3000 }, (_, n) => sessionRow(n + 1)) }));
    await before.close();
    const file = await open(database(), 'r+');
    const { size } = await file.stat();
    for (let at = Math.floor(size / 2); at < size; at += 4096) await file.write(Buffer.alloc(4096, 0xaa), 0, 4096, at);
    await file.close();
    const store = createIn(directory);
    const failure = await failureOf(store.open().then(() => store.load()));
    expect(failure).toMatchObject({ name: 'StoreError', code: 'damaged' });
    expect(failure.message).toContain(database());
  });

  it('is for its owner alone, log and all, also in a directory that others may look into', async () => {
    await mkdir(directory, { recursive: true, mode: 0o755 });
    const store = await openIn(directory);
    await store.commit(changeSet({ credentials: [credentialRow(1)] }));
    for (const file of [database(), `${database()}-wal`]) expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('moves its log into the database after many small commits, too', async () => {
    const store = await openIn(directory);
    const before = (await stat(database())).size;
    for (let seq = 1; seq <= 800; seq += 1) await store.commit(changeSet({ events: [eventRow(seq)] }));
    await until('the database has grown', () => statSync(database()).size > before);
    expect((await stat(`${database()}-wal`)).size).toBeLessThan(16 * 1024 * 1024);
  });

  it('does not open a database whose history is damaged, up to a size', async () => {
    const before = await openIn(directory);
    await before.commit(changeSet({ events: Array.from({ length: 2000 }, (_, n) => eventRow(n + 1)) }));
    await before.close();
    const connection = await openConnection(database());
    const [root] = await connection.all("SELECT rootpage FROM sqlite_schema WHERE name = 'events_kind'");
    await connection.close();
    const file = await open(database(), 'r+');
    await file.write(Buffer.alloc(4096), 0, 4096, (Number(root?.rootpage) - 1) * 4096);
    await file.close();
    const failure = await failureOf(createIn(directory).open());
    expect(failure).toMatchObject({ name: 'StoreError', code: 'damaged' });
    expect(failure.message).toContain(database());
    expect(failure.message).toContain('restore');
    const unchecked = createSqliteStore({ directory, logger: silentLogger, clock: systemClock, maxCheckedBytes: 1 });
    opened.push(unchecked);
    await unchecked.open();
  });

  it('answers `full` when there is no room, stores nothing of that change, and goes on when there is', async () => {
    const store = await openIn(directory, 300);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    const events = Array.from({ length: 2000 }, (_, n) => eventRow(n + 1, { body: 'x'.repeat(1000) }));
    const failure = await failureOf(store.commit(changeSet({ sessions: [sessionRow(2)], events })));
    expect(failure).toMatchObject({ name: 'StoreError', code: 'full' });
    expect(failure.message).toContain('free space');
    expect((await store.load()).sessions).toHaveLength(1);
    expect((await store.listEvents({}, { limit: 1, cursor: null })).items).toEqual([]);
    await store.commit(changeSet({ sessions: [sessionRow(2)] }));
    expect((await store.load()).sessions).toHaveLength(2);
  });

  it('has after kill -9 in the middle of commits all that was answered, and nothing half', async () => {
    let committed = 0;
    for (let round = 0; round < 4; round += 1) {
      const child = startWriter(directory, committed + 1);
      const wanted = committed + 20 + round * 17;
      await until('some commits', () => Number(child.lines.at(-1)) >= wanted, 20_000);
      await child.kill();
      const answered = Number(child.lines.filter((line) => line !== 'open').at(-1));
      const store = await openIn(directory);
      const { sessions, slots, ledgers } = await store.load();
      committed = ledgers[0]?.count ?? 0;
      expect(committed).toBeGreaterThanOrEqual(answered);
      expect(committed).toBeLessThanOrEqual(answered + 1);
      expect(sessions).toHaveLength(committed);
      expect(slots[0]?.sessionId).toBe(hexId(committed));
      expect(await countEvents(store)).toBe(committed);
      await store.close();
    }
  });

  it('commits while lists are being read', async () => {
    const store = await openIn(directory);
    const vehicles = Array.from({ length: 20_000 }, (_, n) => vehicleRow(n, { holder: 'h'.repeat(100) }));
    const credentials = Array.from({ length: 20_000 }, (_, n) => credentialRow(n));
    await store.commit(changeSet({ vehicles, credentials }));
    let isReading = true;
    const reading = Promise.all(
      Array.from({ length: 40 }, () => store.listVehicles({ holderContains: 'nobody' }, { limit: 10, cursor: null })),
    ).then(() => (isReading = false));
    for (let n = 1; n <= 5; n += 1) {
      await store.commit(changeSet({ sessions: [sessionRow(n)] }));
      expect(await store.getSession('site-a', hexId(n))).not.toBeNull();
    }
    expect(isReading).toBe(true);
    await reading;
  });

  it('keeps its write-ahead log short under steady writing', async () => {
    const store = await openIn(directory);
    for (let n = 0; n < 60; n += 1) {
      const events = Array.from({ length: 500 }, (_, i) => eventRow(n * 500 + i + 1, { body: 'x'.repeat(1000) }));
      await store.commit(changeSet({ events }));
    }
    expect((await stat(`${database()}-wal`)).size).toBeLessThan(80 * 1024 * 1024);
    await store.close();
    expect((await readdir(directory)).sort()).toEqual(['gatehouse.db', 'gatehouse.lock']);
  });

  it('lets its log grow while an old moment is read, begins it anew after that, and cuts it bit by bit', async () => {
    const store = await openIn(directory);
    let n = 0;
    const write = (): Promise<void> => {
      const from = 500 * n++;
      const events = Array.from({ length: 500 }, (_, i) => eventRow(from + i + 1, { body: 'x'.repeat(1000) }));
      return store.commit(changeSet({ events }));
    };
    const logBytes = async (): Promise<number> => (await stat(`${database()}-wal`)).size;
    const reader = await openConnection(database());
    await reader.exec('BEGIN');
    await reader.all('SELECT count(*) FROM sites');
    while ((await logBytes()) < 160 * 1024 * 1024) await write();
    await reader.exec('COMMIT');
    await reader.close();
    const longest = await logBytes();
    const shrunkBy: number[] = [];
    for (let before = longest; n < 2_000 && before > longest - 1024 * 1024; before = await logBytes()) {
      await write();
      shrunkBy.push(before - (await logBytes()));
    }
    const cuts = shrunkBy.filter((bytes) => bytes > 0);
    expect(cuts).not.toEqual([]);
    // Not all of what is too long at once: a little, and what was committed since that was measured.
    expect(Math.max(...cuts)).toBeLessThan(longest / 3);
    expect(await countEvents(store)).toBe(500 * n);
  });

  it('holds the text of a plate in one table, and nowhere in the file once it is erased', async () => {
    const plate = credentialRow(1, { value: 'ERASEME99' });
    const store = await openIn(directory);
    await store.commit(
      changeSet({
        credentials: [plate],
        vehicles: [vehicleRow(1)],
        sessions: [sessionRow(1, { credentialId: hexId(1) })],
      }),
    );
    await store.commit(changeSet({ erasedCredentials: [hexId(1)] }));
    await store.close();
    expect((await readFile(database())).includes('ERASEME99')).toBe(false);
  });

  it('reads every list in order through an index', async () => {
    await (await openIn(directory)).close();
    const connection = await openConnection(database());
    const first = { limit: 10, cursor: null };
    const site = { siteId: 'a' };
    const lists: Record<string, readonly Query[]> = {
      'sessions_site (siteId=?)': sessionsQueries(site, first),
      'sessions_site (siteId=? AND entryAtMs>? AND entryAtMs<?)': sessionsQueries(
        { ...site, enteredFromMs: 1, enteredBeforeMs: 2 },
        first,
      ),
      'sessions_site (siteId=? AND entryAtMs<?)': sessionsQueries({ ...site, exitedBeforeMs: 2 }, first).slice(-1),
      'sessions_inside (siteId=?)': sessionsQueries({ ...site, states: ['open', 'uncertain'] }, first),
      'sessions_void (siteId=?)': sessionsQueries({ ...site, states: ['void'] }, first),
      'sessions_credential (credentialId=?)': sessionsQueries({ ...site, credentialId: 'c' }, first),
      'sessions_vehicle (vehicleId=?)': sessionsQueries({ ...site, vehicleId: 'v', states: ['closed'] }, first),
      'sessions_slot (siteId=? AND slotId=?)': sessionsQueries({ ...site, slotId: 's' }, first),
      events_received: [eventsQuery({}, first)],
      'events_site (siteId=? AND receivedAtMs>? AND receivedAtMs<?)': [
        eventsQuery({ ...site, kind: 'vehicle-passed', fromMs: 1, beforeMs: 5 }, first),
      ],
      'events_edge (edgeId=?)': [eventsQuery({ ...site, edgeId: 'e' }, first)],
      'events_gate (siteId=? AND gateId=?)': [eventsQuery({ ...site, gateId: 'g', kind: 'vehicle-arrived' }, first)],
      'events_kind (kind=?)': [eventsQuery({ ...site, gateId: 'g', kind: 'fault-raised' }, first)],
      reviews_opened: [reviewsQuery({ kind: 'no-slot' }, first)],
      'reviews_site (siteId=?)': [reviewsQuery(site, first)],
      'reviews_open (siteId=?)': [reviewsQuery({ ...site, kind: 'no-slot', open: true }, first)],
      'reviews_kind (siteId=? AND kind=?)': [reviewsQuery({ ...site, kind: 'no-slot', open: false }, first)],
      quarantine_received: [quarantineQuery({}, first)],
      'quarantine_site (siteId=?)': [quarantineQuery(site, first)],
      'audit_site (siteId=?)': [auditQuery(site, first)],
      'credentials_registered (value>? AND value<?)': [vehiclesQuery({ credentialPrefix: 'A' }, null, 10)],
    };
    for (const [path, queries] of Object.entries(lists)) {
      for (const query of queries) {
        const steps = await planOf(connection, query);
        expect(steps[0]).toMatch(/^(SCAN|SEARCH) /);
        expect(steps[0]?.replace(/^.* USING (COVERING )?INDEX /, '')).toBe(path);
        // Rows of one moment may be sorted among themselves, never the whole list.
        expect(steps.filter((step) => step === 'USE TEMP B-TREE FOR ORDER BY')).toEqual([]);
      }
    }
    expect(await planOf(connection, auditQuery({}, first))).toEqual(['SCAN audit']);
    await connection.close();
  });

  it('looks for those that entered last, and for those inside before, of the time they left in by what the index holds', async () => {
    await (await openIn(directory)).close();
    const connection = await openConnection(database());
    const queries = sessionsQueries({ siteId: 'a', exitedFromMs: 1, exitedBeforeMs: 2 }, { limit: 10, cursor: null });
    const byTheIndex = [
      'SEARCH sessions USING INTEGER PRIMARY KEY (rowid=?)',
      'SEARCH sessions USING INDEX sessions_ended (siteId=? AND <expr>>? AND <expr><?)',
      'USE TEMP B-TREE FOR ORDER BY',
      'USE TEMP B-TREE FOR ORDER BY',
    ];
    const inOrder = ['SEARCH sessions USING INDEX sessions_site (siteId=? AND entryAtMs>? AND entryAtMs<?)'];
    expect(await Promise.all(queries.map((query) => planOf(connection, query)))).toEqual([
      byTheIndex,
      byTheIndex,
      byTheIndex,
      inOrder,
      byTheIndex,
    ]);
    await connection.close();
  });

  it('knows after an update from version 6 which credentials vehicles are registered under, and keeps knowing it', async () => {
    const texts = async (store: AggregatorStore): Promise<string[]> =>
      (await store.listVehicles({}, { limit: 10, cursor: null })).items.map(({ vehicleId }) => vehicleId);
    const credentials = [1, 2, 3].map((n) => credentialRow(n, { value: `AB${String(n)}` }));
    const [first, second] = [vehicleRow(1, { credentialId: hexId(2) }), vehicleRow(2, { credentialId: hexId(1) })];
    const store = await openIn(directory);
    await store.commit(changeSet({ credentials, vehicles: [first, second] }));
    await store.close();
    const old = await openConnection(database());
    await old.exec(toVersion6);
    await old.close();
    const told: unknown[] = [];
    const logger = { ...silentLogger, info: (fields: object, message: string) => told.push([message, fields]) };
    const again = createSqliteStore({ directory, logger, clock: systemClock });
    opened.push(again);
    await again.open();
    expect(told[0]).toEqual([
      'the store is brought to the version of this program, which may take minutes',
      { path: database(), from: 6, to: databaseVersion },
    ]);
    expect(await texts(again)).toEqual([second.vehicleId, first.vehicleId]);
    await again.commit(changeSet({ vehicles: [{ ...second, credentialId: hexId(3) }] }));
    expect(await texts(again)).toEqual([first.vehicleId, second.vehicleId]);
    await again.commit(changeSet({ removedVehicles: [first.vehicleId] }));
    expect(await texts(again)).toEqual([second.vehicleId]);
    await again.close();
    const connection = await openConnection(database());
    const registered = await connection.all('SELECT credentialId FROM credentials WHERE registered = 1');
    expect(registered).toEqual([{ credentialId: hexId(3) }]);
    await connection.close();
  });

  it('looks for those that came or left by a gate in the order of that gate', async () => {
    await (await openIn(directory)).close();
    const connection = await openConnection(database());
    for (const filter of [{}, { enteredFromMs: 1, states: ['closed'] as const }]) {
      const [query, ...others] = sessionsQueries({ siteId: 'a', gateId: 'g', ...filter }, { limit: 10, cursor: null });
      expect(others).toEqual([]);
      if (query === undefined) throw new Error('there is one');
      const steps = (await planOf(connection, query)).filter((step) => step.startsWith('S'));
      expect(steps.map((step) => step.replace(/ AND entryAtMs>\?|-\d+/, ''))).toEqual([
        'SEARCH sessions USING INTEGER PRIMARY KEY (rowid=?)',
        'SEARCH sessions USING INDEX sessions_entry_gate (siteId=? AND entryGateId=?)',
        'SCAN (subquery)',
        'SEARCH sessions USING INDEX sessions_exit_gate (siteId=? AND exitGateId=?)',
        'SCAN (subquery)',
      ]);
    }
    await connection.close();
  });

  it('looks for unused credentials through indices, and adds them to a database of version 1', async () => {
    await (await openIn(directory)).close();
    const old = await openConnection(database());
    await old.exec(toVersion6);
    await old.exec('DROP INDEX events_credential; DROP INDEX arrivals_credential; DROP INDEX reviews_credential');
    await old.exec(
      'DROP INDEX commands_age; CREATE INDEX commands_ended ON commands (endedAtMs); DROP INDEX reviews_resolved; PRAGMA user_version = 1',
    );
    await old.exec(
      'DROP TABLE allowances; ALTER TABLE sessions DROP COLUMN earlierExitDue; ALTER TABLE sites DROP COLUMN retiredGates',
    );
    await old.close();
    await (await openIn(directory)).close();
    const connection = await openConnection(database());
    for (const [sql, parameters] of [
      [nextCredentialsSql, ['', 1]],
      [deleteUnusedSql, ['[]']],
    ] as const) {
      const plan = (await connection.all(`EXPLAIN QUERY PLAN ${sql}`, parameters)).map((row) => String(row.detail));
      expect(plan.filter((step) => step.includes('t USING COVERING INDEX'))).toHaveLength(5);
      expect(plan.filter((step) => step.startsWith('SCAN') && !/SCAN (c|json_each)/.test(step))).toEqual([]);
      expect(plan.join('; ')).toMatch(/SEARCH (credentials|c) USING/);
      expect(plan.join('; ')).not.toContain('TEMP B-TREE');
    }
    await connection.close();
  });

  it('looks for old rows through an index that has nothing else before them, in a database of version 5 too', async () => {
    await (await openIn(directory)).close();
    const old = await openConnection(database());
    await old.exec(toVersion6);
    await old.exec('DROP INDEX reviews_resolved; PRAGMA user_version = 5');
    await old.close();
    await (await openIn(directory)).close();
    const connection = await openConnection(database());
    for (const kind of Object.keys(pruneRules) as (keyof typeof pruneRules)[]) {
      const plan = (await connection.all(`EXPLAIN QUERY PLAN ${pruneSql(kind)}`, [1, 1])).map((row) =>
        String(row.detail),
      );
      const steps = plan.filter((step) => /^(SCAN|SEARCH|USE)/.test(step));
      expect({
        kind,
        others: steps.filter((step) => !/^SEARCH \w+ USING (INTEGER PRIMARY KEY|(COVERING )?INDEX)/.test(step)),
      }).toEqual({ kind, others: kind === 'notices' ? ['SEARCH notices'] : [] });
      expect(steps.join()).toMatch(
        new RegExp(`SEARCH ${kind} USING (COVERING )?INDEX ${pruneRules[kind].index} \\((siteId=\\? AND )?\\S+<`),
      );
    }
    for (const [sql, parameters] of [
      [oldestAuditSql, [1]],
      [pruneAuditSql, [1, 1]],
    ] as const) {
      const plan = (await connection.all(`EXPLAIN QUERY PLAN ${sql}`, parameters)).map((row) => String(row.detail));
      // In the order of the key, and no further than the limit.
      expect(plan.filter((step) => step.includes('TEMP B-TREE') || /SCAN .* INDEX/.test(step))).toEqual([]);
    }
    const [sessions] = await connection.all(`SELECT sql FROM sqlite_schema WHERE name = 'sessions_ended'`);
    expect(sessions?.sql).toContain('WHERE state IN');
    await connection.close();
  });

  it('gives a database of version 2 the sets of slots for edges, and every layout its share of them', async () => {
    const store = await openIn(directory);
    const { allowance, ...former } = siteRow().layout;
    await store.commit(changeSet({ sites: [siteRow({ layout: former as never })], ledgers: [ledgerRow()] }));
    await store.close();
    const old = await openConnection(database());
    await old.exec(toVersion6);
    await old.exec(
      'DROP TABLE allowances; ALTER TABLE sessions DROP COLUMN earlierExitDue; ALTER TABLE sites DROP COLUMN retiredGates; DROP INDEX reviews_resolved; PRAGMA user_version = 2',
    );
    await old.close();
    const again = await openIn(directory);
    await again.commit(changeSet({ allowances: [allowanceRow()] }));
    const { sites, allowances } = await again.load();
    expect(sites[0]?.layout).toEqual({ ...former, allowance });
    expect(allowances).toEqual([allowanceRow()]);
    await again.close();
  });

  it('gives a database of version 3 room for gates that a layout takes away', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sites: [siteRow()], ledgers: [ledgerRow()] }));
    await store.close();
    const old = await openConnection(database());
    await old.exec(toVersion6);
    await old.exec(
      'ALTER TABLE sessions DROP COLUMN earlierExitDue; ALTER TABLE sites DROP COLUMN retiredGates; DROP INDEX reviews_resolved; PRAGMA user_version = 3',
    );
    await old.close();
    const again = await openIn(directory);
    expect((await again.load()).sites).toEqual([siteRow({ retiredGates: [] })]);
    await again.commit(changeSet({ sites: [siteRow({ version: 2 })] }));
    expect((await again.load()).sites).toEqual([siteRow({ version: 2 })]);
    await again.close();
  });

  it('tells a database of version 4 which sessions were opened while another of theirs was open', async () => {
    const [again, once] = [sessionRow(1), sessionRow(2)];
    const review = reviewRow(1, { kind: 'already-inside', sessionId: again.sessionId });
    const store = await openIn(directory);
    await store.commit(
      changeSet({ sites: [siteRow()], ledgers: [ledgerRow()], sessions: [again, once], reviews: [review] }),
    );
    await store.close();
    const old = await openConnection(database());
    await old.exec(toVersion6);
    await old.exec(
      'ALTER TABLE sessions DROP COLUMN earlierExitDue; DROP INDEX reviews_resolved; PRAGMA user_version = 4',
    );
    await old.close();
    const reopened = await openIn(directory);
    const due = (await reopened.load()).sessions.map(({ sessionId, earlierExitDue }) => [sessionId, earlierExitDue]);
    expect(Object.fromEntries(due)).toEqual({ [again.sessionId]: true, [once.sessionId]: false });
    await reopened.close();
  });

  it('loads what is inside through an index, however many sessions have ended', async () => {
    await (await openIn(directory)).close();
    const connection = await openConnection(database());
    for (const [table, where] of [
      ['sessions', `state IN ('open', 'uncertain')`],
      ['arrivals', `state IN ('open', 'frozen')`],
      ['reviews', 'resolvedAtMs IS NULL'],
      ['commands', `state = 'sent'`],
    ]) {
      const plan = await connection.all(`EXPLAIN QUERY PLAN SELECT * FROM ${table ?? ''} WHERE ${where ?? ''}`);
      expect(plan.map((row) => String(row.detail)).join()).toMatch(/USING (COVERING )?INDEX/);
    }
    await connection.close();
  });
});

async function countEvents(store: AggregatorStore): Promise<number> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<AggregatorStore['listEvents']>> = await store.listEvents({}, { limit: 500, cursor });
    count += page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== null);
  return count;
}

interface Writer {
  readonly process: ChildProcess;
  readonly lines: string[];
  kill(): Promise<void>;
}

function startWriter(path: string, from = 1): Writer {
  const processes = join(import.meta.dirname, '..', 'processes');
  const child = spawn(
    process.execPath,
    [
      ...['--import', join(processes, 'typescript.mjs'), '--conditions=gatehouse-source', '--no-warnings'],
      ...[join(processes, 'store-writer.ts'), path, String(from)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  children.push(child);
  const lines: string[] = [];
  let rest = '';
  child.stdout.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  return {
    process: child,
    lines,
    kill: () =>
      new Promise((resolve) => {
        child.on('close', () => {
          resolve();
        });
        child.kill('SIGKILL');
      }),
  };
}
