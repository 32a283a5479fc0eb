import { expect, it } from '@jest/globals';
import { openWorld } from './support.js';

it('looks again after a turn that held both the look at a site and what makes an edge fit for slots', async () => {
  // The layout makes the first look due; the edge's state comes into the same turn behind it, and nothing happens after that.
  const world = await openWorld();
  const edge = world.edge('edge-1');
  edge.state();
  await world.advance(8_000);
  expect(edge.allowances.at(-1)?.slots.length).toBeGreaterThan(0);
  await world.aggregator.stop();
});
