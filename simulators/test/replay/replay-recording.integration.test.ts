/** Small recordings through the real aggregator, broker, databases and edge agents. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import type { RecordedPassage, RecordedVisit, Recording } from '../../src/replay/recording.js';
import { replayRecording } from '../../src/replay/replay-recording.js';
import type { ReplayOptions } from '../../src/replay/replay-recording.js';
import { keptSpeed, reportJson, reportLines } from '../../src/replay/report.js';
import type { ReplayReport } from '../../src/replay/report.js';

jest.setTimeout(60_000);

const startMs = Date.UTC(2024, 2, 4, 7);
const minuteMs = 60_000;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-replay-test-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const replay = (recording: Recording, options: Partial<ReplayOptions> = {}): Promise<ReplayReport> =>
  replayRecording('recording.csv', recording, {
    speed: Infinity,
    slots: undefined,
    entryLanes: undefined,
    exitLanes: undefined,
    antiPassback: 'soft',
    seed: 'test',
    dataDirectory: undefined,
    clock: systemClock,
    random: systemRandom,
    ...options,
  });

type Visit = readonly [plate: string | null, entryMinute: number, exitMinute: number | null, slotClass?: 'ev'];
const visits = (...rows: readonly Visit[]): Recording => ({
  form: 'visits',
  filteredOut: 0,
  skipped: [],
  visits: rows.map(([plate, entryMinute, exitMinute, slotClass], index): RecordedVisit => ({
    line: index + 2,
    plate,
    slotClass: slotClass ?? null,
    entryAtMs: startMs + entryMinute * minuteMs,
    exitAtMs: exitMinute === null ? null : startMs + exitMinute * minuteMs,
  })),
});
const passages = (...rows: readonly (readonly [minute: number, what: 'entry' | 'exit' | number])[]): Recording => ({
  form: 'passages',
  filteredOut: 0,
  skipped: [],
  passages: rows.map(([minute, what], index): RecordedPassage => ({
    line: index + 2,
    atMs: startMs + minute * minuteMs,
    what: typeof what === 'number' ? { setCount: what } : what,
  })),
});

describe('a replay of visits through real parts', () => {
  it('opens and closes one session a visit by its plate, with nothing left over', async () => {
    const { reconciliation } = await replay(
      visits(
        ['AB12CDE', 0, 90],
        ['CD34EFG', 0, 0],
        ['EF56GHI', 3, null],
        ['AB12CDE', 90, 95],
        [null, 91, 93],
        ['GH78IJK', 4, 60, 'ev'],
      ),
    );
    expect(reconciliation).toMatchObject({
      agrees: true,
      passages: {
        entries: { atGates: 6, inAggregator: 6, difference: 0 },
        exits: { atGates: 5, inAggregator: 5, difference: 0 },
      },
      count: { atGates: 1, inAggregator: 1 },
      sessions: { opened: 6, open: 1, uncertain: 0, drift: 0 },
      refused: { total: 0 },
      unaccounted: 0,
    });
    expect(reconciliation.sessions.closedByBasis.decision).toBeGreaterThanOrEqual(4);
  });

  it('lists overlapping stays apart, admitted or refused as the site is set', async () => {
    const overlapping = visits(['AB12CDE', 0, 60], ['AB12CDE', 20, 40], ['CD34EFG', 5, 50]);
    const soft = await replay(overlapping);
    expect(soft.reconciliation).toMatchObject({
      agrees: true,
      overlaps: { total: 1, admitted: 1, lines: [3] },
      openReviews: { 'already-inside': 1 },
    });
    const hard = await replay(overlapping, { antiPassback: 'hard' });
    expect(hard.reconciliation).toMatchObject({
      agrees: true,
      overlaps: { total: 1, admitted: 0 },
      refused: { total: 1, byReason: { 'already-inside': 1 }, lines: [3] },
      exitsOfRefused: 1,
      passages: { entries: { atGates: 2 }, exits: { atGates: 2 } },
    });
  });
});

describe('a replay of passages through real parts', () => {
  it('counts anonymous vehicles, corrections, and exits beyond those inside', async () => {
    const { reconciliation } = await replay(
      passages(
        [0, 2],
        [1, 'exit'],
        [2, 'entry'],
        [3, 'exit'],
        [4, 'exit'],
        [5, 'exit'],
        [6, 5],
        [7, 'entry'],
        [8, 'exit'],
      ),
      { slots: 10 },
    );
    expect(reconciliation).toMatchObject({
      agrees: true,
      file: { entries: 2, exits: 5, corrections: 2 },
      passages: { entries: { atGates: 2, inAggregator: 2 }, exits: { atGates: 5, inAggregator: 5 } },
      count: { atGates: 5, inAggregator: 5 },
      refused: { total: 0 },
    });
  });

  it('refuses vehicles when the site is full, and their exits with them', async () => {
    const { reconciliation } = await replay(
      passages([0, 'entry'], [1, 'entry'], [2, 'entry'], [10, 'exit'], [11, 'exit'], [12, 'exit']),
      { slots: 2 },
    );
    expect(reconciliation).toMatchObject({
      agrees: true,
      passages: { entries: { atGates: 2, inAggregator: 2 }, exits: { atGates: 2, inAggregator: 2 } },
      count: { atGates: 0, inAggregator: 0 },
      refused: { total: 1, byReason: { full: 1 }, lines: [4] },
      exitsOfRefused: 1,
      unaccounted: 0,
    });
  });

  it('decides each vehicle of a queue before a full site by itself', async () => {
    const { reconciliation } = await replay(passages(...Array.from({ length: 6 }, () => [0, 'entry'] as const)), {
      slots: 1,
      entryLanes: 1,
    });
    expect(reconciliation).toMatchObject({
      agrees: true,
      passages: { entries: { atGates: 1, inAggregator: 1 } },
      refused: { total: 5, byReason: { full: 5 } },
    });
    // Nobody stands there until his patience ends: each heeds the sign.
    expect(reconciliation.longestWaitMs).toBeLessThan(5 * minuteMs);
  });

  it('adds lanes for a rush, and queues what is still too much', async () => {
    const rush = passages(...Array.from({ length: 12 }, () => [0, 'entry'] as const));
    const many = await replay(rush);
    expect(many.lanes.entry).toBeGreaterThan(1);
    expect(many.reconciliation.agrees).toBe(true);
    const one = await replay(rush, { entryLanes: 1 });
    expect(one.reconciliation).toMatchObject({ agrees: true, passages: { entries: { inAggregator: 12 } } });
    expect(one.reconciliation.longestWaitMs).toBeGreaterThan(many.reconciliation.longestWaitMs);
  });
});

describe('the speed of a replay', () => {
  const twoHours = passages([0, 'entry'], [120, 'exit']);

  it('is kept when it can be', async () => {
    const report = await replay(twoHours, { speed: 2_000 });
    expect(report.speed.realMs).toBeGreaterThan(3_000);
    expect(report.reconciliation.agrees).toBe(true);
  });

  it('is given up, and said to be, rather than a vehicle lost', async () => {
    const report = await replay(twoHours, { speed: 100_000_000 });
    expect(keptSpeed(report.speed)).toBe(false);
    expect(report.reconciliation).toMatchObject({ agrees: true, passages: { entries: { difference: 0 } } });
    expect(reportLines(report).join('\n')).toContain('could not be kept');
    expect(JSON.parse(reportJson(report))).toMatchObject({ speed: { kept: false, asked: 100_000_000 } });
  });
});

describe('a replay that is stopped', () => {
  it('ends soon and says so', async () => {
    const stopping = new AbortController();
    const replaying = replay(passages([0, 'entry'], [600, 'exit']), { speed: 10, signal: stopping.signal });
    setTimeout(() => {
      stopping.abort(new Error('stopped by the test'));
    }, 300);
    await expect(replaying).rejects.toThrow('stopped by the test');
  });
});

describe('the databases of a replay', () => {
  it('stay where they were asked for, and no second replay is mixed into them', async () => {
    const kept = join(directory, 'kept');
    await replay(passages([0, 'entry']), { dataDirectory: kept });
    expect(await readdir(kept)).toEqual(expect.arrayContaining(['gatehouse.db', 'edge-1']));
    await expect(replay(passages([0, 'entry']), { dataDirectory: kept })).rejects.toThrow('holds a database already');
  });
});
