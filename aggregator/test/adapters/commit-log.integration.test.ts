import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { existsSync, statSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { copyDatabase } from '../../src/adapters/store/sqlite/backup.js';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import { textsOf } from '../../src/adapters/store/sqlite/change-texts.js';
import { closeStore, loadAhead, openStore } from '../../src/adapters/store/sqlite/open-store.js';
import { inspectDatabase } from '../../src/adapters/store/sqlite/inspect.js';
import { defaultBounds } from '../../src/adapters/store/sqlite/table-writer.js';
import type { TableWriterBounds } from '../../src/adapters/store/sqlite/table-writer.js';
import type { AggregatorStore, StoreError } from '../../src/app/ports.js';
import { changeSet, credentialRow, eventRow, hexId, idempotencyRow, sessionRow, siteRow } from '../conformance/rows.js';
import { until } from '../conformance/waiting.js';

jest.setTimeout(60_000);

const megabyte = 1024 * 1024;
/** The tables follow when they are asked, and never by themselves. */
const lazy: TableWriterBounds = { ...defaultBounds, delayMs: 1_000_000_000 };

let parent: string;
let directory: string;
let warnings: string[];
const opened: AggregatorStore[] = [];

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'gatehouse-log-'));
  directory = join(parent, 'data');
  warnings = [];
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  await rm(parent, { recursive: true, force: true });
});

const tablesOf = (of: string): string => join(of, 'gatehouse.db');
const logOf = (of: string): string => join(of, 'gatehouse.commits.db');

async function openIn(of: string, following = lazy): Promise<AggregatorStore> {
  const logger: Logger = {
    ...silentLogger,
    warn: (_fields: unknown, message?: string) => warnings.push(message ?? ''),
  };
  const store = createSqliteStore({ directory: of, logger, clock: systemClock, following });
  opened.push(store);
  await store.open();
  return store;
}

async function ask(file: string, sql: string): Promise<Record<string, unknown>[]> {
  const connection = await openConnection(file);
  try {
    return await connection.all(sql);
  } finally {
    await connection.close();
  }
}

async function change(file: string, sql: string): Promise<void> {
  const connection = await openConnection(file);
  try {
    await connection.exec(sql);
  } finally {
    await connection.close();
  }
}

const countOf = async (file: string, table: string): Promise<number> =>
  Number((await ask(file, `SELECT count(*) AS n FROM ${table}`))[0]?.n);

/** What the disk holds at this moment, while nothing is written: what a power cut or a kill leaves. */
async function cutPower(name = 'after'): Promise<string> {
  const after = join(parent, name);
  await cp(directory, after, { recursive: true });
  return after;
}

const sessionsIn = async (store: AggregatorStore): Promise<string[]> =>
  (await store.load()).sessions.map(({ sessionId }) => sessionId).sort();

