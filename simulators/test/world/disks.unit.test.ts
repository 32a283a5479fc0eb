import { describe, expect, it } from '@jest/globals';
import type { ChangeSet } from '@gatehouse/aggregator';
import { changeSet, sessionRow } from '../../../aggregator/test/conformance/rows.js';
import { describeStore } from '../../../aggregator/test/conformance/store.js';
import { chain, codeOf, describeOutboxStore, epochOne } from '../../../edge-agent/test/conformance/outbox-store.js';
import { createSeededRandom } from '../../src/random.js';
import type { Happening } from '../../src/world/happenings.js';
import { createLife } from '../../src/world/processes/life.js';
import type { Life } from '../../src/world/processes/life.js';
import { createStepWatch } from '../../src/world/processes/step-watch.js';
import { noDiskFaults } from '../../src/world/storage/disk-faults.js';
import {
  afterDeath,
  copyBacking,
  createOutboxDisk,
  openOutboxStore,
  replaceBacking,
} from '../../src/world/storage/outbox-disk.js';
import { contentsOf, copyStore, createStoreDisk, openStore } from '../../src/world/storage/store-disk.js';
import { createTimeline } from '../../src/world/timeline.js';
import type { Timeline } from '../../src/world/timeline.js';
import { pumpedTimeline } from './support/pump.js';

const born = (timeline: Timeline): Life => createLife(timeline, { wallOffsetMs: 0, rate: 1 });
const random = createSeededRandom('disks');
const noWatch = createStepWatch(() => undefined);

describeOutboxStore('the disk of a simulated edge', () => {
  const { timeline, stop } = pumpedTimeline();
  const disk = createOutboxDisk(noDiskFaults(), 1_000_000);
  let life = born(timeline);
  const open = (bounds = {}) =>
    openOutboxStore({ ...disk, bounds: { ...disk.bounds, ...bounds } }, life, noWatch, 'edge-1', 'edge-1', {
      timeline,
      random,
      tell: () => undefined,
    });
  return Promise.resolve({
    store: open,
    storeAfterPowerCut() {
      life.end();
      afterDeath(disk, true);
      life = born(timeline);
      return Promise.resolve(open());
    },
    damage() {
      disk.backing.corrupt = true;
      return Promise.resolve();
    },
    dispose: stop,
  });
});

describeStore('the disk of the simulated aggregator', async () => {
  const { timeline, stop } = pumpedTimeline();
  const disk = createStoreDisk({ ...noDiskFaults(), lostAnswerRate: 0 });
  let life = born(timeline);
  const open = async () => {
    const store = openStore(disk, life, noWatch, { timeline, random, tell: () => undefined });
    await store.open();
    return store;
  };
  const store = await open();
  return {
    store,
    async reopen() {
      await store.close();
      return open();
    },
    reopenAfterPowerCut() {
      life.end();
      life = born(timeline);
      return open();
    },
    dispose: stop,
  };
});

/** An outbox with its diary, whose time is moved by hand. */
function outboxRig() {
  const timeline = createTimeline();
  const told: Happening[] = [];
  const disk = createOutboxDisk(noDiskFaults(), 1_000_000);
  const crashes: string[] = [];
  let life = born(timeline);
  const watch = createStepWatch((detail) => {
    crashes.push(detail);
    life.end();
    afterDeath(disk, true);
  });
  const open = () =>
    openOutboxStore(disk, life, watch, 'edge-1', 'edge-1', { timeline, random, tell: (what) => told.push(what) });
  return {
    timeline,
    told,
    disk,
    watch,
    crashes,
    open,
    reborn() {
      life.end();
      afterDeath(disk, true);
      life = born(timeline);
      return open();
    },
    /** Lets time go on until it is settled, or for ten seconds. */
    async during<T>(work: Promise<T>): Promise<T | 'never'> {
      const state: { settled: boolean } = { settled: false };
      const done = work.finally(() => {
        state.settled = true;
      });
      done.catch(() => undefined);
      await timeline.run(timeline.nowMs + 10_000, () => state.settled);
      return state.settled ? done : 'never';
    },
  };
}

