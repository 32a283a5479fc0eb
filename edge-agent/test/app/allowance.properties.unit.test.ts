import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createVirtualClock, silentLogger } from '@gatehouse/shared';
import type { Allowance, EdgeEvent } from '@gatehouse/shared';
import { createMemoryOutbox, createMemoryOutboxBacking } from '../../src/adapters/memory/index.js';
import { createAllowanceKeeper } from '../../src/app/allowance-keeper.js';
import type { AllowanceKeeper } from '../../src/app/allowance-keeper.js';
import { Recorder } from '../../src/app/recorder.js';
import { outboxSettingsSchema } from '../../src/app/settings.js';
import { silentObserver } from '../../src/app/observer.js';
import { createTally } from '../../src/app/tally.js';
import { sha256 } from './harness.js';
import { ModelAggregator } from './support/model-aggregator.js';

const slotIds = ['a', 'b', 'c', 'd', 'e', 'f'];
const epochOf = (number: number): string => number.toString(16).padStart(32, '0');

type Step =
  | { readonly type: 'set'; readonly wished: readonly string[]; readonly supersede: boolean }
  /** All pages of one set. */
  | { readonly type: 'deliver'; readonly choice: number }
  | { readonly type: 'page'; readonly choice: number }
  | { readonly type: 'foreign-epoch'; readonly choice: number }
  | { readonly type: 'admit'; readonly choice: number }
  | { readonly type: 'leave'; readonly choice: number }
  | { readonly type: 'disk'; readonly outcome: 'ok' | 'io' | 'full'; readonly writes: number }
  | { readonly type: 'apply'; readonly count: number }
  | { readonly type: 'other'; readonly choice: number }
  | { readonly type: 'wait' | 'power-cut' | 'conflict' | 'back-up' | 'restore' };

