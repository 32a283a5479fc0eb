import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import type { VirtualClock } from '@gatehouse/shared';
import type { PrunableKind } from '../../src/app/ports.js';
import { createRetention } from '../../src/app/retention.js';
import type { Retention, RetentionPorts } from '../../src/app/retention.js';
import { aggregatorSettingsSchema } from '../../src/app/settings.js';
import type { AuditCut } from '../../src/app/turn/audit-chain.js';

const dayMs = 86_400_000;
const nowMs = 10_000 * dayMs;

interface Bench {
  readonly clock: VirtualClock;
  readonly retention: Retention;
  /** Every step in order: what, how many rows it was allowed, when it began and how long it took. */
  readonly steps: { name: string; maxRows: number; atMs: number; durationMs: number }[];
  /** Old rows left, by kind. */
  readonly old: Map<string, number>;
  readonly cuts: { cut: AuditCut; onEnd: (isStored: boolean) => void }[];
  /** Steps one after the other until there is nothing to do now, as the turn loop does it when nobody waits. */
  drain(): Promise<void>;
  /** Goes on for so long, with a step whenever one is ready. */
  run(durationMs: number): Promise<void>;
}

/** A store where a step takes `flushMs`, and `rowMs` for each row; steps move the clock on. */
function setUp(retention: object = {}, { flushMs = 1, rowMs = 0.02, failing = '' } = {}): Bench {
  const clock = createVirtualClock({ wallMs: nowMs });
  const steps: Bench['steps'] = [];
  const old = new Map<string, number>();
  const cuts: Bench['cuts'] = [];
  let isReady = false;

  const work = async (name: string, maxRows: number, rows: number): Promise<void> => {
    const durationMs = rows === 0 ? 0.1 : flushMs + rows * rowMs;
    steps.push({ name, maxRows, atMs: clock.monoMs(), durationMs });
    clock.advance(durationMs);
    await Promise.resolve();
    if (name === failing) throw new Error('the disk');
  };
  const remove = async (name: string, maxRows: number): Promise<number> => {
    const left = old.get(name) ?? 0;
    const rows = Math.min(left, maxRows);
    old.set(name, left - rows);
    await work(name, maxRows, rows);
    return rows;
  };
  const store: RetentionPorts['store'] = {
    prune: (kind: PrunableKind, _beforeMs, maxRows) => remove(kind, maxRows),
    pruneAudit: (_upTo, maxRows) => remove('audit', maxRows),
    async findOldAudit() {
      await work('find-audit', 0, 0);
      const rows = old.get('audit') ?? 0;
      return rows === 0 ? null : { rows: Math.min(rows, 1_000), firstAtMs: 0, upTo: rows, hash: 'h' };
    },
    async pruneCredentials(afterId, maxRows) {
      await work('credentials', maxRows, maxRows);
      const lookedAt = Number(afterId ?? 0) + maxRows;
      return { deleted: 0, lastId: lookedAt < (old.get('credentials') ?? 0) ? String(lookedAt) : null };
    },
  };
  const settings = aggregatorSettingsSchema.parse({ retention }).retention;
  const subject = createRetention(settings, {
    store,
    clock,
    linkClock: clock,
    logger: silentLogger,
    letCredentialGo: () => true,
    recordCut: (cut, onEnd) => cuts.push({ cut, onEnd }),
    onReady: () => (isReady = true),
  });
  const drain = async (): Promise<void> => {
    isReady = false;
    for (let step = subject.step(); step !== null; step = subject.step()) await step.ended;
  };
  return {
    clock,
    retention: subject,
    steps,
    old,
    cuts,
    drain,
    async run(durationMs) {
      await drain();
      const endMs = clock.monoMs() + durationMs;
      while (clock.nextDueMonoMs !== undefined && clock.nextDueMonoMs <= endMs) {
        clock.advance(clock.nextDueMonoMs - clock.monoMs());
        if (isReady) await drain();
      }
    },
  };
}

const kinds = ['sessions', 'events', 'arrivals', 'reviews', 'quarantine', 'notices', 'commands', 'idempotency'];

