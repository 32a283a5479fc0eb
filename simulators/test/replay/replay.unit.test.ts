import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createVirtualClock } from '@gatehouse/shared';
import type { VirtualClock } from '@gatehouse/shared';
import { planReplay } from '../../src/replay/itinerary.js';
import type { ReplayVehicle } from '../../src/replay/itinerary.js';
import { lanesNeeded, longestWaitMs } from '../../src/replay/lanes.js';
import { reconcile } from '../../src/replay/reconcile.js';
import type { CentreBooks, Reconciliation } from '../../src/replay/reconcile.js';
import type { RecordedPassage, RecordedVisit, Recording } from '../../src/replay/recording.js';
import { runReplay } from '../../src/replay/run-replay.js';
import type { GateResult, ReplayTally } from '../../src/replay/run-replay.js';

const minuteMs = 60_000;
const passMs = 10_000;

type Passage = readonly [minute: number, what: 'entry' | 'exit' | number];
const passagesOf = (...rows: readonly Passage[]): Recording => ({
  form: 'passages',
  filteredOut: 0,
  skipped: [],
  passages: rows.map(([minute, what], index): RecordedPassage => ({
    line: index + 2,
    atMs: minute * minuteMs,
    what: typeof what === 'number' ? { setCount: what } : what,
  })),
});
type Visit = readonly [plate: string | null, entryMinute: number, exitMinute: number | null];
const visitsOf = (...rows: readonly Visit[]): Recording => ({
  form: 'visits',
  filteredOut: 0,
  skipped: [],
  visits: rows.map(([plate, entryMinute, exitMinute], index): RecordedVisit => ({
    line: index + 2,
    entryAtMs: entryMinute * minuteMs,
    exitAtMs: exitMinute === null ? null : exitMinute * minuteMs,
    plate,
    slotClass: null,
  })),
});

/** A site whose gates take `passMs` a vehicle, one after the other each way, and admit while a slot is free. */
class FakeSite {
  readonly clock: VirtualClock = createVirtualClock({ wallMs: 0 });
  readonly log: string[] = [];
  inside = 0;
  entriesTotal = 0;
  exitsTotal = 0;
  slots: number;
  exitDoesNotOpen = 0;
  private readonly laneFreeAtMs = { in: 0, out: 0 };
  constructor(slots: number) {
    this.slots = slots;
  }

  private lane(way: 'in' | 'out'): Promise<number> {
    const queuedAtMs = this.clock.monoMs();
    const startMs = Math.max(queuedAtMs, this.laneFreeAtMs[way]);
    this.laneFreeAtMs[way] = startMs + passMs;
    return new Promise((resolve) => {
      this.clock.setTimer(startMs + passMs - queuedAtMs, () => {
        resolve(startMs - queuedAtMs);
      });
    });
  }
  readonly gates = {
    enter: async (vehicle: ReplayVehicle): Promise<GateResult> => {
      const waitedMs = await this.lane('in');
      if (this.inside >= this.slots) return { passed: false, reason: 'full', waitedMs };
      this.inside += 1;
      this.entriesTotal += 1;
      this.log.push(`in ${String(vehicle.line)}`);
      return { passed: true, reason: null, waitedMs };
    },
    leave: async (vehicle: ReplayVehicle): Promise<GateResult> => {
      const waitedMs = await this.lane('out');
      if (this.exitDoesNotOpen > 0) {
        this.exitDoesNotOpen -= 1;
        return { passed: false, reason: 'unknown', waitedMs };
      }
      this.inside -= 1;
      this.exitsTotal += 1;
      this.log.push(`out ${String(vehicle.line)}`);
      return { passed: true, reason: null, waitedMs };
    },
  };
  readonly centre = {
    settled: (): Promise<void> => Promise.resolve(),
    setCount: (count: number): Promise<void> => {
      this.inside = count;
      this.log.push(`set ${String(count)}`);
      return Promise.resolve();
    },
  };
  books(): CentreBooks {
    return {
      entriesTotal: this.entriesTotal,
      exitsTotal: this.exitsTotal,
      vehiclesInside: Math.max(0, this.inside),
      sessionsOpened: this.entriesTotal,
      sessionsOpen: Math.max(0, this.inside),
      sessionsUncertain: 0,
      closedByBasis: {},
      drift: 0,
      openReviews: {},
    };
  }
}

const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const replay = async (
  recording: Recording,
  site: FakeSite,
): Promise<{ tally: ReplayTally; result: Reconciliation; log: string[] }> => {
  const itinerary = planReplay(recording);
  let tally: ReplayTally | undefined;
  void runReplay(itinerary, { clock: site.clock, gates: site.gates, centre: site.centre }).then((done) => {
    tally = done;
  });
  for (let turns = 0; tally === undefined && turns < 1000; turns += 1) {
    const due = site.clock.nextDueMonoMs;
    await site.clock.advanceSettled(due === undefined ? 0 : due - site.clock.monoMs(), settle);
  }
  if (tally === undefined) throw new Error('the replay did not end');
  return { tally, result: reconcile(recording, itinerary, tally, site.books()), log: site.log };
};

