import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, edgeEventSchema, eventBatchSchema, stateSchema } from '@gatehouse/shared';
import { chainOf, createHarness } from './harness.js';

describe('one vehicle, from loop to passage', () => {
  it('is announced after its commit, admitted by the decision, opened for, counted and closed behind', async () => {
    const edge = createHarness();
    await edge.start();
    await edge.edge('entry-1', 'arming', true);
    const [batch] = edge.batches();
    if (batch === undefined) throw new Error('nothing was announced');
    expect(eventBatchSchema.safeParse(batch).success).toBe(true);
    expect(batch).toMatchObject({ first: 1, waiting: [1], events: [{ kind: 'vehicle-arrived', direction: 'entry' }] });
    expect(chainOf(batch)).toBe(edge.backing.lastHash);
    expect(edge.barrier('entry-1').requests).toEqual([]);
    await edge.decide(1);
    expect(edge.barrier('entry-1').requests).toEqual(['open']);
    await edge.acknowledge(1);
    await edge.advance(2_000);
    await edge.driveThrough('entry-1');
    await edge.advance(5_000);
    expect(edge.kinds()).toEqual(['vehicle-arrived', 'vehicle-passed']);
    expect(edge.stored()[1]).toMatchObject({ arrival: 1, basis: 'decision', flags: [] });
    expect(edge.barrier('entry-1').requests).toEqual(['open', 'close']);
    expect(edge.agent.status().gates[0]?.barrier).toBe('closed');
    for (const event of edge.stored()) expect(edgeEventSchema.safeParse(event).error).toBeUndefined();
    for (const state of edge.states()) expect(stateSchema.safeParse(state).error).toBeUndefined();
    await edge.agent.stop();
  });
});

describe('the boot id, within which monotonic times are compared', () => {
  const wall = { wallMs: 1_700_000_000_000, monoMs: 1_000 };
  const clock = createVirtualClock(wall);

  it.each([
    ['is one where lanes and protocol have one clock', clock, true],
    ['of a state is not that of events where the lanes have a clock of their own', createVirtualClock(wall), false],
  ])('%s', async (_name, linkClock, isOne) => {
    const edge = createHarness({ clock, linkClock });
    await edge.start();
    await edge.edge('entry-1', 'arming', true);
    const [event] = edge.stored();
    expect(edge.states().length).toBeGreaterThan(0);
    for (const state of edge.states()) {
      expect(stateSchema.safeParse(state).error).toBeUndefined();
      expect(state.clock.bootId === event?.bootId).toBe(isOne);
    }
    await edge.agent.stop();
  });
});
