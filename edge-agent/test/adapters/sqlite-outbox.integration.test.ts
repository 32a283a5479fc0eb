import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sha256, systemClock } from '@gatehouse/shared/node';
import sqlite3 from 'sqlite3';
import { createSqliteOutbox } from '../../src/adapters/sqlite-outbox/index.js';
import type { SqliteOutboxOptions } from '../../src/adapters/sqlite-outbox/index.js';
import { OutboxError } from '../../src/app/ports.js';
import type { OutboxStore } from '../../src/app/ports.js';
import { beginning, chain, codeOf, describeOutboxStore, epochOne, epochTwo } from '../conformance/outbox-store.js';

const create = (directory: string, more: Partial<SqliteOutboxOptions> = {}): OutboxStore =>
  createSqliteOutbox({ directory, sha256, clock: systemClock, busyTimeoutMs: 0, ...more });

/** Overwrites pages in the middle of the file. */
async function scribble(directory: string): Promise<void> {
  const path = join(directory, 'outbox.sqlite');
  const bytes = await readFile(path);
  bytes.fill(0xa5, Math.floor(bytes.length / 3), Math.floor((2 * bytes.length) / 3));
  await writeFile(path, bytes);
}

describeOutboxStore('SQLite', async () => {
  const root = await mkdtemp(join(tmpdir(), 'gatehouse-outbox-'));
  const directory = join(root, 'data');
  return {
    store: (bounds = {}) => create(directory, { bounds }),
    async storeAfterPowerCut() {
      // What is on the disk at this moment, as another machine would find it.
      const copy = join(root, 'copy');
      await cp(directory, copy, { recursive: true });
      return create(copy);
    },
    damage: () => scribble(directory),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});

describe('the SQLite outbox', () => {
  let directory: string;
  let store: OutboxStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-outbox-'));
    store = create(directory);
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const problemOf = async (opening: OutboxStore): Promise<string> => {
    try {
      await opening.open(epochTwo);
      return 'opened';
    } catch (error) {
      return error instanceof OutboxError ? `${error.code}: ${error.message}` : String(error);
    }
  };

  it('moves its log into the database when an acknowledgement has come, and not within a commit before', async () => {
    await store.open(epochOne);
    const path = join(directory, 'outbox.sqlite');
    const sizeAtFirst = (await stat(path)).size;
    const events = chain(epochOne, undefined, 450, 'z'.repeat(200));
    for (const event of events) await store.append({ events: [event], notes: new Map([['note', event.hash]]) });
    expect((await stat(path)).size).toBe(sizeAtFirst);
    await store.acknowledge(1, 1);
    const endAtMs = performance.now() + 10_000;
    while ((await stat(path)).size === sizeAtFirst && performance.now() < endAtMs) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect((await stat(path)).size).toBeGreaterThan(sizeAtFirst);
  });

  it('names the process that has it open', async () => {
    await store.open(epochOne);
    expect(await problemOf(create(directory))).toContain(`in use by process ${String(process.pid)}`);
  });

  it('refuses a database of a newer program and leaves it as it is', async () => {
    await store.open(epochOne);
    await store.close();
    const path = join(directory, 'outbox.sqlite');
    await execute(path, 'PRAGMA user_version = 99');
    const before = await readFile(path);
    expect(await problemOf(create(directory))).toMatch(/newer-database: .*version 99/);
    expect(await readFile(path)).toEqual(before);
  });

  it('sets a damaged file aside under a name with the time, and keeps only the newest few', async () => {
    for (let round = 0; round < 5; round += 1) {
      await store.open(epochOne);
      await store.beginEpoch(epochOne, beginning([chain(epochOne, undefined, 100, 'z'.repeat(200))]));
      await store.close();
      await scribble(directory);
      let now = 1_700_000_000_000 + round * 1_000;
      store = create(directory, { clock: { ...systemClock, wallMs: () => now++ }, keptDamagedFiles: 2 });
    }
    const aside = (await readdir(directory)).filter((name) => /\.damaged-.*Z$/.test(name));
    expect(aside).toHaveLength(2);
    expect(aside[0]).toMatch(/^outbox\.sqlite\.damaged-2023-11-14T22-13-\d\d-\d\d\dZ$/);
  });

  it('takes a file that is no database at all for damaged', async () => {
    await writeFile(join(directory, 'outbox.sqlite'), 'this is not a database, however long it may be'.repeat(50));
    expect((await store.open(epochOne)).damaged).toContain('kept aside');
  });

  it('says so when the events have vanished but the loss counter has not', async () => {
    await store.open(epochOne);
    await store.close();
    await rm(join(directory, 'outbox.sqlite'));
    store = create(directory);
    expect((await store.open(epochTwo)).damaged).toContain('missing');
  });

  it('does not report losses again when the database that accounted for them is gone', async () => {
    await store.open(epochOne);
    await store.countLoss({ events: 5, entries: 2, exits: 3 });
    await store.append({ events: chain(epochOne, undefined, 1), accountedLoss: { events: 4, entries: 2, exits: 2 } });
    await store.close();
    await rm(join(directory, 'outbox.sqlite'));
    store = create(directory);
    expect((await store.open(epochTwo)).lost).toEqual({ events: 1, entries: 0, exits: 1 });
  });

  it('survives a torn write of the loss counter', async () => {
    await store.open(epochOne);
    await store.countLoss({ events: 1, entries: 0, exits: 0 });
    await store.countLoss({ events: 1, entries: 0, exits: 0 });
    await store.close();
    const path = join(directory, 'outbox.lost');
    const bytes = await readFile(path);
    // The second count is in the first place, half written.
    bytes.fill(0, 100, 2_000);
    await writeFile(path, bytes);
    store = create(directory);
    expect((await store.open(epochTwo)).lost.events).toBe(1);
  });

  it('is full when the disk is, loses nothing of what was committed, and goes on when there is room', async () => {
    store = create(directory, { maxPages: 40 });
    await store.open(epochOne);
    const events = chain(epochOne, undefined, 2_000, 'w'.repeat(500));
    let committed = 0;
    let refused = 'resolved';
    while (refused === 'resolved' && committed < events.length) {
      refused = await codeOf(store.append({ events: events.slice(committed, committed + 10) }));
      if (refused === 'resolved') committed += 10;
    }
    expect(refused).toBe('full');
    expect(committed).toBeGreaterThan(0);
    // Counting a loss needs no room, and trimming makes some.
    await store.countLoss({ events: 10, entries: 1, exits: 0 });
    expect((await store.read(1, 10_000, 1_000_000_000)).length).toBe(committed);
    await store.acknowledge(committed, 1_000);
    await store.trim({ ackedBeforeMs: 2_000, maxBytes: 0, maxEvents: 0, maxRows: 50 });
    await store.append({ events: events.slice(committed, committed + 10) });
    await store.close();
    store = create(directory);
    expect(await store.open(epochTwo)).toMatchObject({ next: committed + 11, lost: { events: 10 } });
  });

  it('keeps the old epoch when the disk is full, or the power is cut, while a new one is being written', async () => {
    const copy = join(directory, 'copy');
    await mkdir(copy);
    store = create(directory, { maxPages: 60 });
    await store.open(epochOne);
    const old = chain(epochOne, undefined, 100, 'w'.repeat(500));
    await store.append({ events: old });
    const events = chain(epochTwo, undefined, 2_000, 'w'.repeat(500));
    let steps = 0;
    const code = await codeOf(
      store.beginEpoch(epochTwo, {
        next: async () => {
          steps += 1;
          // Far enough on that part of the transaction has left the cache.
          if (steps === 5) {
            for (const name of ['outbox.sqlite', 'outbox.sqlite-wal', 'outbox.lost']) {
              await cp(join(directory, name), join(copy, name));
            }
          }
          return events.slice((steps - 1) * 20, steps * 20);
        },
        notes: () => new Map(),
      }),
    );
    expect(code).toBe('full');
    expect(steps).toBeGreaterThan(5);
    expect(await store.read(1, 10_000, 1_000_000_000)).toEqual(old);
    await store.append({ events: chain(epochOne, old.at(-1), 1) });
    const after = create(copy);
    expect(await after.open(epochTwo)).toMatchObject({ epoch: epochOne, next: 101, damaged: null });
    await after.close();
  });

  it('checks the whole file after a read met damage, however large the file', async () => {
    await store.open(epochOne);
    await store.append({ events: chain(epochOne, undefined, 2_000, 'v'.repeat(300)) });
    await store.close();
    await scribble(directory);
    store = create(directory, { maxCheckedBytes: 0 });
    expect((await store.open(epochTwo)).damaged).toBeNull();
    expect(await codeOf(store.read(1, 10_000, 1_000_000_000))).toBe('damaged');
    await store.close();
    store = create(directory, { maxCheckedBytes: 0 });
    expect((await store.open(epochTwo)).damaged).toContain('kept aside');
  });

  it('names the data directory that cannot be written', async () => {
    const blocked = join(directory, 'blocked');
    await writeFile(blocked, '');
    expect(await problemOf(create(join(blocked, 'data')))).toMatch(/unwritable: the data directory .*blocked.data/);
  });
});

function execute(path: string, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(path);
    database.exec(sql, (error) => {
      database.close(() => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  });
}