describe('a commit', () => {
  it('is in the log when it is answered, and in the tables when they are asked', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    expect(await countOf(logOf(directory), 'commits')).toBe(1);
    expect(await countOf(tablesOf(directory), 'sessions')).toBe(0);
    expect(await store.getSession('site-a', hexId(1))).not.toBeNull();
    expect(await countOf(tablesOf(directory), 'sessions')).toBe(1);
  });

  it('says nothing there of what it does not touch', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    const [row = {}] = await ask(logOf(directory), 'SELECT * FROM commits');
    const said = Object.keys(row).filter((name) => row[name] !== null);
    expect(said.sort()).toEqual(['number', 'sessions']);
  });

  it('comes into the tables without being asked for, too', async () => {
    const store = await openIn(directory, defaultBounds);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    const connection = await openConnection(tablesOf(directory));
    let rows = 0;
    const look = setInterval(() => {
      void connection.all('SELECT count(*) AS n FROM sessions').then(([row]) => (rows = Number(row?.n)));
    }, 10);
    try {
      await until('it is in the tables', () => rows === 1);
    } finally {
      clearInterval(look);
      await connection.close();
    }
  });

  it('survives a kill: a start takes over what the tables lack, once', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sites: [siteRow()], sessions: [sessionRow(1)] }));
    await store.load();
    for (let n = 2; n <= 150; n += 1) await store.commit(changeSet({ sessions: [sessionRow(n)] }));
    await store.commit(changeSet({ sessions: [sessionRow(1, { state: 'closed', exitAtMs: 2, durationMs: 1 })] }));
    const after = await cutPower();
    expect(await countOf(tablesOf(after), 'sessions')).toBe(1);
    const again = await openIn(after);
    expect(await sessionsIn(again)).toHaveLength(149);
    await again.commit(changeSet({ sessions: [sessionRow(151)] }));
    await again.close();
    expect(await countOf(tablesOf(after), 'sessions')).toBe(151);
    expect(await sessionsIn(await openIn(after))).toHaveLength(150);
  });

  it('that was taken over before the kill is not taken over again', async () => {
    const store = await openIn(directory);
    for (let n = 1; n <= 5; n += 1) await store.commit(changeSet({ events: [eventRow(n)] }));
    const after = await cutPower();
    // As if the first two had been taken over, and had not left the log yet.
    await change(tablesOf(after), 'UPDATE commitPosition SET number = 2');
    const again = await openIn(after);
    const { items } = await again.listEvents({}, { limit: 10, cursor: null });
    expect(items.map(({ seq }) => seq)).toEqual([5, 4, 3]);
  });

  it('of which the log was begun and not finished is none', async () => {
    await (await openIn(directory)).close();
    await writeFile(logOf(directory), '');
    await writeFile(`${logOf(directory)}-wal`, '');
    const store = await openIn(directory);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    expect(await sessionsIn(store)).toEqual([hexId(1)]);
  });

  it('of an earlier program goes into the tables in the layout that it had', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sites: [siteRow()], sessions: [sessionRow(1)] }));
    const after = await cutPower();
    // As if `earlierExitDue` had come after that program, in the middle of the columns.
    const [row] = await ask(logOf(after), `SELECT columns FROM layout WHERE name = 'sessions'`);
    const columns = JSON.parse(String(row?.columns)) as string[];
    const place = columns.indexOf('earlierExitDue');
    await change(
      logOf(after),
      `UPDATE layout SET columns = '${JSON.stringify(columns.filter((name) => name !== 'earlierExitDue'))}' WHERE name = 'sessions';
       UPDATE commits SET sessions = json_remove(sessions, '$[0][${String(place)}]')`,
    );
    const { sessions } = await (await openIn(after)).load();
    expect(sessions).toEqual([sessionRow(1)]);
  });

  it('is refused before it is in the log when a row breaks a rule', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ credentials: [credentialRow(1)] }));
    const again = credentialRow(2, { value: credentialRow(1).value });
    await expect(store.commit(changeSet({ credentials: [again] }))).rejects.toMatchObject({ code: 'constraint' });
    await expect(store.commit(changeSet({ events: [eventRow(1, { seq: NaN })] }))).rejects.toMatchObject({
      code: 'constraint',
      message: 'events.seq must not be null',
    });
    expect(await countOf(logOf(directory), 'commits')).toBe(1);
  });
});