describe('an itinerary', () => {
  it('gives the exits of a passages recording to the vehicles that have been inside longest', () => {
    const { vehicles } = planReplay(passagesOf([0, 1], [1, 'entry'], [2, 'exit'], [3, 'exit'], [4, 'exit']));
    expect(vehicles.map(({ line, entryAtMs, exitAtMs }) => [line, entryAtMs, exitAtMs])).toEqual([
      [2, null, 2 * minuteMs],
      [3, 1 * minuteMs, 3 * minuteMs],
      [6, null, 4 * minuteMs],
    ]);
  });

  it('lets a lower count drop those inside longest, and a higher one add vehicles nobody saw', () => {
    const { vehicles } = planReplay(passagesOf([0, 3], [1, 1], [2, 2], [3, 'exit'], [4, 'exit']));
    expect(vehicles.map(({ exitAtMs }) => exitAtMs)).toEqual([null, null, 3 * minuteMs, 4 * minuteMs]);
  });

  it('chains the stays of one identity, and tells overlapping ones apart', () => {
    const { vehicles } = planReplay(
      visitsOf(['A', 0, 10], ['A', 10, 20], ['A', 15, 30], ['B', 16, null], ['B', 40, 50]),
    );
    expect(vehicles.map(({ afterVehicle, overlaps }) => [afterVehicle, overlaps])).toEqual([
      [null, false],
      [0, false],
      [null, true],
      [null, false],
      [null, true],
    ]);
  });

  it('remembers the longest of overlapping stays', () => {
    const { vehicles } = planReplay(visitsOf(['A', 0, 100], ['A', 5, 10], ['A', 50, 60]));
    expect(vehicles.map(({ overlaps }) => overlaps)).toEqual([false, true, true]);
  });

  it('knows the most vehicles that were inside at once', () => {
    expect(planReplay(visitsOf(['A', 0, 10], ['B', 5, 8], ['C', 8, 9])).mostInside).toBe(2);
    expect(planReplay(passagesOf([0, 7], [1, 'entry'], [2, 'exit'])).mostInside).toBe(8);
  });
});

