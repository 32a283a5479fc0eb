import { afterEach, describe, expect, it } from '@jest/globals';
import { createVirtualClock, terminalKinds } from '@gatehouse/shared';
import type { VirtualClock } from '@gatehouse/shared';
import fc from 'fast-check';
import '../../../test/support/random-tests.js';
import type { GateDirection } from '@gatehouse/shared';
import type { EdgeSettingsInput, LaneInput } from '../../src/index.js';
import { createHarness } from './harness.js';
import type { Harness } from './harness.js';

const isTerminal = (kind: string): boolean => (terminalKinds as readonly string[]).includes(kind);
const slot = { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } as const;
const gateId = 'gate';

/** One machine, on which one agent runs after the other at the same gate. */
interface Machine {
  readonly clock: VirtualClock;
  bootId: string;
  run: Harness;
}

const machines: Machine[] = [];
afterEach(async () => {
  for (const { run } of machines.splice(0)) await run.agent.stop();
});

interface Lane {
  readonly direction?: GateDirection;
  readonly lane?: NonNullable<EdgeSettingsInput['gates'][number]['lane']>;
  readonly restart?: EdgeSettingsInput['restart'];
}

async function started({ direction = 'entry', lane, restart }: Lane = {}): Promise<Machine> {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
  const settings = { gates: [{ gateId, direction, ...(lane && { lane }) }], ...(restart && { restart }) };
  const machine: Machine = { clock, bootId: 'boot-1', run: createHarness() };
  const uptime = {
    get bootId() {
      return machine.bootId;
    },
    upMs: () => clock.monoMs(),
  };
  machine.run = createHarness({ clock, settings, machine: uptime });
  machines.push(machine);
  await machine.run.start();
  return machine;
}

type Levels = Partial<Record<LaneInput, boolean>>;

/** Ends the agent one way or the other; meanwhile the vehicle may move, and time passes; then the next one starts. */
async function restarted(
  machine: Machine,
  how: 'killed' | 'stopped',
  { downMs = 3_000, levels = {} }: { downMs?: number; levels?: Levels } = {},
): Promise<void> {
  const { run } = machine;
  if (how === 'stopped') await run.agent.stop();
  else run.backing.holder = undefined;
  const before = run.barrier(gateId).levels;
  machine.run = createHarness({
    clock: machine.clock,
    settings: run.settings,
    backing: run.backing,
    seed: 2,
    machine: { bootId: machine.bootId, upMs: () => machine.clock.monoMs() },
  });
  for (const [input, active] of before) machine.run.barrier(gateId).levels.set(input, active);
  for (const [input, active] of Object.entries(levels)) {
    machine.run.barrier(gateId).levels.set(input as LaneInput, active);
  }
  await machine.run.advance(downMs);
  await machine.run.start();
}

async function set(machine: Machine, input: LaneInput, active: boolean): Promise<void> {
  await machine.run.edge(gateId, input, active);
  await machine.run.advance(600);
}

/** It stands on the first loop and is let in. */
async function admitted(machine: Machine, first: LaneInput = 'arming'): Promise<void> {
  await set(machine, first, true);
  await machine.run.decide(1, { slot });
  await machine.run.advance(2_000);
}