describe('what waits for the tables', () => {
  it('is found by its text, its id and its key, and what it erased is not', async () => {
    const store = await openIn(directory);
    const [first, second, third] = [1, 2, 3].map((n) => credentialRow(n));
    if (first === undefined || second === undefined || third === undefined) throw new Error('no rows');
    await store.commit(changeSet({ credentials: [first, second] }));
    await store.load();
    const renamed = { ...second, value: 'OTHER 2' };
    const answer = idempotencyRow();
    await store.commit(
      changeSet({ credentials: [third, renamed], erasedCredentials: [first.credentialId], idempotency: [answer] }),
    );
    expect(await store.findCredentials([first, second, third, third])).toEqual([third]);
    expect(await store.findCredentials([renamed])).toEqual([renamed]);
    expect(await store.getCredentials([1, 2, 3].map(hexId))).toEqual([renamed, third]);
    expect(await store.getIdempotency(answer.idempotencyKey)).toEqual(answer);
    const taken = { ...first, credentialId: hexId(4) };
    await store.commit(changeSet({ credentials: [taken] }));
    expect(await store.findCredentials([first])).toEqual([taken]);
    await store.load();
    expect(await store.findCredentials([first, second, renamed, third])).toEqual(
      expect.arrayContaining([taken, renamed, third]),
    );
    expect(await store.getCredentials([hexId(1)])).toEqual([]);
  });

  it('gives no text two ids, also one that was looked for before, and not found', async () => {
    const store = await openIn(directory);
    const [first, again] = [credentialRow(1), credentialRow(2, { value: credentialRow(1).value })];
    expect(await store.findCredentials([first])).toEqual([]);
    // Answered from before the commit, told after it.
    const looking = store.findCredentials([first]);
    await store.commit(changeSet({ credentials: [first] }));
    await looking;
    await expect(store.commit(changeSet({ credentials: [again] }))).rejects.toMatchObject({ code: 'constraint' });
    await store.load();
    await expect(store.commit(changeSet({ credentials: [again] }))).rejects.toMatchObject({ code: 'constraint' });
    expect(await store.findCredentials([first])).toEqual([first]);
  });

  it('keeps the text of a credential that it refers to', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ credentials: [credentialRow(1), credentialRow(2)] }));
    await store.load();
    await store.commit(changeSet({ events: [eventRow(1, { credentialId: hexId(1) })] }));
    expect(await store.pruneCredentials(null, 10, () => true)).toEqual({ deleted: 1, lastId: null });
    await store.load();
    expect(await store.getCredentials([hexId(1), hexId(2)])).toEqual([credentialRow(1)]);
  });

  it('holds no text that was erased for long', async () => {
    const store = await openIn(directory);
    const plate = credentialRow(1, { value: 'ERASEME99' });
    await store.commit(changeSet({ credentials: [plate] }));
    await store.commit(changeSet({ erasedCredentials: [hexId(1)] }));
    const connection = await openConnection(logOf(directory));
    let rows = -1;
    const look = setInterval(() => {
      void connection.all('SELECT count(*) AS n FROM commits').then(([row]) => (rows = Number(row?.n)));
    }, 10);
    try {
      await until('the log has let go of it', () => rows === 0);
    } finally {
      clearInterval(look);
      await connection.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      await connection.close();
    }
    expect((await readFile(logOf(directory))).includes('ERASEME99')).toBe(false);
  });

  it('holds no text that was erased in pages that were let go of before, either', async () => {
    const store = await openIn(directory);
    const plates = Array.from({ length: 100 }, (_, n) => credentialRow(n + 1, { value: `ERASEME99 ${String(n)}` }));
    const log = await openConnection(logOf(directory));
    const textsInLog = async (): Promise<boolean> => {
      await log.exec('PRAGMA wal_checkpoint(PASSIVE)');
      return (await readFile(logOf(directory))).includes('ERASEME99');
    };
    try {
      await store.commit(changeSet({ credentials: plates }));
      await store.load();
      // Lets go of the commit before it, whose pages are more than it needs.
      await store.commit(changeSet({ sessions: [sessionRow(1)] }));
      expect(await countOf(logOf(directory), 'commits')).toBe(1);
      expect(await textsInLog()).toBe(true);
      await store.commit(changeSet({ erasedCredentials: plates.map(({ credentialId }) => credentialId) }));
      const end = performance.now() + 30_000;
      while ((await textsInLog()) && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
      expect(await textsInLog()).toBe(false);
    } finally {
      await log.close();
    }
  });

  it('is in a backup, and is said to be there by whoever looks at the store', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sites: [siteRow()] }));
    await store.load();
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    await store.commit(changeSet({ sessions: [sessionRow(2)], erasedCredentials: [hexId(1)] }));
    const look = await inspectDatabase(tablesOf(directory));
    await look.close();
    const to = join(parent, 'backup.db');
    await copyDatabase({ directory, to, overwrite: false, check: () => Promise.resolve() });
    expect(await countOf(to, 'sessions')).toBe(2);
    expect((await readdir(parent)).sort()).toEqual(['backup.db', 'data']);
    const copy = await inspectDatabase(to);
    expect(copy.summary).toMatchObject({ sessions: 2, waitingCommits: 0 });
    await copy.close();
    // What was erased is taken over at once; whether before that look or after is chance.
    expect([0, 2]).toContain(look.summary.waitingCommits);
  });
});

