import { afterEach, describe, expect, it } from '@jest/globals';
import { createVirtualClock, stateSchema } from '@gatehouse/shared';
import type { Clock } from '@gatehouse/shared';
import { createHarness } from './harness.js';
import type { Harness, HarnessOptions } from './harness.js';

let running: Harness[] = [];
async function started(options: HarnessOptions = {}): Promise<Harness> {
  const edge = createHarness(options);
  running.push(edge);
  await edge.start();
  return edge;
}
afterEach(async () => {
  for (const edge of running) await edge.agent.stop();
  running = [];
});

const intervalMs = 10_000;

function lastState(edge: Harness) {
  const state = edge.states().at(-1);
  if (state === undefined) throw new Error('no state was published');
  expect(stateSchema.safeParse(state).error).toBeUndefined();
  return state;
}

describe('the age of the outbox in the state', () => {
  it('is null when everything is acknowledged, and grows with the oldest event that is not', async () => {
    const edge = await started();
    expect(lastState(edge).outboxOldestAgeMs).toBeNull();
    await edge.edge('entry-1', 'fire', true);
    await edge.advance(2_000);
    await edge.edge('entry-1', 'fire', false);
    await edge.advance(3 * intervalMs);
    const age = lastState(edge).outboxOldestAgeMs ?? 0;
    expect(age).toBeGreaterThan(2 * intervalMs);
    expect(age).toBeLessThanOrEqual(3 * intervalMs + 2_000);
    expect(edge.agent.status().outbox.oldestUnacknowledgedAgeMs).toBe(3 * intervalMs + 2_000);
    await edge.acknowledge(edge.backing.next - 1);
    await edge.advance(intervalMs);
    expect(lastState(edge).outboxOldestAgeMs).toBeNull();
  });

  it('sends no state of its own: between two changes they go at intervals only', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'fire', true);
    await edge.advance(intervalMs - 1_000);
    const before = edge.states().length;
    for (let second = 0; second < 50; second += 1) await edge.advance(1_000);
    expect(edge.states().length - before).toBe(5);
  });

  it('does not follow a wall clock that jumps', async () => {
    const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
    const edge = await started({ clock });
    await edge.edge('entry-1', 'fire', true);
    await edge.advance(1_000);
    clock.jumpWall(86_400_000);
    expect(edge.agent.status().outbox.oldestUnacknowledgedAgeMs).toBe(1_000);
  });

  it('is looked up where the oldest event is on the disk alone: unknown at first, then told', async () => {
    const before = await started({ connected: false });
    await before.edge('entry-1', 'fire', true);
    await before.advance(60_000);
    await before.agent.stop();
    const { backing, clock } = before;
    const edge = await started({ backing, clock, seed: 2, bootId: 'c'.repeat(32) });
    expect(lastState(edge)).not.toHaveProperty('outboxOldestAgeMs');
    await edge.advance(intervalMs);
    expect(lastState(edge).outboxOldestAgeMs).toBe(60_000 + intervalMs);
    await edge.acknowledge(edge.backing.next - 1);
    expect(edge.agent.status().outbox.oldestUnacknowledgedAgeMs).toBeNull();
  });

  it('is unknown, and asked for again, while the disk does not answer', async () => {
    const before = await started({ connected: false });
    await before.edge('entry-1', 'fire', true);
    await before.agent.stop();
    const { backing, clock } = before;
    backing.failure = (operation) => (operation === 'read' ? 'io' : undefined);
    const edge = await started({ backing, clock, seed: 2, bootId: 'c'.repeat(32) });
    await edge.advance(intervalMs);
    expect(lastState(edge)).not.toHaveProperty('outboxOldestAgeMs');
    backing.failure = undefined;
    await edge.advance(2 * intervalMs);
    expect(lastState(edge).outboxOldestAgeMs).toBeGreaterThanOrEqual(2 * intervalMs);
  });
});

describe('the time of the last decision in the state', () => {
  it('is null before the first, then what the vehicle waited, whoever decided', async () => {
    const edge = await started();
    await edge.edge('entry-1', 'arming', true);
    expect(lastState(edge).lastDecisionMs).toBeNull();
    await edge.advance(200);
    await edge.decide(1);
    await edge.advance(intervalMs);
    expect(lastState(edge).lastDecisionMs).toBe(200);
    await edge.edge('exit-1', 'arming', true);
    await edge.advance(intervalMs);
    expect(lastState(edge).lastDecisionMs).toBe(edge.settings.protocol.decisionTimeoutMs);
  });

  it('is told in whole milliseconds of a clock that knows more of them', async () => {
    const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
    let partMs = 0;
    const linkClock: Clock = {
      wallMs: () => clock.wallMs(),
      monoMs: () => clock.monoMs() + partMs,
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    };
    const edge = await started({ clock, linkClock });
    await edge.edge('entry-1', 'arming', true);
    partMs = 0.625;
    await edge.advance(200);
    await edge.decide(1);
    await edge.advance(intervalMs);
    expect(lastState(edge).lastDecisionMs).toBe(201);
  });
});
