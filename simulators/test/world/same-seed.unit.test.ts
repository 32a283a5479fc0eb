import { describe, expect, it } from '@jest/globals';
import { createAuditor } from '../../src/world/auditor/index.js';
import { createPeople } from '../../src/world/people/people.js';
import { runWorld } from '../../src/world/run-world.js';
import { scenarioOf } from '../../src/world/scenario-of.js';
import { createStreet } from '../../src/world/street/street.js';

async function traceOf(seed: number) {
  let text = '';
  await runWorld({
    scenario: scenarioOf(seed, { minutes: 1 }),
    parts: { createStreet, createPeople, createAuditor: () => createAuditor() },
    writeTrace: (piece) => {
      text += piece;
    },
  });
  return text;
}

describe('a simulated world', () => {
  it.each([101, 102])(
    'runs the same way again, byte for byte, from seed %d',
    async (seed) => {
      const one = await traceOf(seed);
      const other = await traceOf(seed);
      expect(other).toBe(one);
      expect(one.split('\n').length).toBeGreaterThan(200);
    },
    60_000,
  );

  it('runs another way from another seed', async () => {
    expect(await traceOf(104)).not.toBe(await traceOf(105));
  }, 60_000);
});