describe('the log', () => {
  it('stays short under steady writing, and is gone when the store is closed', async () => {
    const store = await openIn(directory, { ...defaultBounds, delayMs: 1, maxWaitingBytes: 4 * megabyte });
    const events = (n: number) =>
      Array.from({ length: 50 }, (_, i) => eventRow(n * 50 + i + 1, { body: 'x'.repeat(1000) }));
    let longest = 0;
    for (let n = 0; n < 3_000; n += 1) {
      await store.commit(changeSet({ events: events(n) }));
      longest = Math.max(longest, statSync(logOf(directory)).size, statSync(`${logOf(directory)}-wal`).size);
    }
    // 240 MB in all; what may wait, what was taken over and has not left, and what the disk is behind with.
    expect(longest).toBeLessThan(80 * megabyte);
    await store.close();
    expect((await readdir(directory)).sort()).toEqual(['gatehouse.db', 'gatehouse.lock']);
  });

  it('is for its owner alone', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ credentials: [credentialRow(1)] }));
    for (const file of [logOf(directory), `${logOf(directory)}-wal`])
      expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('of another store is kept and not used', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    const after = await cutPower();
    await (await openIn(join(parent, 'other'))).close();
    for (const suffix of ['', '-wal', '-shm']) await rm(`${tablesOf(after)}${suffix}`, { force: true });
    await cp(tablesOf(join(parent, 'other')), tablesOf(after));
    expect(await sessionsIn(await openIn(after))).toEqual([]);
    expect(warnings).toEqual([
      'the log of commits is of another store, which was here before: it is kept and not used',
    ]);
    const kept = (await readdir(after)).filter((name) => name.includes('of-another-store') && !name.endsWith('-wal'));
    expect(kept).toHaveLength(1);
    expect(await countOf(join(after, kept[0] ?? ''), 'commits')).toBe(1);
  });

  it('that goes on from later than the tables are is kept and not used: they are an old copy', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    await store.load();
    const old = await cutPower('old');
    // The log lets go of what the tables have, and its first commit is a later one.
    for (let n = 2; n <= 4; n += 1) {
      await store.commit(changeSet({ sessions: [sessionRow(n)] }));
      await store.load();
    }
    await store.commit(changeSet({ sessions: [sessionRow(5)] }));
    const after = await cutPower();
    for (const suffix of ['', '-wal', '-shm']) await rm(`${tablesOf(after)}${suffix}`, { force: true });
    for (const suffix of ['', '-wal']) await cp(`${tablesOf(old)}${suffix}`, `${tablesOf(after)}${suffix}`);
    expect(await sessionsIn(await openIn(after))).toEqual([hexId(1)]);
    expect(warnings).toHaveLength(1);
  });

  it('that is damaged keeps the store from opening, and the message says what can be done', async () => {
    const store = await openIn(directory);
    for (let n = 1; n <= 3; n += 1) await store.commit(changeSet({ sessions: [sessionRow(n)] }));
    const after = await cutPower();
    await change(logOf(after), 'PRAGMA wal_checkpoint(TRUNCATE)');
    const bytes = await readFile(logOf(after));
    bytes.fill(0x55, 4096);
    await writeFile(logOf(after), bytes);
    const failure = await openIn(after).catch((error: unknown) => error as StoreError);
    expect(failure).toMatchObject({ code: 'damaged' });
    expect((failure as StoreError).message).toContain(`${logOf(after)}, which holds the last commits`);
    expect(existsSync(logOf(after))).toBe(true);
    await rm(logOf(after));
    expect(await sessionsIn(await openIn(after))).toEqual([]);
  });
});