describe('a vehicle that is let through while the agent is restarted', () => {
  it.each(['killed', 'stopped'] as const)(
    'still on the first loop when it was %s: its passage counts once',
    async (how) => {
      const machine = await started();
      await admitted(machine);
      await restarted(machine, how);
      await machine.run.driveThrough(gateId);
      expect(machine.run.stored()).toMatchObject([
        { kind: 'vehicle-arrived' },
        { kind: 'vehicle-passed', arrival: 1, slotId: 'a1', basis: 'decision' },
      ]);
      expect(machine.run.kinds()).toHaveLength(2);
    },
  );

  it('under the arm: the arm is not asked to close before it is through, and then it is', async () => {
    const machine = await started();
    await admitted(machine);
    await set(machine, 'safety', true);
    await set(machine, 'arming', false);
    await restarted(machine, 'killed');
    await machine.run.advance(30_000);
    expect(machine.run.barrier(gateId).requests).not.toContain('close');
    await set(machine, 'safety', false);
    expect(machine.run.kinds()).toEqual(['vehicle-arrived', 'vehicle-passed']);
    await machine.run.advance(5_000);
    expect(machine.run.barrier(gateId).requests).toContain('close');
  });

  it('went on to the second loop meanwhile: it counts, at an exit as well', async () => {
    const machine = await started({ direction: 'exit' });
    await admitted(machine);
    await restarted(machine, 'killed', { levels: { arming: false, safety: true } });
    await set(machine, 'safety', false);
    expect(machine.run.stored().at(-1)).toMatchObject({ kind: 'vehicle-passed', direction: 'exit', arrival: 1 });
  });

  it('came from inside at a gate for both ways: it goes on the way it was going', async () => {
    const machine = await started({ direction: 'both' });
    await admitted(machine, 'safety');
    await restarted(machine, 'killed');
    await set(machine, 'arming', true);
    await set(machine, 'safety', false);
    await set(machine, 'arming', false);
    expect(machine.run.stored().at(-1)).toMatchObject({ kind: 'vehicle-passed', direction: 'exit', arrival: 1 });
  });

  it('backs out after all: it is told so, with the slot that comes back', async () => {
    const machine = await started();
    await admitted(machine);
    await restarted(machine, 'killed');
    await set(machine, 'arming', false);
    await machine.run.advance(10_000);
    expect(machine.run.stored().at(-1)).toMatchObject({ kind: 'vehicle-backed-out', arrival: 1, slotId: 'a1' });
  });

  it('its plate, read once more, is no other vehicle', async () => {
    const machine = await started();
    await machine.run.read(gateId, { value: 'AB123' });
    await admitted(machine);
    await restarted(machine, 'killed');
    await machine.run.read(gateId, { value: 'AB123' });
    await machine.run.driveThrough(gateId);
    await machine.run.edge(gateId, 'arming', true);
    await machine.run.advance(3_000);
    const [, , next] = machine.run.stored();
    expect(next).toMatchObject({ kind: 'vehicle-arrived', credential: null });
  });

  it('restarted twice: still one passage', async () => {
    const machine = await started();
    await admitted(machine);
    await restarted(machine, 'stopped');
    await restarted(machine, 'killed');
    await machine.run.driveThrough(gateId);
    expect(machine.run.kinds()).toEqual(['vehicle-arrived', 'vehicle-passed']);
  });

  it('counts how long it was unseen from the stop on, however long it has stood there', async () => {
    const machine = await started({ restart: { sameVehicleWithinMs: 60_000 } });
    await admitted(machine);
    await machine.run.advance(600_000);
    await restarted(machine, 'stopped', { downMs: 60_000 });
    await machine.run.driveThrough(gateId);
    expect(machine.run.kinds()).toEqual(expect.arrayContaining(['vehicle-passed']));
    expect(machine.run.kinds()).not.toContain('arrival-unresolved');
  });
});

describe('nobody knows what became of a vehicle', () => {
  it('that is not there any more', async () => {
    const machine = await started();
    await admitted(machine);
    await restarted(machine, 'killed', { levels: { arming: false } });
    expect(machine.run.stored().at(-1)).toMatchObject({ kind: 'arrival-unresolved', arrival: 1, slotId: 'a1' });
  });

  it('that was let in too long ago', async () => {
    const machine = await started({ restart: { sameVehicleWithinMs: 60_000 } });
    await admitted(machine);
    await restarted(machine, 'killed', { downMs: 60_001 });
    await machine.run.advance(1_000);
    expect(machine.run.kinds()).toEqual(['vehicle-arrived', 'arrival-unresolved', 'vehicle-arrived']);
  });

  it('that was there before the machine booted', async () => {
    const machine = await started();
    await admitted(machine);
    machine.bootId = 'boot-2';
    await restarted(machine, 'killed');
    expect(machine.run.kinds()).toContain('arrival-unresolved');
  });
});

describe('a vehicle that was not let in yet', () => {
  it.each(['killed', 'stopped'] as const)(
    'arrives anew when the agent was %s, and holds no second slot',
    async (how) => {
      const machine = await started();
      await set(machine, 'arming', true);
      await restarted(machine, how);
      expect(machine.run.stored()).toMatchObject([
        { kind: 'vehicle-arrived' },
        { kind: 'arrival-void', arrival: 1, reason: 'superseded' },
        { kind: 'vehicle-arrived' },
      ]);
    },
  );
});

