/** What one vehicle costs storage, in commits; how much each writes is measured by `npm run measure:edge`. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSqliteOutbox } from '../../src/adapters/sqlite-outbox/index.js';
import type { OutboxStore } from '../../src/index.js';
import { createHarness, sha256 } from './harness.js';
import type { Harness } from './harness.js';

const slot = { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } as const;

describe('a vehicle costs', () => {
  let directory: string;
  let edge: Harness;
  let writes: string[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-cost-'));
    const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
    const store = createSqliteOutbox({ directory, sha256, clock });
    writes = [];
    // Of what it does, these flush.
    const counted: OutboxStore = {
      ...store,
      append: (write) => {
        writes.push('append');
        return store.append(write);
      },
      trim: async (bounds) => {
        writes.push('trim');
        return store.trim(bounds);
      },
    };
    edge = createHarness({ clock, outbox: counted, machine: { bootId: 'boot', upMs: () => clock.monoMs() } });
    await edge.start();
    writes.length = 0;
  });
  afterEach(async () => {
    await edge.agent.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Store calls run on threads of their own. */
  const written = async (): Promise<void> => {
    const before = edge.agent.status().counters.commits;
    const deadlineMs = Date.now() + 10_000;
    while (edge.agent.status().counters.commits === before && Date.now() < deadlineMs) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    await edge.settle();
  };
  const epoch = (): string => edge.states().at(-1)?.epoch ?? '';

  it('three commits when the aggregator opens: it came, it was let in, it is through', async () => {
    await edge.advance(100);
    edge.barrier('entry-1').set('arming', true);
    await written();
    await edge.decide(1, { epoch: epoch(), slot });
    await written();
    for (const [input, active] of [
      ['safety', true],
      ['arming', false],
      ['safety', false],
    ] as const) {
      edge.barrier('entry-1').set(input, active);
      await edge.settle();
    }
    await written();
    expect(edge.agent.status().gates[0]?.passages.entry).toBe(1);
    expect(writes).toEqual(['append', 'append', 'append']);
  });

  it('nothing while nobody comes, but a look each minute at what was acknowledged', async () => {
    await edge.advance(600_000);
    expect(writes.filter((write) => write === 'append')).toEqual([]);
    expect(writes.length).toBeLessThanOrEqual(10);
  });
});
