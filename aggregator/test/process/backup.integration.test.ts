import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { appendFileSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { sha256, systemClock } from '@gatehouse/shared/node';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import { databaseVersion } from '../../src/adapters/store/sqlite/migrations.js';
import type { AggregatorStore, StoredState } from '../../src/app/ports.js';
import { nextAuditRow } from '../../src/app/turn/audit-chain.js';
import { backUpStore, restoreStore, verifyStore } from '../../src/compose-backup.js';
import { readConfiguration } from '../../src/configuration.js';
import type { Configuration } from '../../src/configuration.js';
import {
  allowanceRow,
  changeSet,
  cursorRow,
  edgeRow,
  eventRow,
  hexId,
  ledgerRow,
  sessionRow,
  siteRow,
  slotRow,
} from '../conformance/rows.js';
import { toVersion6 } from '../adapters/earlier-versions.js';

// Databases on a disk that may be busy.
jest.setTimeout(60_000);

describe('backup and restore', () => {
  let parent: string;
  let directory: string;
  let backup: string;
  let configuration: Configuration;
  const opened: AggregatorStore[] = [];

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'gatehouse-backup-'));
    directory = join(parent, 'data');
    backup = join(parent, 'backup.db');
    configuration = readConfiguration(undefined, { GATEHOUSE_DATA_DIR: directory });
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await rm(parent, { recursive: true, force: true });
  });
  const storePath = (): string => join(directory, 'gatehouse.db');
  const names = (): string[] => readdirSync(directory).filter((name) => name.includes('.db'));

  async function open(path = directory): Promise<AggregatorStore> {
    const store = createSqliteStore({ directory: path, logger: silentLogger, clock: systemClock });
    opened.push(store);
    await store.open();
    return store;
  }

  /** One site with a slot that a session is in, and an entry whose edge has written `events` events. */
  async function makeStore(events = 3): Promise<AggregatorStore> {
    const store = await open();
    const { layout } = siteRow();
    const gates = [{ gateId: 'in', edgeId: 'edge-1', name: 'In', direction: 'entry' as const, nearestZones: [] }];
    const first = nextAuditRow(sha256, null, 1, auditEntry('layout.put'));
    const last = eventRow(events);
    await store.commit(
      changeSet({
        sites: [siteRow({ layout: { ...layout, gates }, retiredGates: [] })],
        ledgers: [ledgerRow({ count: 1, recoveringEdges: [] })],
        slots: [slotRow({ state: 'occupied', sessionId: hexId(1) })],
        sessions: [sessionRow(1, { slotId: 'slot-1' }), sessionRow(2, { state: 'closed' })],
        edges: [edgeRow()],
        allowances: [allowanceRow({ slotIds: [], mustReport: false, settled: true })],
        cursors: [cursorRow({ upTo: last.seq, hash: last.hash })],
        events: Array.from({ length: events }, (_, n) => eventRow(n + 1)),
        audit: [first, nextAuditRow(sha256, first, 2, auditEntry('edge.register'))],
      }),
    );
    return store;
  }
  const auditEntry = (action: string) => ({
    by: 'admin',
    action,
    siteId: 'site-a',
    target: null,
    reason: null,
    detail: {},
  });
  async function change(file: string, sql: string): Promise<void> {
    const connection = await openConnection(file);
    await connection.exec(sql);
    await connection.close();
  }
  const failureOf = (work: Promise<unknown>): Promise<Error> =>
    work.then(
      () => new Error('did not fail'),
      (error: unknown) => error as Error,
    );
  /** What the aggregator would start with. */
  async function loaded(): Promise<StoredState> {
    const store = await open();
    const state = await store.load();
    await store.close();
    return state;
  }

  it('a backup says what it holds', async () => {
    const store = await makeStore();
    const report = await backUpStore(configuration, backup, false);
    expect(report).toMatchObject({ file: backup, sound: true, problems: [], version: databaseVersion });
    expect(report).toMatchObject({ sites: 1, edges: 1, sessionsInside: 1, sessions: 2, events: 3 });
    expect(report).toMatchObject({ newestEventAtMs: 30, sizeBytes: statSync(backup).size });
    const { lastAudit } = await store.load();
    expect(report.audit).toEqual({ entries: 2, lastHash: lastAudit?.hash });
  });

  describe('verifying finds', () => {
    const shared = `UPDATE slots SET sessionId = '${hexId(9)}'`;
    const contradictions = [
      ['a slot that nobody is in', shared, 'slot slot-1 of site-a is occupied by no session that is inside'],
      [
        'a session in a slot of another',
        shared,
        `session ${hexId(1)} of site-a says it is in a slot that another one has`,
      ],
      [
        'two sessions in one slot',
        `UPDATE sessions SET state = 'open', slotId = 'slot-1'`,
        `session ${hexId(2)} of site-a`,
      ],
      ['a slot held for nobody', `UPDATE slots SET state = 'held', heldBy = NULL`, 'is set aside for nobody'],
      ['events beyond the cursor', 'UPDATE cursors SET upTo = 2', 'edge edge-1 has events beyond its cursor'],
      ['a cursor of another history', `UPDATE cursors SET hash = 'b'`, 'edge edge-1 has a cursor whose hash'],
      [
        'an audit row that was changed',
        `UPDATE audit SET "by" = 'nobody' WHERE auditId = 2`,
        'audit row 2: its content was changed',
      ],
      [
        'an audit row that is missing',
        'DELETE FROM audit WHERE auditId = 1',
        'the rows before it are missing, and no row says that they went',
      ],
    ];
    it.each(contradictions)(
      '%s; the backup is made all the same, and restored by who says so',
      async (_what, sql, problem) => {
        await (await makeStore()).close();
        await change(storePath(), sql);
        const report = await backUpStore(configuration, backup, false);
        expect(report).toMatchObject({ sound: false, usable: true });
        expect(report.problems.join('\n')).toContain(problem);
        expect(await verifyStore(storePath())).toMatchObject({ sound: false, usable: true, problems: report.problems });
        const failure = await failureOf(restoreStore(configuration, backup));
        expect(failure).toMatchObject({ name: 'UnsoundStoreError' });
        expect(failure.message).toContain('without --accept-problems');
        expect(failure.message).toContain(problem);
        expect((await restoreStore(configuration, backup, true)).backup.problems).toEqual(report.problems);
        expect((await loaded()).ledgers).toMatchObject([{ recoveringEdges: ['edge-1'] }]);
      },
    );

    it.each([
      ['a site without a ledger', 'DELETE FROM ledgers', 'site site-a has no ledger'],
      ['a column that is missing', 'ALTER TABLE commands DROP COLUMN detail', 'table commands has no column detail'],
      ['what cannot be loaded', `UPDATE sites SET layout = '{'`, 'the aggregator could not load it'],
      ['another program’s database', 'PRAGMA application_id = 7', 'it is a database of another program'],
    ])('%s; no backup is made of it', async (_what, sql, problem) => {
      await (await makeStore()).close();
      await change(storePath(), sql);
      const report = await verifyStore(storePath());
      expect(report).toMatchObject({ sound: false, usable: false });
      expect(report.problems.join('\n')).toContain(problem);
      const failure = await failureOf(backUpStore(configuration, backup, false));
      expect(failure.message).toContain('the store cannot be backed up as it is');
      expect(failure.message).toContain(problem);
    });

    it('pages that were overwritten, also where nobody would look for years', async () => {
      await (await makeStore(2000)).close();
      const connection = await openConnection(storePath());
      const [root] = await connection.all("SELECT rootpage FROM sqlite_schema WHERE name = 'events_kind'");
      await connection.close();
      const bytes = readFileSync(storePath());
      bytes.fill(0, (Number(root?.rootpage) - 1) * 4096, Number(root?.rootpage) * 4096);
      writeFileSync(storePath(), bytes);
      const report = await verifyStore(storePath());
      expect(report.problems.length).toBeGreaterThan(0);
      expect(report.problems.every((problem) => problem.includes('the file is damaged'))).toBe(true);
    });

    it('at most twenty problems by name', async () => {
      const store = await makeStore();
      const nobody = Array.from({ length: 30 }, (_, n) => slotRow({ slotId: `s-${String(n)}`, state: 'occupied' }));
      await store.commit(changeSet({ slots: nobody }));
      await store.close();
      const { problems } = await verifyStore(storePath());
      expect(problems).toHaveLength(21);
      expect(problems.at(-1)).toBe('and more');
    });

    it('nothing in a store that is in use, and changes nothing', async () => {
      const store = await makeStore();
      await store.load();
      const before = readFileSync(storePath());
      expect(await verifyStore(storePath())).toMatchObject({ sound: true, sessionsInside: 1, waitingCommits: 0 });
      expect(readFileSync(storePath()).equals(before)).toBe(true);
    });

    it('files that are no databases', async () => {
      writeFileSync(backup, 'this is not a database, but it is long enough to look at '.repeat(100));
      expect((await verifyStore(backup)).problems).toEqual(['it is not a database']);
      writeFileSync(backup, '');
      expect((await verifyStore(backup)).problems).toEqual(['it is empty or not a store of Gatehouse']);
      expect((await failureOf(verifyStore(parent))).message).toBe(`${parent} is not a file`);
      expect((await failureOf(verifyStore(join(parent, 'none')))).message).toContain('cannot be read');
    });
  });

  describe('a restore', () => {
    it('puts the backup in the place of the store, which is kept', async () => {
      const store = await makeStore();
      await backUpStore(configuration, backup, false);
      await store.commit(
        changeSet({ events: [eventRow(4)], cursors: [cursorRow({ upTo: 4, hash: eventRow(4).hash })] }),
      );
      await store.close();
      const { replaced, store: path } = await restoreStore(configuration, backup);
      expect(path).toBe(storePath());
      expect(await verifyStore(storePath())).toMatchObject({ sound: true, events: 3 });
      expect(await verifyStore(replaced ?? '')).toMatchObject({ sound: true, events: 4 });
      expect(replaced).toMatch(/gatehouse\.db\.replaced-\d{4}-\d\d-\d\dT[\d-]+Z$/);
      expect(statSync(storePath()).mode & 0o777).toBe(0o600);
      expect(readdirSync(directory)).not.toContain('restoring');
    });

    it('leaves every site recovering before any edge is heard, and says so in the audit log and in a review', async () => {
      await (await makeStore()).close();
      await backUpStore(configuration, backup, false);
      await restoreStore(configuration, backup);
      const { ledgers, allowances, reviews } = await loaded();
      expect(ledgers).toMatchObject([{ siteId: 'site-a', recoveringEdges: ['edge-1'] }]);
      expect(allowances).toMatchObject([{ edgeId: 'edge-1', mustReport: true }]);
      expect(reviews).toMatchObject([{ kind: 'store-restored', edgeId: null }]);
      const store = await open();
      const last = (await store.listAudit({}, { limit: 10, cursor: null })).items.find(({ auditId }) => auditId === 3);
      expect(last).toMatchObject({ auditId: 3, action: 'store.restore', reason: 'restored from backup.db' });
      expect(JSON.parse(last?.detail ?? '')).toEqual({ newestEventAtMs: 30 });
    });

    it('works where there was no store, and again after that', async () => {
      await (await makeStore()).close();
      await backUpStore(configuration, backup, false);
      const elsewhere = readConfiguration(undefined, { GATEHOUSE_DATA_DIR: join(parent, 'a', 'new', 'machine') });
      expect((await restoreStore(elsewhere, backup)).replaced).toBeNull();
      const again = await restoreStore(elsewhere, backup);
      expect(again.replaced).not.toBeNull();
      // The one that was replaced is a backup like any other.
      expect((await restoreStore(elsewhere, again.replaced ?? '')).backup.events).toBe(3);
    });

    it('brings a backup of an earlier version to this one', async () => {
      await (await makeStore()).close();
      await change(
        storePath(),
        `${toVersion6}; ALTER TABLE sessions DROP COLUMN earlierExitDue; DROP INDEX reviews_resolved; PRAGMA user_version = 4`,
      );
      expect(await backUpStore(configuration, backup, false)).toMatchObject({ sound: true, version: 4, sessions: 2 });
      const { backup: report } = await restoreStore(configuration, backup);
      expect(report.version).toBe(4);
      expect(await verifyStore(storePath())).toMatchObject({ sound: true, version: databaseVersion, sessions: 2 });
    });

    it('takes the last commits of a store that was killed with it when it keeps that', async () => {
      const store = await makeStore();
      await backUpStore(configuration, backup, false);
      await store.commit(changeSet({ sessions: [sessionRow(3)] }));
      const killed = join(parent, 'killed');
      mkdirSync(killed);
      for (const name of names()) copyFileSync(join(directory, name), join(killed, name));
      expect(readdirSync(killed)).toContain('gatehouse.db-wal');
      const { replaced } = await restoreStore({ ...configuration, dataDir: killed }, backup);
      expect(await verifyStore(replaced ?? '')).toMatchObject({ sound: true, sessions: 3 });
      expect(await verifyStore(join(killed, 'gatehouse.db'))).toMatchObject({ sound: true, sessions: 2 });
    });

    it('replaces a store that is damaged, log and all, and keeps both', async () => {
      await (await makeStore()).close();
      await backUpStore(configuration, backup, false);
      writeFileSync(storePath(), 'damaged '.repeat(1000));
      writeFileSync(`${storePath()}-wal`, 'so is its log');
      const { replaced } = await restoreStore(configuration, backup);
      expect(readFileSync(replaced ?? '', 'utf8')).toContain('damaged damaged');
      expect(readFileSync(`${replaced ?? ''}-wal`, 'utf8')).toBe('so is its log');
      expect((await loaded()).sessions).toHaveLength(1);
    });

    it('is refused while an aggregator has the store, naming it, and changes nothing', async () => {
      await makeStore();
      await backUpStore(configuration, backup, false);
      const before = readdirSync(directory);
      const failure = await failureOf(restoreStore(configuration, backup));
      expect(failure).toMatchObject({ name: 'StoreError', code: 'in-use' });
      expect(failure.message).toContain(`process ${String(process.pid)}`);
      expect(readdirSync(directory)).toEqual(before);
    });

    describe('refuses, and leaves the store as it was,', () => {
      beforeEach(async () => {
        await (await makeStore(2000)).close();
        await backUpStore(configuration, backup, false);
      });
      const refusal = async (): Promise<string> => {
        const before = readFileSync(storePath());
        const namesBefore = names();
        const failure = await failureOf(restoreStore(configuration, backup));
        expect(failure.name).toBe('UnsoundStoreError');
        expect(readFileSync(storePath()).equals(before)).toBe(true);
        expect(names()).toEqual(namesBefore);
        await (await open()).close();
        return failure.message;
      };

      it('a damaged backup', async () => {
        const bytes = readFileSync(backup);
        bytes.fill(0xaa, Math.floor(bytes.length / 8192) * 4096);
        writeFileSync(backup, bytes);
        expect(await refusal()).toContain('the file is damaged');
      });

      it('a backup that was cut off', async () => {
        writeFileSync(backup, readFileSync(backup).subarray(0, 8192));
        expect(await refusal()).toContain('the file is damaged');
      });

      it('a backup of a newer version, naming both versions', async () => {
        await change(backup, 'PRAGMA user_version = 99');
        const message = await refusal();
        expect(message).toContain('version 99');
        expect(message).toContain(`up to ${String(databaseVersion)}`);
      });

      it('a backup whose audit log was tampered with', async () => {
        await change(backup, `UPDATE audit SET reason = 'better' WHERE auditId = 1`);
        expect(await refusal()).toContain('the audit log is broken');
      });

      it('a store in use that somebody took for a backup', async () => {
        appendFileSync(`${backup}-wal`, 'commits');
        expect(await refusal()).toContain('it is a store, not a backup');
      });
    });
  });
});