describe('retention', () => {
  it('looks at every kind in a round, and at nothing before the next', async () => {
    const bench = setUp();
    await bench.run(1_000);
    expect(bench.steps).toEqual([]);
    bench.retention.begin();
    await bench.run(1_000);
    expect(bench.steps.map(({ name }) => name)).toEqual([...kinds, 'find-audit', 'credentials']);
    await bench.run(10_000);
    expect(bench.steps).toHaveLength(kinds.length + 2);
  });

  it('makes steps as long as they may be, and none longer than that for long', async () => {
    const bench = setUp({ stepMs: 5 });
    bench.old.set('events', 100_000);
    bench.retention.begin();
    await bench.run(60_000);
    const deleting = bench.steps.filter(({ name, maxRows }) => name === 'events' && maxRows > 0);
    expect(Math.max(...deleting.map(({ durationMs }) => durationMs))).toBeLessThanOrEqual(5.05);
    expect(deleting.at(-2)?.durationMs).toBeGreaterThan(4);
    expect(bench.old.get('events')).toBe(0);
  });

  it('makes them half as long again as commits where the disk is slow', async () => {
    const bench = setUp({ stepMs: 5 }, { flushMs: 30, rowMs: 0.5 });
    for (let commit = 0; commit < 100; commit += 1) bench.retention.onCommit(30);
    bench.old.set('events', 2_000);
    bench.retention.begin();
    await bench.run(60_000);
    const settled = bench.steps.filter(({ name }) => name === 'events').slice(10, -1);
    expect(Math.max(...settled.map(({ durationMs }) => durationMs))).toBeLessThanOrEqual(45.1);
    expect(Math.min(...settled.map(({ durationMs }) => durationMs))).toBeGreaterThan(40);
  });

  it('keeps turns out while texts of credentials go, and at no other time', async () => {
    const bench = setUp();
    bench.old.set('credentials', 1_000_000);
    const apart: string[] = [];
    bench.retention.begin();
    for (let round = 0; round < 20; round += 1) {
      const step = bench.retention.step();
      await step?.ended;
      if (step?.keepsTurnsOut === true) apart.push(bench.steps.at(-1)?.name ?? '');
      bench.clock.advance(1_000);
    }
    expect(new Set(apart)).toEqual(new Set(['credentials']));
    expect(apart).toHaveLength(bench.steps.filter(({ name }) => name === 'credentials').length);
  });

  it('takes its share of the time and leaves the rest to turns', async () => {
    const bench = setUp({ timeSharePercent: 25 });
    bench.old.set('sessions', 1_000_000);
    bench.retention.begin();
    await bench.run(10_000);
    const inStepsMs = bench.steps.reduce((sum, { durationMs }) => sum + durationMs, 0);
    expect(inStepsMs / 10_000).toBeGreaterThan(0.2);
    expect(inStepsMs / 10_000).toBeLessThanOrEqual(0.26);
  });

  it('starts no step while it rests, however often it is asked', async () => {
    const bench = setUp({ timeSharePercent: 10 });
    bench.old.set('sessions', 1_000_000);
    bench.retention.begin();
    const first = bench.retention.step();
    // Nor while one is under way.
    expect(bench.retention.step()).toBeNull();
    await first?.ended;
    for (let asked = 0; asked < 100; asked += 1) expect(bench.retention.step()).toBeNull();
    expect(bench.steps).toHaveLength(1);
    expect(bench.clock.pendingTimers).toBe(1);
  });

  it('goes on beyond one interval until nothing is left, faster than a busy city brings it', async () => {
    const bench = setUp();
    // Four kinds of which two hundred a second grow old, and what has piled up in an hour.
    const growing = ['sessions', 'events', 'arrivals', 'notices'];
    for (const name of growing) bench.old.set(name, 200 * 3_600);
    for (let minute = 0; minute < 60; minute += 1) {
      bench.retention.begin();
      for (const name of growing) bench.old.set(name, (bench.old.get(name) ?? 0) + 200 * 60);
      await bench.run(60_000);
    }
    expect(growing.map((name) => bench.old.get(name))).toEqual([0, 0, 0, 0]);
  });

  it('lets no kind that never ends keep the others waiting', async () => {
    const bench = setUp();
    bench.old.set('sessions', 1_000_000_000);
    bench.retention.begin();
    await bench.run(1_000);
    expect(new Set(bench.steps.map(({ name }) => name)).size).toBe(kinds.length + 2);
    expect(bench.steps.slice(0, 10).filter(({ name }) => name === 'sessions')).toHaveLength(1);
  });

  it('walks through credentials a bounded number of steps in an interval, going on in the next', async () => {
    const bench = setUp({ stepsPerInterval: 3, credentialsPerStep: 10 });
    bench.old.set('credentials', 1_000_000);
    for (let interval = 1; interval <= 3; interval += 1) {
      bench.retention.begin();
      await bench.run(10_000);
      expect(bench.steps.filter(({ name }) => name === 'credentials')).toHaveLength(3 * interval);
    }
  });

  it('gives a round up when the store fails, and tries again with the next', async () => {
    const bench = setUp({}, { failing: 'events' });
    bench.retention.begin();
    await bench.run(1_000);
    expect(bench.steps.map(({ name }) => name)).toEqual(['sessions', 'events']);
    bench.retention.begin();
    await bench.run(1_000);
    expect(bench.steps.map(({ name }) => name)).toEqual(['sessions', 'events', 'sessions', 'events']);
  });

  it('is quiet once it is stopped', async () => {
    const bench = setUp();
    bench.old.set('sessions', 1_000);
    bench.retention.begin();
    await bench.drain();
    bench.retention.stop();
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.retention.step()).toBeNull();
  });
});

describe('old entries of the audit log', () => {
  it('go only once an entry that names them is stored, and are named once until then', async () => {
    const bench = setUp({ auditDays: 30 });
    bench.old.set('audit', 40);
    for (let interval = 0; interval < 3; interval += 1) {
      bench.retention.begin();
      await bench.run(1_000);
    }
    expect(bench.cuts.map(({ cut }) => cut)).toMatchObject([{ upTo: 40, hash: 'h', rows: 40 }]);
    expect(bench.cuts[0]?.cut.beforeMs).toBeCloseTo(nowMs - 30 * dayMs, -3);
    expect(bench.old.get('audit')).toBe(40);
    bench.cuts[0]?.onEnd(true);
    await bench.run(1_000);
    expect(bench.old.get('audit')).toBe(0);
  });

  it('are named again when that could not be stored', async () => {
    const bench = setUp();
    bench.old.set('audit', 40);
    bench.retention.begin();
    await bench.run(1_000);
    bench.cuts[0]?.onEnd(false);
    bench.retention.begin();
    await bench.run(1_000);
    expect(bench.cuts).toHaveLength(2);
    expect(bench.old.get('audit')).toBe(40);
  });
});