describe('the disk of a simulated edge, when it fails', () => {
  it('keeps nothing of a commit that the process did not live to see begin', async () => {
    const rig = outboxRig();
    const store = rig.open();
    await rig.during(store.open(epochOne));
    rig.watch.arm({ stepsLeft: 1, when: 'before' });
    expect(await rig.during(store.append({ events: chain(epochOne, undefined, 2) }))).toBe('never');
    expect(rig.crashes).toEqual(['before append']);
    expect(rig.disk.backing.events).toEqual([]);
  });

  it('keeps a commit whose answer the process did not live to hear, and tells of it', async () => {
    const rig = outboxRig();
    const store = rig.open();
    await rig.during(store.open(epochOne));
    rig.watch.arm({ stepsLeft: 1, when: 'after' });
    expect(await rig.during(store.append({ events: chain(epochOne, undefined, 2) }))).toBe('never');
    expect(rig.disk.backing.events).toHaveLength(2);
    expect(rig.told.at(-1)).toMatchObject({ type: 'outbox-committed', beginsEpoch: false });
    const after = rig.reborn();
    expect(await rig.during(after.open(epochOne))).toMatchObject({ next: 3 });
  });

  it('may lose an acknowledgement in a power cut, but none that a later commit made durable', async () => {
    const rig = outboxRig();
    const store = rig.open();
    await rig.during(store.open(epochOne));
    const events = chain(epochOne, undefined, 3);
    await rig.during(store.append({ events }));
    await rig.during(store.acknowledge(2, 0));
    expect(await rig.during(rig.reborn().open(epochOne))).toMatchObject({ acked: 0 });
    const again = rig.reborn();
    await rig.during(again.open(epochOne));
    await rig.during(again.acknowledge(2, 0));
    await rig.during(again.append({ events: chain(epochOne, events[2], 1) }));
    expect(await rig.during(rig.reborn().open(epochOne))).toMatchObject({ acked: 2, next: 5 });
  });

  it.each([
    ['an error on any call', { errorRate: 1 }, 'io'],
    ['a full disk', { full: 1 }, 'full'],
  ])('refuses by %s, and nothing is kept', async (_name, faults, code) => {
    const rig = outboxRig();
    const store = rig.open();
    await rig.during(store.open(epochOne));
    Object.assign(rig.disk.faults, faults);
    expect(await rig.during(codeOf(store.append({ events: chain(epochOne, undefined, 1) })))).toBe(code);
    expect(rig.disk.backing.events).toEqual([]);
    expect(await rig.during(codeOf(store.countLoss({ events: 1, entries: 0, exits: 1 })))).toBe('resolved');
    Object.assign(rig.disk.faults, noDiskFaults());
    expect(await rig.during(codeOf(store.append({ events: chain(epochOne, undefined, 1) })))).toBe('resolved');
  });

  it('takes its time when it is slow', async () => {
    const rig = outboxRig();
    const store = rig.open();
    await rig.during(store.open(epochOne));
    const beforeMs = rig.timeline.nowMs;
    rig.disk.faults.slowMs = 2_000;
    for (let call = 0; call < 5; call += 1) await rig.during(store.read(1, 1, 1));
    expect(rig.timeline.nowMs - beforeMs).toBeGreaterThan(1_000);
  });

  it('goes on from an older image, and tells what it holds then', async () => {
    const rig = outboxRig();
    const store = rig.open();
    await rig.during(store.open(epochOne));
    const events = chain(epochOne, undefined, 2);
    await rig.during(store.append({ events: events.slice(0, 1) }));
    const image = copyBacking(rig.disk.backing);
    await rig.during(store.append({ events: events.slice(1) }));
    replaceBacking(rig.disk, image, { machine: 'edge-1', edgeId: 'edge-1' }, (what) => rig.told.push(what));
    expect(rig.told.at(-1)).toMatchObject({ type: 'outbox-replaced', epoch: epochOne, next: 2 });
    expect(await rig.during(rig.reborn().open(epochOne))).toMatchObject({ next: 2 });
  });
});

describe('the disk of the simulated aggregator, when it fails', () => {
  async function storeRig() {
    const timeline = createTimeline();
    const told: Happening[] = [];
    const disk = createStoreDisk({ ...noDiskFaults(), lostAnswerRate: 0 });
    let life = born(timeline);
    const open = () => openStore(disk, life, noWatch, { timeline, random, tell: (what) => told.push(what) });
    const during = async <T>(work: Promise<T>): Promise<T> => {
      work.catch(() => undefined);
      await timeline.run(timeline.nowMs + 1_000);
      return work;
    };
    let store = open();
    await during(store.open());
    return {
      told,
      disk,
      during,
      commit: (changes: ChangeSet) => during(store.commit(changes)),
      async sessions() {
        return (await during(store.load())).sessions.length;
      },
      async reborn() {
        life.end();
        life = born(timeline);
        store = open();
        await during(store.open());
      },
    };
  }

  it('stores nothing of a commit it refuses, and tells of none', async () => {
    const rig = await storeRig();
    rig.disk.faults.full = 1;
    await expect(rig.commit(changeSet({ sessions: [sessionRow(1)] }))).rejects.toMatchObject({ code: 'full' });
    rig.disk.faults.full = 0;
    expect(await rig.sessions()).toBe(0);
    expect(rig.told).toEqual([]);
  });

  it('may store a commit and answer with an error', async () => {
    const rig = await storeRig();
    rig.disk.faults.lostAnswerRate = 1;
    await expect(rig.commit(changeSet({ sessions: [sessionRow(1)] }))).rejects.toMatchObject({ code: 'io' });
    expect(await rig.sessions()).toBe(1);
    expect(rig.told.map(({ type }) => type)).toEqual(['store-committed']);
  });

  it('goes on from an older copy', async () => {
    const rig = await storeRig();
    await rig.commit(changeSet({ sessions: [sessionRow(1)] }));
    const copy = copyStore(rig.disk.backing);
    await rig.commit(changeSet({ sessions: [sessionRow(2)] }));
    rig.disk.backing = copy;
    await rig.reborn();
    expect(await rig.sessions()).toBe(1);
    expect(contentsOf(copy).sessions).toHaveLength(1);
  });
});
