import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson, genesisHash, nextHash } from '@gatehouse/shared';
import { sha256, systemClock } from '@gatehouse/shared/node';
import sqlite3 from 'sqlite3';
import { createSqliteOutbox, inspectOutbox } from '../../src/adapters/sqlite-outbox/index.js';
import type { OutboxInspection } from '../../src/adapters/sqlite-outbox/index.js';
import type { OutboxEvent, OutboxStore } from '../../src/app/ports.js';
import { reportOutbox } from '../../src/compose-outbox.js';
import { edgeConfigurationSchema } from '../../src/configuration.js';
import { beginning, chain, codeOf, epochOne } from '../conformance/outbox-store.js';

describe('looking at an outbox', () => {
  let directory: string;
  let store: OutboxStore;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-outbox-'));
    store = createSqliteOutbox({ directory, sha256, clock: systemClock });
  });
  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  });

  const look = async (lastEvents = 0, maxFileBytes = 2 ** 30): Promise<OutboxInspection> => {
    const found = await inspectOutbox({ directory, sha256, lastEvents, maxFileBytes });
    if (found === null) throw new Error('there is no outbox');
    return found;
  };
  const filled = async (count: number): Promise<OutboxEvent[]> => {
    await store.open(epochOne);
    const events = chain(epochOne, undefined, count);
    await store.append({ events });
    return events;
  };

  it('finds nothing where there is none', async () => {
    expect(await inspectOutbox({ directory, sha256, lastEvents: 0, maxFileBytes: 1 })).toBeNull();
    expect(await readdir(directory)).toEqual([]);
  });

  it('tells what a running agent has stored, and leaves its directory as it was', async () => {
    const events = await filled(700);
    await store.acknowledge(3, 1);
    await store.append({ events: chain(epochOne, events.at(-1), 1) });
    await store.countLoss({ events: 2, entries: 1, exits: 0 });
    const names = await readdir(directory);
    const found = await look(2);
    expect(found).toMatchObject({ epoch: epochOne, oldest: 1, next: 702, acked: 3, unsentEvents: 698, problems: [] });
    expect(found).toMatchObject({ verifiedEvents: 701, lost: { events: 2, entries: 1, exits: 0 } });
    expect(found.lastEvents.map(({ seq }) => seq)).toEqual([700, 701]);
    expect(await readdir(directory)).toEqual(names);
    await store.append({ events: chain(epochOne, chain(epochOne, undefined, 701).at(-1), 1) });
    expect((await look()).next).toBe(703);
  });

  it('tells the same of an agent that was stopped', async () => {
    await filled(3);
    await store.close();
    expect(await look()).toMatchObject({ next: 4, verifiedEvents: 3, problems: [] });
  });

  it('goes on from the hash before the oldest event that is kept', async () => {
    await filled(10);
    await store.acknowledge(6, 1);
    await store.trim({ ackedBeforeMs: 2, maxBytes: Infinity, maxEvents: Infinity, maxRows: 100 });
    expect(await look()).toMatchObject({ oldest: 7, verifiedEvents: 4, unsentEvents: 4, problems: [] });
  });

  it.each([
    ['an event that was altered', `UPDATE event SET json = '{"kind":"test"}' WHERE seq = 2`, 'event 2 does not fit'],
    ['an event that is missing', 'DELETE FROM event WHERE seq = 2', 'event 2 is missing'],
    ['events missing at the end', 'DELETE FROM event WHERE seq >= 3', 'event 3 is missing'],
    ['another epoch', `UPDATE outbox SET epoch = '${'f'.repeat(32)}'`, 'does not begin with the hash of its epoch'],
    [
      'a head that says otherwise',
      `UPDATE outbox SET last_hash = '${'0'.repeat(64)}'`,
      'the head of the outbox disagree',
    ],
  ])('reports %s', async (_what, sql, problem) => {
    await filled(4);
    await store.close();
    await execute(join(directory, 'outbox.sqlite'), sql);
    expect((await look()).problems.join()).toContain(problem);
  });

  it('reports pages that were overwritten, and a file that is no database', async () => {
    await store.open(epochOne);
    await store.beginEpoch(epochOne, beginning([chain(epochOne, undefined, 200, 'z'.repeat(200))]));
    await store.close();
    const path = join(directory, 'outbox.sqlite');
    const bytes = await readFile(path);
    bytes.fill(0xa5, Math.floor(bytes.length / 3), Math.floor((2 * bytes.length) / 3));
    await writeFile(path, bytes);
    expect((await look()).problems).not.toEqual([]);
    await writeFile(path, 'this is not a database, however long it may be'.repeat(50));
    expect((await look()).problems).not.toEqual([]);
    expect((await readFile(path, 'utf8')).slice(0, 4)).toBe('this');
  });

  it('refuses a file above its bound, and takes one at it', async () => {
    await filled(1);
    await store.close();
    const { fileBytes } = await look();
    expect((await look(0, fileBytes)).fileBytes).toBe(fileBytes);
    expect(await codeOf(look(0, fileBytes - 1))).toBe('full');
  });

  describe('as a person sees it', () => {
    const report = (asJson: boolean, nowMs = 7_205_000) => {
      const gate = { gateId: 'entry', direction: 'entry', hasReader: true, barrier: { driver: 'simulated' } };
      const configuration = { siteId: 'north', edgeId: 'north-1', dataDir: directory, gates: [gate] };
      return reportOutbox(edgeConfigurationSchema.parse(configuration), { lastEvents: 5, asJson, nowMs });
    };
    const arrive = async (value: string): Promise<void> => {
      await store.open(epochOne);
      const event = { kind: 'vehicle-arrived', atMs: 5_000, credential: { kind: 'plate', value, source: 'camera' } };
      const hash = nextHash(sha256, genesisHash(sha256, epochOne), event);
      await store.append({ events: [{ seq: 1, hash, json: canonicalJson(event) }] });
    };

    it('shows no plate whole', async () => {
      await arrive('BXY4711');
      for (const asJson of [false, true]) {
        const { text, isDamaged } = await report(asJson);
        expect(isDamaged).toBe(false);
        expect(text).toContain('•••••11');
        expect(text).not.toContain('BXY');
      }
    });

    it('shows nothing of a short plate, and how long the oldest event waits', async () => {
      await arrive('AB12');
      const { text } = await report(false);
      expect(text).toContain('"value":"••••"');
      expect(text).toContain('unsent        1, the oldest since 2 h');
      expect(JSON.parse((await report(true)).text)).toMatchObject({ ok: true, oldestUnsentAgeMs: 7_200_000 });
    });

    it('says what is damaged', async () => {
      await arrive('AB12');
      await store.close();
      await execute(join(directory, 'outbox.sqlite'), `UPDATE event SET json = '{}'`);
      const { text, isDamaged } = await report(false);
      expect(isDamaged).toBe(true);
      expect(text).toContain('event 1 does not fit the hash chain');
    });

    it('says where there is no outbox yet', async () => {
      await expect(report(false)).rejects.toThrow('makes it at its first start');
    });
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
