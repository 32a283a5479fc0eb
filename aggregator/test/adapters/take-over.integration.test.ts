import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import { defaultBounds } from '../../src/adapters/store/sqlite/table-writer.js';
import type { TableWriterBounds } from '../../src/adapters/store/sqlite/table-writer.js';
import type { ChangeSet } from '../../src/app/ports.js';
import {
  allowanceRow,
  arrivalRow,
  changeSet,
  credentialRow,
  cursorRow,
  eventRow,
  hexId,
  ledgerRow,
  noticeRow,
  reviewRow,
  sessionRow,
  siteRow,
  slotRow,
  vehicleRow,
} from '../conformance/rows.js';

jest.setTimeout(120_000);

/** Whatever was committed is taken over in one run, when the store is closed. */
const atOnce: TableWriterBounds = { ...defaultBounds, delayMs: 1_000_000_000 };
/** Each commit is taken over by itself. */
const oneByOne: TableWriterBounds = { ...defaultBounds, delayMs: 0, maxRunBytes: 1 };

/** What one change makes of the row `id` of a table: `n` tells its versions apart. */
const changes: Readonly<Record<string, (id: number, n: number) => Partial<ChangeSet>>> = {
  sites: (_id, n) => ({ sites: [siteRow({ version: n })] }),
  ledgers: (id, n) => ({ ledgers: [ledgerRow({ siteId: `site-${String(id)}`, count: n })] }),
  slots: (id, n) => ({
    slots: [slotRow({ slotId: `slot-${String(id)}`, rank: n, state: n % 2 ? 'free' : 'occupied' })],
  }),
  allowances: (id, n) => ({ allowances: [allowanceRow({ edgeId: `edge-${String(id)}`, version: n })] }),
  sessions: (id, n) => ({
    sessions: [
      sessionRow(id, n % 2 ? { state: 'closed', exitAtMs: n, slotId: null } : { slotId: `slot-${String(n)}` }),
    ],
  }),
  arrivals: (id, n) => ({
    arrivals: [
      arrivalRow(id, n % 2 ? { state: 'passed', endedAtMs: n, decision: null } : { gateId: `gate-${String(n)}` }),
    ],
  }),
  reviews: (id, n) => ({ reviews: [reviewRow(id, { resolvedAtMs: n % 2 ? n : null })] }),
  cursors: (id, n) => ({
    cursors: [cursorRow({ edgeId: `edge-${String(id)}`, upTo: n, clockOffsetMs: n % 2 ? null : n })],
  }),
  events: (id, n) => ({ events: [eventRow(n, { edgeId: `edge-${String(id)}`, body: `{"n":${String(n)}}` })] }),
  notices: (_id, n) => ({ notices: [noticeRow(n)] }),
  credentials: (id) => ({ credentials: [credentialRow(id)] }),
  vehicles: (id, n) => ({ vehicles: [vehicleRow(id, { holder: `Holder ${String(n)}`, updatedAtMs: n })] }),
  removedVehicles: (id) => ({ removedVehicles: [hexId(1000 + id)] }),
  removedSlots: (id) => ({ removedSlots: [{ siteId: 'site-a', slotId: `slot-${String(id)}` }] }),
  erasedCredentials: (id) => ({ erasedCredentials: [hexId(id)] }),
};

interface Change {
  readonly kind: string;
  readonly id: number;
}

/** Of several commits, each with some changes, every one a version of its own. */
function commitsOf(series: readonly (readonly Change[])[]): ChangeSet[] {
  let n = 0;
  return series.map((commit) => {
    const byRow = new Map(
      commit.map((change) => [`${change.kind} ${String(change.kind === 'sites' ? 0 : change.id)}`, change]),
    );
    const parts = [...byRow.values()].map(({ kind, id }) => {
      n += 1;
      return changes[kind]?.(id, n) ?? {};
    });
    const names = new Set(parts.flatMap((part) => Object.keys(part) as (keyof ChangeSet)[]));
    return changeSet(
      Object.fromEntries(
        [...names].map((name) => [name, parts.flatMap((part): readonly unknown[] => part[name] ?? [])]),
      ),
    );
  });
}

/** Everything in every table after these commits, in no order. */
async function tablesAfter(
  commits: readonly ChangeSet[],
  following: TableWriterBounds,
): Promise<Record<string, string[]>> {
  const directory = await mkdtemp(join(tmpdir(), 'gatehouse-take-over-'));
  try {
    const store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock, following });
    await store.open();
    for (const commit of commits) await store.commit(commit);
    await store.close();
    const connection = await openConnection(join(directory, 'gatehouse.db'));
    try {
      const names = await connection.all(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'commitPosition'`,
      );
      const found: Record<string, string[]> = {};
      for (const { name } of names) {
        const rows = await connection.all(`SELECT * FROM "${String(name)}"`);
        found[String(name)] = rows.map((row) => JSON.stringify(row)).sort();
      }
      return found;
    } finally {
      await connection.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

describe('a run of commits', () => {
  const change = (kinds: readonly string[]) =>
    fc.record({ kind: fc.constantFrom(...kinds), id: fc.integer({ min: 1, max: 3 }) });
  const isRemoval = (kind: string): boolean => /^(removed|erased)/.test(kind);

  it.each([
    ['of rows that come and change', Object.keys(changes).filter((kind) => !isRemoval(kind))],
    ['of rows that are taken away, too', Object.keys(changes)],
  ])('%s leaves in the tables what its commits leave one by one', async (_what, kinds) => {
    const series = fc.array(fc.array(change(kinds), { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(series, async (given) => {
        const commits = commitsOf(given);
        expect(await tablesAfter(commits, atOnce)).toEqual(await tablesAfter(commits, oneByOne));
      }),
      { numRuns: 30 },
    );
  });

  it('holds the last of what its commits made of a row', async () => {
    const commits = [1, 2, 3].map((n) =>
      changeSet({ cursors: [cursorRow({ upTo: n })], slots: [slotRow({ rank: 10 - n })] }),
    );
    const { cursors, slots } = await tablesAfter(commits, atOnce);
    expect(cursors).toEqual([expect.stringContaining('"upTo":3')]);
    expect(slots).toEqual([expect.stringContaining('"rank":7')]);
  });
});