describe('a replay', () => {
  it('lets every vehicle in and out in its time', async () => {
    const { tally, result, log } = await replay(visitsOf(['A', 0, 10], ['B', 1, null], ['C', 5, 7]), new FakeSite(5));
    expect(log).toEqual(['in 2', 'in 3', 'in 4', 'out 4', 'out 2']);
    expect(tally).toMatchObject({ entriesPassed: 3, exitsPassed: 2, count: 1, refused: [] });
    expect(result).toMatchObject({ agrees: true, unaccounted: 0 });
  });

  it('lets nobody out who is not in yet, and nobody in again who is not out yet', async () => {
    const { log, tally } = await replay(visitsOf(['A', 0, 0], ['A', 0, 0], ['A', 0, 0]), new FakeSite(5));
    expect(log).toEqual(['in 2', 'out 2', 'in 3', 'out 3', 'in 4', 'out 4']);
    expect(tally.longestWaitMs).toBe(0);
  });

  it('queues vehicles when they come faster than a lane takes them', async () => {
    const { tally, result } = await replay(
      passagesOf([0, 'entry'], [0, 'entry'], [0, 'entry'], [0, 'entry']),
      new FakeSite(5),
    );
    expect(tally.longestWaitMs).toBe(3 * passMs);
    expect(result.agrees).toBe(true);
  });

  it('takes the later exit of a refused vehicle away with it', async () => {
    const recording = passagesOf([0, 'entry'], [1, 'entry'], [2, 'exit'], [3, 'exit'], [4, 'entry']);
    const { tally, result, log } = await replay(recording, new FakeSite(1));
    expect(log).toEqual(['in 2', 'out 2', 'in 6']);
    expect(tally).toMatchObject({ exitsOfRefused: 1, count: 1, refused: [{ line: 3, reason: 'full' }] });
    expect(result).toMatchObject({ agrees: true, refused: { total: 1, byReason: { full: 1 }, lines: [3] } });
  });

  it('does so also when the exit was due before the refusal was known', async () => {
    const { result } = await replay(visitsOf(['A', 0, 9], ['B', 1, 1]), new FakeSite(1));
    expect(result).toMatchObject({ agrees: true, exitsOfRefused: 1, unaccounted: 0 });
  });

  it('lets the same vehicle come again although its stay before was refused', async () => {
    const { log, result } = await replay(visitsOf(['A', 0, 3], ['B', 1, 5], ['B', 6, 7]), new FakeSite(1));
    expect(log).toEqual(['in 2', 'out 2', 'in 4', 'out 4']);
    expect(result.agrees).toBe(true);
  });

  it('lets vehicles out that nobody saw come in, also beyond those inside', async () => {
    const { tally, result } = await replay(passagesOf([0, 1], [1, 'exit'], [2, 'exit'], [3, 'entry']), new FakeSite(5));
    expect(tally).toMatchObject({ exitsPassed: 2, exitsWithoutEntry: 2, count: 0 });
    expect(result).toMatchObject({ agrees: true, file: { entries: 1, exits: 2, corrections: 1, vehicles: 3 } });
  });

  it('corrects the count when nobody is between the loops, and keeps those counted inside', async () => {
    const recording = passagesOf([0, 'entry'], [1, 'entry'], [2, 2], [3, 'exit'], [4, 'exit']);
    const { log, tally, result } = await replay(recording, new FakeSite(1));
    expect(log).toEqual(['in 2', 'set 2', 'out 2', 'out 3']);
    expect(tally).toMatchObject({ corrections: 1, exitsOfRefused: 0, count: 0 });
    expect(result.agrees).toBe(true);
  });

  it('waits with a correction for vehicles in the lane', async () => {
    const { log } = await replay(passagesOf([0, 'entry'], [0, 7]), new FakeSite(10));
    expect(log).toEqual(['in 2', 'set 7']);
  });

  it('tries an exit that did not open again, and gives up after ten times', async () => {
    const site = new FakeSite(5);
    site.exitDoesNotOpen = 9;
    expect((await replay(visitsOf(['A', 0, 1]), site)).tally).toMatchObject({ exitsPassed: 1, stuckInside: 0 });
    const worse = new FakeSite(5);
    worse.exitDoesNotOpen = 10;
    const { tally, result } = await replay(visitsOf(['A', 0, 1], ['A', 2, 3]), worse);
    expect(tally).toMatchObject({ exitsPassed: 0, stuckInside: 1, refused: [{ line: 3, reason: 'still-inside' }] });
    expect(result.agrees).toBe(true);
  });

  it('fails when the aggregator cannot be asked', async () => {
    const site = new FakeSite(5);
    site.centre.settled = () => Promise.reject(new Error('it does not answer'));
    const run = runReplay(planReplay(passagesOf([0, 3])), site);
    await expect(run).rejects.toThrow('it does not answer');
  });

  it('accounts for every row of any recording', async () => {
    const what = fc.oneof(fc.constantFrom('entry' as const, 'exit' as const), fc.nat(6));
    const rows = fc.array(fc.tuple(fc.nat(20), what), { minLength: 1, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 6 }), async (given, slots) => {
        const inOrder = [...given].sort(([a], [b]) => a - b);
        const { result } = await replay(passagesOf(...inOrder), new FakeSite(slots));
        expect(result).toMatchObject({ agrees: true, unaccounted: 0, count: { difference: 0 } });
      }),
      { numRuns: 60 },
    );
  });
});

describe('a reconciliation', () => {
  it('says so when a passage is missing, doubled, or the count is off', async () => {
    const recording = passagesOf([0, 'entry'], [1, 'entry'], [2, 'exit']);
    const site = new FakeSite(5);
    const { tally } = await replay(recording, site);
    const itinerary = planReplay(recording);
    const books = site.books();
    const of = (change: Partial<CentreBooks>): Reconciliation =>
      reconcile(recording, itinerary, tally, { ...books, ...change });
    expect(of({}).agrees).toBe(true);
    expect(of({ entriesTotal: 1 })).toMatchObject({ agrees: false, passages: { entries: { difference: -1 } } });
    expect(of({ exitsTotal: 2 })).toMatchObject({ agrees: false, passages: { exits: { difference: 1 } } });
    expect(of({ vehiclesInside: 4 })).toMatchObject({ agrees: false, count: { difference: 3 } });
  });

  it('lists overlapping stays apart, with those that were let in', async () => {
    const { result } = await replay(visitsOf(['A', 0, 10], ['A', 5, 20], ['B', 6, 7]), new FakeSite(2));
    expect(result.overlaps).toEqual({ total: 1, admitted: 1, lines: [3] });
    expect(result.refused.lines).toEqual([4]);
  });
});

describe('lanes', () => {
  it('are as many as keep the wait acceptable, up to the bound', () => {
    const burst = Array.from({ length: 12 }, () => 0);
    const need = { serviceMs: 10_000, maxWaitMs: 30_000, maxLanes: 8 };
    expect(lanesNeeded(burst, need)).toBe(3);
    expect(lanesNeeded(burst, { ...need, maxLanes: 2 })).toBe(2);
    expect(lanesNeeded([0, 60_000, 120_000], need)).toBe(1);
    expect(longestWaitMs(burst, 3, 10_000)).toBe(30_000);
    expect(lanesNeeded([], need)).toBe(1);
  });
});
