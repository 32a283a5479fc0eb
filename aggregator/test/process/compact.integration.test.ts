import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { sha256, systemClock } from '@gatehouse/shared/node';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import type { SqliteStore } from '../../src/adapters/store/sqlite/index.js';
import type { AuditRow, StoredState } from '../../src/app/ports.js';
import { cutEntry, nextAuditRow } from '../../src/app/turn/audit-chain.js';
import { backUpStore, compactStore, verifyStore } from '../../src/compose-backup.js';
import { changeSet, cursorRow, eventRow, ledgerRow, sessionRow, siteRow } from '../conformance/rows.js';

// Databases on a disk that may be busy.
jest.setTimeout(60_000);

const eventCount = 5_000;

describe('a store that has become too large', () => {
  let parent: string;
  let directory: string;
  const opened: SqliteStore[] = [];

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'gatehouse-compact-'));
    directory = join(parent, 'data');
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    await rm(parent, { recursive: true, force: true });
  });
  const database = (): string => join(directory, 'gatehouse.db');
  const open = async (): Promise<SqliteStore> => {
    const store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
    opened.push(store);
    await store.open();
    return store;
  };
  /** A store of which most was deleted. */
  const makeLoose = async (audit: readonly AuditRow[] = []): Promise<StoredState> => {
    const store = await open();
    const events = Array.from({ length: eventCount }, (_, n) =>
      eventRow(n + 1, { receivedAtMs: n + 1, body: 'x'.repeat(1_000) }),
    );
    const last = events.at(-1);
    await store.commit(
      changeSet({
        sites: [siteRow({ retiredGates: [] })],
        ledgers: [ledgerRow({ recoveringEdges: [] })],
        sessions: [sessionRow(1)],
        cursors: [cursorRow({ upTo: last?.seq ?? 0, hash: last?.hash ?? '' })],
        events,
        audit: [...audit],
      }),
    );
    // What is deleted is looked for in the tables, which have everything when they have been asked.
    await store.load();
    while ((await store.prune('events', eventCount - 10, 500)) > 0);
    expect((await store.reading()).freeBytes).toBeGreaterThan(eventCount * 500);
    const state = await store.load();
    await store.close();
    return state;
  };

  it('is made small and has all it had', async () => {
    const before = await makeLoose();
    const sizeBytes = statSync(database()).size;
    // Of one that was killed.
    writeFileSync(join(directory, 'compacting.db'), 'half');
    const report = await compactStore({ dataDir: directory });
    expect(report).toEqual({ store: database(), beforeBytes: sizeBytes, afterBytes: statSync(database()).size });
    expect(report.afterBytes).toBeLessThan(sizeBytes / 4);
    expect(readdirSync(directory).filter((name) => name.includes('.db'))).toEqual(['gatehouse.db']);
    expect(statSync(database()).mode & 0o777).toBe(0o600);
    const store = await open();
    expect(await store.load()).toEqual(before);
    expect((await store.reading()).freeBytes).toBe(0);
    await store.commit(changeSet({ events: [eventRow(eventCount + 1)] }));
  });

  it('stays as it is while an aggregator has it', async () => {
    await makeLoose();
    await open();
    await expect(compactStore({ dataDir: directory })).rejects.toMatchObject({ code: 'in-use' });
  });

  it('stays as it is when something is wrong with it', async () => {
    await makeLoose();
    const connection = await openConnection(database());
    await connection.exec('DELETE FROM ledgers');
    await connection.close();
    const before = readFileSync(database());
    await expect(compactStore({ dataDir: directory })).rejects.toThrow(/the store stays as it is:\n.*has no ledger/);
    expect(readFileSync(database()).equals(before)).toBe(true);
    await expect(compactStore({ dataDir: join(parent, 'none') })).rejects.toThrow('there is no');
  });

  it('is sound, and so is its backup, when its audit log was cut, and not when entries went that none names', async () => {
    const rows: AuditRow[] = [];
    const append = (entry: Parameters<typeof nextAuditRow>[3]): void => {
      rows.push(nextAuditRow(sha256, rows.at(-1) ?? null, 1, entry));
    };
    const entry = { by: 'olga', action: 'test', siteId: null, target: null, reason: null, detail: {} };
    for (let n = 0; n < 5; n += 1) append(entry);
    append(cutEntry({ upTo: 3, hash: rows[2]?.hash ?? '', rows: 3, beforeMs: 0 }));
    await makeLoose(rows.slice(3));
    expect(await verifyStore(database())).toMatchObject({ sound: true, audit: { entries: 3 } });
    const backup = join(parent, 'backup.db');
    expect(await backUpStore({ dataDir: directory }, backup, false)).toMatchObject({ sound: true });
    const connection = await openConnection(database());
    await connection.exec('DELETE FROM audit WHERE auditId = 4');
    await connection.close();
    expect((await verifyStore(database())).problems).toEqual([
      'the audit log is broken: audit row 5: the rows before it are missing, and no row says that they went',
    ]);
  });
});
