import { afterEach, describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import { createTableWriter } from '../../src/adapters/store/sqlite/table-writer.js';
import type { TableWriter, TableWriterBounds } from '../../src/adapters/store/sqlite/table-writer.js';
import { StoreError } from '../../src/app/ports.js';
import { until } from '../conformance/waiting.js';

const never = 1_000_000_000;
const bounds: TableWriterBounds = { delayMs: never, retryMs: never, maxRunBytes: 100, maxWaitingBytes: 250 };

const writers: TableWriter[] = [];
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.stop();
});

/** A writer, the runs it made, and a gate that holds each run until it is opened. */
function setUp(changed: Partial<TableWriterBounds> = {}) {
  const runs: (readonly [after: number, upTo: number])[] = [];
  const taken: (readonly [takenOver: number, bytes: number])[] = [];
  const failures: StoreError[] = [];
  let nowMs = 0;
  let hold: Promise<void> = Promise.resolve();
  let release = (): void => undefined;
  const writer = createTableWriter({
    async takeOver(after, upTo) {
      runs.push([after, upTo]);
      await hold;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    },
    onTakenOver: (takenOver, bytes) => taken.push([takenOver, bytes]),
    monoMs: () => nowMs,
    path: 'gatehouse.db',
    logger: silentLogger,
    bounds: { ...bounds, ...changed },
  });
  writers.push(writer);
  return {
    writer,
    runs,
    taken,
    failures,
    pass(ms: number) {
      nowMs += ms;
    },
    holdRuns() {
      hold = new Promise((resolve) => (release = resolve));
    },
    releaseRuns() {
      release();
    },
  };
}

const full = (): StoreError => new StoreError('full', 'no room');

describe('the tables', () => {
  it('follow by themselves a while after a commit, with all that came meanwhile', async () => {
    const { writer, runs } = setUp({ delayMs: 5 });
    writer.onAppended(1, 10);
    writer.onAppended(2, 10);
    await until('they have followed', () => writer.waiting === 0);
    expect(runs).toEqual([[0, 2]]);
    expect(writer.takenOver).toBe(2);
  });

  it('follow at once when as much waits as they take over in one run', async () => {
    const { writer, runs } = setUp();
    writer.onAppended(1, 99);
    expect(runs).toEqual([]);
    writer.onAppended(2, 1);
    await until('they have followed', () => writer.waiting === 0);
    expect(runs).toEqual([[0, 2]]);
  });

  it('take over so much at once, and at least one commit', async () => {
    const { writer, runs, taken } = setUp();
    for (const [number, bytes] of [60, 40, 1, 101, 5].entries()) writer.onAppended(number + 1, bytes);
    await writer.catchUp();
    expect(runs).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ]);
    expect(taken).toEqual([
      [2, 100],
      [3, 1],
      [4, 101],
      [5, 5],
    ]);
  });

  it('catch up with what was committed when that was asked for, and not with what comes later', async () => {
    const { writer, runs, holdRuns, releaseRuns } = setUp();
    await writer.catchUp();
    expect(runs).toEqual([]);
    writer.onAppended(1, 10);
    holdRuns();
    const caughtUp = writer.catchUp();
    writer.onAppended(2, 10);
    expect(writer.takenOver).toBe(0);
    releaseRuns();
    await caughtUp;
    expect(writer.takenOver).toBe(1);
    expect(writer.waiting).toBe(1);
  });

  it('make one run at a time, whoever waits for it', async () => {
    const { writer, runs, holdRuns, releaseRuns } = setUp();
    writer.onAppended(1, 10);
    holdRuns();
    const waits = [writer.catchUp(), writer.catchUp(), writer.catchUp()];
    releaseRuns();
    await Promise.all(waits);
    expect(runs).toEqual([[0, 1]]);
  });

  it('say since when they are behind', async () => {
    const { writer, pass } = setUp();
    expect(writer.behindMs).toBe(0);
    writer.onAppended(1, 10);
    pass(40);
    writer.onAppended(2, 10);
    pass(2);
    expect(writer.behindMs).toBe(42);
    await writer.catchUp();
    expect(writer.behindMs).toBe(0);
  });

  it('let no more be committed than may wait', async () => {
    const { writer, holdRuns, releaseRuns } = setUp();
    holdRuns();
    for (let number = 1; number <= 5; number += 1) writer.onAppended(number, 50);
    await writer.room();
    writer.onAppended(6, 1);
    let isThereRoom = false;
    const room = writer.room().then(() => (isThereRoom = true));
    await Promise.resolve();
    expect(isThereRoom).toBe(false);
    releaseRuns();
    await room;
    expect(writer.takenOver).toBeGreaterThanOrEqual(2);
  });

  it('say why they cannot follow, lose nothing, and follow when they can again', async () => {
    const { writer, runs, failures } = setUp();
    writer.onAppended(1, 10);
    failures.push(full(), full());
    await expect(writer.catchUp()).rejects.toMatchObject({ code: 'full' });
    expect(writer).toMatchObject({ takenOver: 0, waiting: 1 });
    // More may be committed until too much waits.
    writer.onAppended(2, 300);
    await expect(writer.room()).rejects.toMatchObject({ code: 'full' });
    await writer.catchUp();
    expect(writer).toMatchObject({ takenOver: 2, waiting: 0 });
    expect(runs).toEqual([
      [0, 1],
      [0, 1],
      [0, 1],
      [1, 2],
    ]);
  });

  it('try again by themselves after a failure', async () => {
    const { writer, failures } = setUp({ delayMs: 1, retryMs: 5 });
    failures.push(full(), full());
    writer.onAppended(1, 10);
    await until('they have followed', () => writer.takenOver === 1);
  });

  it('take nothing over any more when they are stopped, and finish what runs', async () => {
    const { writer, runs, holdRuns, releaseRuns } = setUp({ delayMs: 1 });
    writer.onAppended(1, 100);
    holdRuns();
    const stopped = writer.stop();
    writer.onAppended(2, 100);
    releaseRuns();
    await stopped;
    expect(writer.takenOver).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(runs).toHaveLength(1);
  });
});