describe('tables that cannot follow', () => {
  const obstacle = `CREATE TRIGGER obstacle BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'not now'); END`;

  it('keep nobody from committing or from reading lists, lose nothing, and follow when they can', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ events: [eventRow(1)] }));
    await store.load();
    await change(tablesOf(directory), obstacle);
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    await expect(store.getSession('site-a', hexId(1))).rejects.toMatchObject({ name: 'StoreError' });
    await store.commit(changeSet({ sessions: [sessionRow(2)], credentials: [credentialRow(1)] }));
    expect((await store.listEvents({}, { limit: 10, cursor: null })).items).toHaveLength(1);
    expect(await store.findCredentials([credentialRow(1)])).toHaveLength(1);
    await store.close();
    expect(existsSync(logOf(directory))).toBe(true);
    await expect(openIn(directory)).rejects.toMatchObject({ code: 'constraint' });
    expect(existsSync(logOf(directory))).toBe(true);
    await change(tablesOf(directory), 'DROP TRIGGER obstacle');
    expect(await sessionsIn(await openIn(directory))).toEqual([hexId(1), hexId(2)]);
  });

  it('keep people from committing when too much waits, and what was answered is there later', async () => {
    const store = await openIn(directory, { ...lazy, maxWaitingBytes: 64 * 1024 });
    await change(tablesOf(directory), obstacle);
    let committed = 0;
    const refusal = await (async () => {
      for (let n = 1; n <= 100; n += 1) {
        await store.commit(changeSet({ sessions: [sessionRow(n)] }));
        committed = n;
      }
    })().catch((error: unknown) => error as StoreError);
    // Not `constraint`: it is not about what was to be committed.
    expect(refusal).toMatchObject({ name: 'StoreError', code: 'io' });
    expect(committed).toBeGreaterThan(1);
    await change(tablesOf(directory), 'DROP TRIGGER obstacle');
    expect(await sessionsIn(store)).toHaveLength(committed);
    await store.commit(changeSet({ sessions: [sessionRow(200)] }));
  });

  it('are not waited for by the deletion of credentials, which turns wait for', async () => {
    const store = await openIn(directory);
    await store.commit(changeSet({ credentials: [credentialRow(1), credentialRow(2)] }));
    await store.load();
    await store.commit(changeSet({ sessions: [sessionRow(1)] }));
    const other = await openConnection(tablesOf(directory));
    await other.exec('BEGIN IMMEDIATE');
    let hasLoaded = false;
    const loading = store.load().then(() => (hasLoaded = true));
    expect(await store.pruneCredentials(hexId(1), 10, () => true)).toEqual({ deleted: 0, lastId: hexId(1) });
    expect(hasLoaded).toBe(false);
    await other.exec('ROLLBACK');
    await other.close();
    await loading;
    expect(await store.pruneCredentials(hexId(1), 10, () => true)).toEqual({ deleted: 1, lastId: null });
  });

  it('are read as they will be when they have followed, and are as they were after that', async () => {
    const options = { directory, logger: silentLogger, clock: systemClock, following: lazy };
    const open = await openStore(directory, tablesOf(directory), options);
    try {
      await open.log.append(1, textsOf(changeSet({ sessions: [sessionRow(1)] })), 0);
      open.committed = 1;
      expect((await loadAhead(open)).sessions).toEqual([sessionRow(1)]);
      expect(await countOf(tablesOf(directory), 'sessions')).toBe(0);
      open.tables.onAppended(1, 1);
      await open.tables.catchUp();
      expect(await countOf(tablesOf(directory), 'sessions')).toBe(1);
    } finally {
      await closeStore(open, directory);
    }
  });
});
