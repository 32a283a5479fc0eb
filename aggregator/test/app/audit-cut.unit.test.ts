import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { verifyAudit } from '../../src/app/operations/audit.js';
import type { AggregatorStore, AuditRow } from '../../src/app/ports.js';
import { cutEntry, maxCutRows, nextAuditRow } from '../../src/app/turn/audit-chain.js';
import { openWorld, siteId } from './support.js';
import type { World } from './support.js';

const dayMs = 86_400_000;

describe('an audit log that grows old', () => {
  /** Days go by quickly when little is looked at in them. */
  const settings = {
    tickIntervalMs: dayMs,
    edges: { stateIntervalMs: dayMs / 24 },
    commit: { retryMaxMs: dayMs / 24 },
    retention: { auditDays: 10, intervalMs: dayMs / 4 },
  };
  let world: World;
  afterEach(async () => {
    await world.aggregator.stop();
  });

  const act = (target: string): Promise<void> =>
    world.aggregator.committer.execute((turn) => {
      turn.audit({ by: 'olga', action: 'test', siteId, target, reason: null, detail: {} });
    });
  const log = async (): Promise<AuditRow[]> => (await world.store.listAudit({}, { limit: 500, cursor: null })).items;

  it('loses its oldest entries, says which, and still proves where it begins', async () => {
    world = await openWorld({ settings });
    for (let n = 1; n <= 5; n += 1) await act(`early ${String(n)}`);
    await world.advance(5 * dayMs);
    await act('late');
    const before = await log();
    await world.advance(6.5 * dayMs);
    const after = await log();
    expect(after.map(({ auditId, target }) => [auditId, target])).toEqual([
      [6, 'late'],
      [7, null],
    ]);
    expect(after[1]).toMatchObject({ by: 'retention', action: 'audit.cut' });
    expect(JSON.parse(after[1]?.detail ?? '')).toMatchObject({ upTo: 5, rows: 5, hash: before[4]?.hash });
    expect(await verifyAudit(world.store, sha256)).toMatchObject({ intact: true, entries: 2, removedUpTo: 5 });
    await act('goes on');
    expect(await verifyAudit(world.store, sha256)).toMatchObject({ intact: true, entries: 3 });
  });

  it('keeps them a day longer rather than write an entry for each', async () => {
    world = await openWorld({ settings });
    for (let n = 0; n < 40; n += 1) {
      await act(String(n));
      await world.advance(dayMs / 8);
    }
    await world.advance(30 * dayMs);
    const left = await log();
    // What is left of the entries are the cuts themselves: those of the last ten days.
    expect(left.every(({ action }) => action === 'audit.cut')).toBe(true);
    expect(left.length).toBeLessThanOrEqual(3);
    expect(await verifyAudit(world.store, sha256)).toMatchObject({ intact: true });
  });

  it('loses none when the entry that names them cannot be stored', async () => {
    world = await openWorld({ settings });
    for (let n = 1; n <= 3; n += 1) await act(String(n));
    await world.advance(10.99 * dayMs);
    world.store.failNextCommit('full', { times: 1_000_000 });
    await world.advance(dayMs / 4);
    expect((await log()).map(({ auditId }) => auditId)).toEqual([1, 2, 3]);
    expect(await verifyAudit(world.store, sha256)).toMatchObject({ intact: true, entries: 3 });
  });
});

/** A log of `count` entries, and one that tells of a cut after those of which `cuts` says so. */
function createLog(count: number, cuts: readonly { readonly after: number; readonly upTo: number }[]): AuditRow[] {
  const rows: AuditRow[] = [];
  const append = (entry: Parameters<typeof nextAuditRow>[3]): void => {
    rows.push(nextAuditRow(sha256, rows.at(-1) ?? null, rows.length, entry));
  };
  for (let n = 1; n <= count; n += 1) {
    append({ by: 'olga', action: 'test', siteId: null, target: String(n), reason: null, detail: {} });
    for (const { upTo } of cuts.filter(({ after }) => after === n)) {
      append(cutEntry({ upTo, hash: rows[upTo - 1]?.hash ?? '', rows: 1, beforeMs: 0 }));
    }
  }
  return rows;
}

function readerOf(rows: readonly AuditRow[]): Pick<AggregatorStore, 'listAudit'> {
  return {
    async listAudit(_filter, { limit, cursor }) {
      await Promise.resolve();
      const rest = rows.filter((row) => row.auditId > Number(cursor ?? 0));
      const items = rest.slice(0, limit);
      return { items, nextCursor: rest.length > items.length ? String(items.at(-1)?.auditId) : null };
    },
  };
}