describe('an agent that is asked to end', () => {
  it('waits until the vehicle is through and the arm is down', async () => {
    const machine = await started();
    await admitted(machine);
    let hasLeft = false;
    const leaving = machine.run.agent.leave().then(() => {
      hasLeft = true;
    });
    await machine.run.driveThrough(gateId);
    expect(machine.run.kinds()).toContain('vehicle-passed');
    expect(hasLeft).toBe(false);
    await machine.run.advance(4_000);
    expect(hasLeft).toBe(true);
    expect(machine.run.barrier(gateId).levels.get('limit-closed')).toBe(true);
    await leaving;
  });

  it('waits no longer than it may, however often it is asked', async () => {
    const machine = await started({ restart: { laneClearTimeoutMs: 5_000 } });
    await admitted(machine);
    const left: string[] = [];
    void machine.run.agent.leave().then(() => left.push('first'));
    await machine.run.advance(3_000);
    void machine.run.agent.leave().then(() => left.push('second'));
    await machine.run.advance(1_999);
    expect(left).toEqual([]);
    await machine.run.advance(1);
    expect(left).toEqual(['first', 'second']);
  });

  it('lets nobody in meanwhile, and does not wait for those who wait', async () => {
    const machine = await started({ direction: 'exit' });
    await set(machine, 'arming', true);
    await machine.run.agent.leave();
    await machine.run.decide(1);
    await machine.run.advance(60_000);
    expect(machine.run.barrier(gateId).requests).not.toContain('open');
  });
});

const steps: readonly (readonly [LaneInput, boolean])[] = [
  ['arming', true],
  ['safety', true],
  ['arming', false],
  ['safety', false],
];

describe('wherever the vehicle was when the agent ended, and wherever it is when the next one starts', () => {
  it('it is counted at most once, its arrival ends once, and the arm never closes on it', async () => {
    const story = fc.record({
      direction: fc.constantFrom<GateDirection>('entry', 'exit', 'both'),
      countWhen: fc.constantFrom('leaving-safety' as const, 'leaving-arming' as const),
      isAdmitted: fc.boolean(),
      endsAfter: fc.integer({ min: 1, max: 4 }),
      movesMeanwhile: fc.nat(3),
      how: fc.constantFrom('killed' as const, 'stopped' as const),
      downMs: fc.constantFrom(0, 3_000, 130_000),
      again: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        story,
        async ({ direction, countWhen, isAdmitted, endsAfter, movesMeanwhile, how, downMs, again }) => {
          const machine = await started({ direction, lane: { countWhen } });
          await set(machine, 'arming', true);
          if (isAdmitted) await machine.run.decide(1, { slot });
          await machine.run.advance(2_000);
          const done = isAdmitted ? endsAfter : 1;
          for (const [input, active] of steps.slice(1, done)) await set(machine, input, active);
          const meanwhile = isAdmitted ? steps.slice(done, done + movesMeanwhile) : [];
          await restarted(machine, how, { downMs, levels: Object.fromEntries(meanwhile) });
          if (again) await restarted(machine, 'killed');
          for (const [input, active] of steps.slice(done + meanwhile.length)) {
            const waiting = machine.run.agent.status().gates[0]?.arrival;
            if (waiting?.progress === 'waiting' && waiting.seq !== null)
              await machine.run.decide(waiting.seq, { slot });
            await machine.run.advance(2_000);
            await set(machine, input, active);
          }
          await machine.run.advance(20_000);
          const events = machine.run.stored();
          const seqs = events.flatMap(({ kind }, index) => (kind === 'vehicle-arrived' ? [index + 1] : []));
          const ends = events.flatMap((event) => ('arrival' in event && isTerminal(event.kind) ? [event.arrival] : []));
          expect(ends.filter((seq) => seq !== null).sort()).toEqual(seqs);
          const passed = events.filter(({ kind }) => kind === 'vehicle-passed').length;
          expect(passed).toBeLessThanOrEqual(1);
          const wasSeenAgain = done + meanwhile.length < 4 && downMs < 100_000;
          if (isAdmitted && wasSeenAgain) expect(passed).toBe(1);
          expect(machine.run.barrier(gateId).closedUpon).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});
