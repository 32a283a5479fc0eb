import { afterEach, describe, expect, it } from '@jest/globals';
import { createHarness } from './harness.js';
import type { Harness } from './harness.js';

describe('an outbox that is full of events nobody has acknowledged', () => {
  let edge: Harness;
  afterEach(async () => {
    await edge.agent.stop();
  });

  it('throws none of them away: entries turn vehicles away, exits open and are counted, and that is told when there is room', async () => {
    const maxEvents = 6;
    edge = createHarness({ bounds: { maxEvents }, connected: false });
    await edge.start();
    for (let vehicle = 0; vehicle < 3; vehicle += 1) {
      await edge.edge('exit-1', 'arming', true);
      await edge.advance(2_000);
      await edge.driveThrough('exit-1');
      await edge.advance(5_000);
    }
    const kept = edge.stored();
    expect(kept).toHaveLength(maxEvents);
    expect(edge.agent.status().outbox).toMatchObject({ failing: 'outbox-full', oldest: 1 });
    expect(edge.barrier('exit-1').requests.filter((request) => request === 'open')).toHaveLength(3);

    await edge.edge('entry-1', 'arming', true);
    await edge.advance(5_000);
    expect(edge.barrier('entry-1').requests).toEqual([]);
    expect(edge.stored()).toEqual(kept);

    edge.link.peer.connect();
    await edge.acknowledge(maxEvents);
    await edge.advance(60_000);
    expect(edge.agent.status().outbox.failing).toBeNull();
    const lost = edge.stored().filter(({ kind }) => kind === 'events-lost');
    expect(lost).toMatchObject([{ reason: 'outbox-full', exits: 1, entries: 0 }]);
    expect(edge.agent.status().counters.passagesExit).toBe(3);
  });
});