describe('verifying a log that was cut', () => {
  const verify = (rows: readonly AuditRow[]) => verifyAudit(readerOf(rows), sha256);

  it('accepts it while the entries of the cut are going, one by one', async () => {
    const rows = createLog(30, [{ after: 25, upTo: 20 }]);
    for (let gone = 0; gone <= 20; gone += 1) {
      expect(await verify(rows.slice(gone))).toMatchObject({
        intact: true,
        entries: 31 - gone,
        removedUpTo: gone === 0 ? null : gone,
      });
    }
  });

  it('refuses one that begins later than any cut says', async () => {
    const rows = createLog(30, [{ after: 25, upTo: 20 }]);
    expect(await verify(rows.slice(21))).toMatchObject({
      intact: false,
      brokenAt: 22,
      problem: 'audit row 22: the rows before it are missing, and no row says that they went',
    });
    expect(await verify(createLog(30, []).slice(1))).toMatchObject({ intact: false, brokenAt: 2 });
  });

  it('refuses one whose cut names another hash', async () => {
    const rows = createLog(30, [{ after: 25, upTo: 20 }]);
    const forged = createLog(30, []).slice(0, 25);
    forged.push(
      nextAuditRow(
        sha256,
        forged.at(-1) ?? null,
        0,
        cutEntry({ upTo: 20, hash: 'f'.repeat(64), rows: 1, beforeMs: 0 }),
      ),
    );
    expect(await verify(rows.slice(20))).toMatchObject({ intact: true });
    for (const gone of [0, 10, 20]) {
      expect(await verify(forged.slice(gone))).toMatchObject({
        intact: false,
        brokenAt: 26,
        problem: 'audit row 26: the cut it tells of does not fit the rows that are left',
      });
    }
  });

  it('refuses a first entry that was changed, and one that follows others than those that went', async () => {
    const rows = createLog(30, [{ after: 25, upTo: 20 }]).slice(20);
    const [first, ...rest] = rows;
    if (first === undefined) throw new Error('no rows');
    expect(await verify([{ ...first, by: 'nobody' }, ...rest])).toMatchObject({ intact: false, brokenAt: 21 });
    const { hash: _, ...content } = { ...first, prevHash: 'e'.repeat(64) };
    const other = { ...content, hash: sha256(canonicalJson(content)) };
    expect(await verify([other, ...rest])).toMatchObject({ intact: false, brokenAt: 22 });
  });

  it('is not misled by a cut whose words are no cut', async () => {
    const rows = createLog(5, []).slice(2);
    const entry = { by: 'x', action: 'audit.cut', siteId: null, target: null, reason: null, detail: { upTo: 'two' } };
    expect(await verify([...rows, nextAuditRow(sha256, rows.at(-1) ?? null, 0, entry)])).toMatchObject({
      intact: false,
      brokenAt: 3,
    });
  });

  it('accepts what any number of cuts leave, and refuses it with any entry lost', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }), fc.nat(), async (steps, lost) => {
        let upTo = 0;
        let after = 0;
        const cuts = steps.map((step) => {
          after += step + 1;
          upTo = Math.min(after, upTo + step);
          return { after, upTo };
        });
        const rows = createLog(after + 5, cuts);
        const left = rows.slice(upTo);
        expect(await verify(left)).toMatchObject({ intact: true, removedUpTo: upTo === 0 ? null : upTo });
        const without = left.toSpliced(lost % (left.length - 1), 1);
        expect((await verify(without)).intact).toBe(false);
      }),
    );
  });

  it('reads a long log with a cut as long as any may be', async () => {
    const rows = createLog(3 * maxCutRows, [{ after: 2 * maxCutRows, upTo: maxCutRows }]);
    expect(await verify(rows)).toMatchObject({ intact: true, removedUpTo: null });
    expect(await verify(rows.slice(maxCutRows))).toMatchObject({ intact: true, removedUpTo: maxCutRows });
  });

  it('begins anew when what it was about to read has gone meanwhile, and not for ever', async () => {
    const rows = createLog(2_000, [{ after: 1_900, upTo: maxCutRows }]);
    let gone = 0;
    const going = (next: () => number): Pick<AggregatorStore, 'listAudit'> => ({
      async listAudit(filter, page) {
        const answer = await readerOf(rows.slice(gone)).listAudit(filter, page);
        gone = next();
        return answer;
      },
    });
    expect(
      await verifyAudit(
        going(() => maxCutRows),
        sha256,
      ),
    ).toMatchObject({ intact: true, removedUpTo: maxCutRows });
    gone = 0;
    let reads = 0;
    const always = going(() => {
      reads += 1;
      return gone + 600;
    });
    expect(await verifyAudit(always, sha256)).toMatchObject({ intact: false });
    expect(reads).toBeLessThan(50);
  });
});