const choice = fc.nat({ max: 20 });
const withChoice = <T extends Step['type']>(type: T) => fc.record({ type: fc.constant(type), choice });
const outcome = fc.oneof(
  { weight: 12, arbitrary: fc.constant('ok' as const) },
  { weight: 1, arbitrary: fc.constantFrom('io' as const, 'full' as const) },
);
const wished = fc.oneof(fc.constant(slotIds), fc.subarray(slotIds, { minLength: 3 }), fc.subarray(slotIds));
const rare = fc.constantFrom('wait', 'wait', 'power-cut', 'power-cut', 'conflict', 'back-up', 'restore');
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('set' as const), wished, supersede: fc.boolean() }) },
  { weight: 8, arbitrary: withChoice('deliver') },
  { weight: 2, arbitrary: withChoice('page') },
  { weight: 1, arbitrary: withChoice('foreign-epoch') },
  { weight: 8, arbitrary: withChoice('admit') },
  { weight: 4, arbitrary: withChoice('leave') },
  {
    weight: 14,
    arbitrary: fc.record({ type: fc.constant('disk' as const), outcome, writes: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('apply' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: withChoice('other') },
  { weight: 2, arbitrary: fc.record({ type: rare }) },
);

/** Keeper, recorder and outbox of one edge over a disk that does nothing until it is told how the next write ends. */
class Bench {
  readonly clock = createVirtualClock({ wallMs: 0 });
  readonly backing = createMemoryOutboxBacking();
  readonly centre = new ModelAggregator(epochOf(1), slotIds);
  /** Everything that was ever sent to the edge, to come in any order and any number of times. */
  readonly sent: Allowance[][] = [];
  recorder: Recorder | undefined;
  keeper: AllowanceKeeper | undefined;
  #writes: (() => void)[] = [];
  #outcome: 'ok' | 'io' | 'full' = 'ok';
  #epochs = 1;
  #names = 0;
  #inside: { readonly name: string; readonly slotId: string }[] = [];
  #beginning = false;
  /** The epoch of whose history the aggregator has another one. */
  #conflicting = '';
  #cancelRetry: () => void = () => undefined;

  async start(): Promise<void> {
    const { backing, clock } = this;
    this.#writes = [];
    this.#beginning = false;
    this.#cancelRetry();
    Object.assign(backing, { holder: undefined });
    const stamp = () => ({ atMs: 0, monoMs: 0, bootId: '0'.repeat(32) });
    const ports = { clock, linkClock: clock, sha256, logger: silentLogger, stamp };
    const recorder = new Recorder(
      { ...ports, store: createMemoryOutbox({ backing, sha256 }) },
      outboxSettingsSchema.parse({}),
      {
        onCommitted: () => undefined,
        onLost: () => undefined,
        onFailure: () => undefined,
        onRecovered: () => undefined,
      },
    );
    const snapshot = await recorder.open(epochOf(1));
    this.recorder = recorder;
    this.keeper = createAllowanceKeeper({
      ...ports,
      recorder,
      tally: createTally(silentObserver),
      onChanged: () => undefined,
    });
    this.keeper.restore(snapshot.notes);
    backing.delay = (operation) =>
      operation === 'append' || operation === 'beginEpoch'
        ? new Promise<void>((resolve) => this.#writes.push(resolve))
        : Promise.resolve();
    backing.failure = (operation) =>
      (operation === 'append' || operation === 'beginEpoch') && this.#outcome !== 'ok' ? this.#outcome : undefined;
    await settle();
  }

  usable(): string[] {
    return this.keeper?.usable().slots.map(({ slotId }) => slotId) ?? [];
  }

  async take(step: Step): Promise<void> {
    const { recorder, keeper, centre, backing } = this;
    if (recorder === undefined || keeper === undefined) throw new Error('not started');
    switch (step.type) {
      case 'set':
        this.sent.push(centre.set(new Set(step.wished), step.supersede, this.#reported()));
        break;
      case 'deliver':
        for (const page of this.#sentSet(step.choice)) keeper.offered(page);
        break;
      case 'page':
        for (const page of this.#sentSet(step.choice)
          .slice(step.choice % 2)
          .slice(0, 1))
          keeper.offered(page);
        break;
      case 'foreign-epoch':
        for (const page of this.#sentSet(step.choice)) keeper.offered({ ...page, epoch: epochOf(0xff) });
        break;
      case 'admit':
        this.#admit(recorder, keeper, step.choice);
        break;
      case 'leave':
        this.#leave(recorder, step.choice);
        break;
      case 'disk':
        this.#outcome = step.outcome;
        for (let write = 0; write < step.writes; write += 1) {
          this.#writes.shift()?.();
          await settle();
        }
        break;
      case 'apply':
        centre.apply(backing.epoch ?? '', backing.events, step.count);
        break;
      case 'other':
        centre.toggleOther(step.choice);
        break;
      case 'wait':
        this.clock.advance(60_000);
        break;
      case 'power-cut':
        this.#inside = [];
        await this.start();
        // The aggregator's history is still another one, and it says so again.
        if (this.recorder?.view.epoch === this.#conflicting) this.#conflict();
        break;
      case 'conflict':
        this.#conflict();
        break;
      case 'back-up':
        centre.backUp();
        break;
      case 'restore':
        centre.restore();
        break;
    }
    await settle();
  }

  check(): void {
    expect(this.centre.problems).toEqual([]);
    const { free } = this.centre;
    expect(this.usable().filter((slotId) => free.has(slotId))).toEqual([]);
    // What would be used after a power cut at this moment.
    const note = this.backing.notes.get('allowance');
    const stored = note === undefined ? [] : (JSON.parse(note) as { slots: { slotId: string }[] }).slots;
    expect(stored.map(({ slotId }) => slotId).filter((slotId) => free.has(slotId))).toEqual([]);
  }

  /** Once nothing breaks any more, the edge has what was set aside for it, and nothing else is set aside. */
  async comeToRest(): Promise<void> {
    for (let round = 0; round < 30 && (round === 0 || !this.#atRest()); round += 1) {
      for (const message of this.centre.set(new Set(slotIds), false, this.#reported())) {
        this.keeper?.offered(message);
        await settle();
      }
      await this.take({ type: 'disk', outcome: 'ok', writes: 6 });
      await this.take({ type: 'wait' });
      await this.take({ type: 'apply', count: 1_000 });
      this.check();
    }
    expect(this.usable().sort()).toEqual(this.centre.setAside());
    expect(this.#atRest()).toBe(true);
  }

  #atRest(): boolean {
    const { epoch = '', next = 0 } = this.recorder?.view ?? {};
    const { version } = this.keeper?.status() ?? { version: 0 };
    const isQuiet = !this.#beginning && this.recorder?.view.failing === null;
    return isQuiet && this.centre.isSettled(version) && this.centre.isCurrent(epoch, next);
  }

  /** The latest most often. */
  #sentSet(choice: number): readonly Allowance[] {
    return this.sent.at(-1 - (choice < 14 ? choice % 2 : choice - 14)) ?? [];
  }

  #reported(): number {
    return this.keeper?.status().version ?? 0;
  }

  #admit(recorder: Recorder, keeper: AllowanceKeeper, choice: number): void {
    const usable = this.usable();
    const slotId = usable[choice % Math.max(1, usable.length)];
    if (slotId === undefined || recorder.view.failing !== null) return;
    const name = `gate#${String((this.#names += 1))}`;
    keeper.promise(name, slotId);
    if (choice > 17) {
      keeper.withdraw(name);
      return;
    }
    const common = { atMs: 0, monoMs: 0, bootId: '0'.repeat(32), gateId: 'gate' };
    recorder.record({
      kind: 'vehicle-arrived',
      begins: name,
      event: () => ({
        ...{ kind: 'vehicle-arrived', ...common, direction: 'entry', credential: null },
        ...{ vehicleClass: null, supersedes: null },
      }),
    });
    const admitted = (arrival: number): EdgeEvent => ({
      ...{ kind: 'vehicle-admitted', ...common, arrival, slotId, basis: 'allowance' },
    });
    recorder.record(
      keeper.admit(name, slotId, {
        kind: 'vehicle-admitted',
        event: (arrivals) => {
          const arrival = arrivals(name);
          return arrival === undefined ? null : admitted(arrival);
        },
        recorded: () => this.#inside.push({ name, slotId }),
      }),
    );
  }

  #leave(recorder: Recorder, choice: number): void {
    const [gone] = this.#inside.splice(choice % Math.max(1, this.#inside.length), 1);
    if (gone === undefined) return;
    const { name, slotId } = gone;
    recorder.record({
      kind: 'vehicle-backed-out',
      ends: name,
      event: (arrivals) => ({
        ...{ kind: 'vehicle-backed-out', atMs: 0, monoMs: 0, bootId: '0'.repeat(32), gateId: 'gate' },
        ...{ arrival: arrivals(name) ?? 1, slotId, basis: 'allowance' },
      }),
    });
  }

  #conflict(): void {
    const { recorder, keeper } = this;
    if (this.#beginning || recorder === undefined || keeper === undefined) return;
    this.#beginning = true;
    this.#conflicting = recorder.view.epoch;
    keeper.discard();
    recorder
      .beginEpoch(epochOf((this.#epochs += 1)), () => keeper.notesForNewEpoch())
      .then(
        () => {
          this.#beginning = false;
        },
        () => {
          // Tried again later, and not forgotten.
          this.#cancelRetry = this.clock.setTimer(1_000, () => {
            this.#beginning = false;
            this.#conflict();
          });
        },
      );
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
}

describe('whatever happens between an edge and the aggregator', () => {
  it('no slot is free there while it can be given out here, and none is given out that was not set aside', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 120 }), async (steps) => {
        const bench = new Bench();
        await bench.start();
        for (const next of steps) {
          await bench.take(next);
          bench.check();
        }
        await bench.comeToRest();
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
