import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { copyDatabase } from '../../src/adapters/store/sqlite/backup.js';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import type { AggregatorStore } from '../../src/app/ports.js';
import { changeSet, credentialRow, eventRow, ledgerRow } from '../conformance/rows.js';
import { until } from '../conformance/waiting.js';

// Real processes on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

describe('a copy of a database', () => {
  let parent: string;
  let directory: string;
  let to: string;
  let writer: ChildProcess | null = null;
  let store: AggregatorStore | null = null;

  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'gatehouse-copies-'));
    directory = join(parent, 'data');
    mkdirSync(join(parent, 'copies'));
    to = join(parent, 'copies', 'copy.db');
  });
  afterEach(async () => {
    writer?.kill('SIGKILL');
    await store?.close();
    await rm(parent, { recursive: true, force: true });
  });

  async function makeStore(): Promise<AggregatorStore> {
    store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
    await store.open();
    await store.commit(changeSet({ events: [eventRow(1)], ledgers: [ledgerRow({ count: 1 })] }));
    return store;
  }
  const copy = (request: { overwrite?: boolean; to?: string; check?: (file: string) => Promise<void> } = {}) =>
    copyDatabase({ directory, to, overwrite: false, check: () => Promise.resolve(), ...request });
  const failureOf = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'did not fail',
      (error: unknown) => (error as Error).message,
    );
  async function numbersIn(file: string): Promise<{ events: number; sessions: number; newest: number; count: number }> {
    const connection = await openConnection(file);
    const [row] = await connection.all(
      `SELECT (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM sessions) AS sessions,
        (SELECT max(seq) FROM events) AS newest, (SELECT max("count") FROM ledgers) AS "count"`,
    );
    await connection.close();
    return row as { events: number; sessions: number; newest: number; count: number };
  }

  it('holds one moment, whole, while another process goes on committing', async () => {
    const lines = startWriter();
    await until('the writer has stored something', () => lines().length > 20);
    const moments: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const before = Number(lines().at(-1));
      await copy({ overwrite: true });
      const { events, sessions, newest, count } = await numbersIn(to);
      expect({ events, sessions, newest }).toEqual({ events: count, sessions: count, newest: count });
      expect(count).toBeGreaterThanOrEqual(before);
      moments.push(count);
      await until('the writer goes on', () => Number(lines().at(-1)) > count);
    }
    expect(moments).toEqual([...new Set(moments)].sort((a, b) => a - b));
    expect(writer?.exitCode).toBeNull();
  });

  it('is for its owner alone, and nothing else is left beside it', async () => {
    await makeStore();
    await copy();
    expect(statSync(to).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(parent, 'copies'))).toEqual(['copy.db']);
  });

  it('is for its owner alone where it replaces one that was not', async () => {
    await makeStore();
    writeFileSync(to, 'older');
    chmodSync(to, 0o644);
    await copy({ overwrite: true });
    expect(statSync(to).mode & 0o777).toBe(0o600);
  });

  it('has no trace of the text of a plate that was erased', async () => {
    const open = await makeStore();
    await open.commit(changeSet({ credentials: [credentialRow(1, { value: 'ERASED7' })] }));
    await open.commit(changeSet({ erasedCredentials: [credentialRow(1).credentialId] }));
    await copy();
    expect(readFileSync(to).includes('ERASED7')).toBe(false);
  });

  it('does not take the place of a file, unless it is told to', async () => {
    await makeStore();
    writeFileSync(to, 'precious');
    expect(await failureOf(copy())).toBe(`${to} is there already: choose another name, or give --force`);
    expect(readFileSync(to, 'utf8')).toBe('precious');
    await copy({ overwrite: true });
    expect((await numbersIn(to)).events).toBe(1);
  });

  it('does not take the place of a file that came while it was made', async () => {
    await makeStore();
    const check = (): Promise<void> => {
      writeFileSync(to, 'precious');
      return Promise.resolve();
    };
    expect(await failureOf(copy({ check }))).toContain(to);
    expect(readFileSync(to, 'utf8')).toBe('precious');
    expect(readdirSync(join(parent, 'copies'))).toEqual(['copy.db']);
  });

  it('that is not as it should be never gets its name, and what was there stays', async () => {
    await makeStore();
    writeFileSync(to, 'older');
    const check = (): Promise<void> => Promise.reject(new Error('is wrong'));
    expect(await failureOf(copy({ check, overwrite: true }))).toBe('is wrong');
    expect(readFileSync(to, 'utf8')).toBe('older');
    expect(readdirSync(join(parent, 'copies'))).toEqual(['copy.db']);
  });

  it('is not made where it cannot be, and the reason is said', async () => {
    expect(await failureOf(copy())).toBe(
      `there is no ${join(directory, 'gatehouse.db')}: name the data directory with --config FILE or GATEHOUSE_DATA_DIR`,
    );
    expect(existsSync(directory)).toBe(false);
    await makeStore();
    const elsewhere = join(parent, 'nowhere', 'copy.db');
    expect(await failureOf(copy({ to: elsewhere }))).toBe(`there is no directory ${join(parent, 'nowhere')}`);
    expect(await failureOf(copy({ to: parent, overwrite: true }))).toBe(`${parent} is a directory: name a file in it`);
    for (const name of ['gatehouse.db', 'gatehouse.db-wal', 'gatehouse.lock']) {
      const own = join(directory, name);
      expect(await failureOf(copy({ to: own, overwrite: true }))).toContain('a name that the store itself uses');
    }
  });

  it('is not made of a database that is damaged', async () => {
    const open = await makeStore();
    await open.commit(changeSet({ events: Array.from({ length: 2000 }, (_, n) => eventRow(n + 1)) }));
    await open.close();
    const file = join(directory, 'gatehouse.db');
    const bytes = readFileSync(file);
    bytes.fill(0xaa, Math.floor(bytes.length / 8192) * 4096);
    writeFileSync(file, bytes);
    expect(await failureOf(copy())).toContain(`${file} cannot be backed up: it is damaged`);
    expect(readdirSync(join(parent, 'copies'))).toEqual([]);
  });

  function startWriter(): () => string[] {
    const processes = join(import.meta.dirname, '..', 'processes');
    const child = spawn(
      process.execPath,
      [
        ...['--import', join(processes, 'typescript.mjs'), '--conditions=gatehouse-source', '--no-warnings'],
        ...[join(processes, 'store-writer.ts'), directory],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
    );
    writer = child;
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    return () => text.split('\n').slice(1, -1);
  }
});
