import { describe, expect, it } from '@jest/globals';
import { createAuditor } from '../../src/world/auditor/index.js';
import { runCampaign } from '../../src/world/campaign.js';
import { createPeople } from '../../src/world/people/people.js';
import { failureLines } from '../../src/world/report.js';
import { createStreet } from '../../src/world/street/street.js';

/** Drawn once: what is found here is found by everybody, every time. More are run by `npm run world`. */
const firstSeed = 1;
const seedsAtATime = 30;
const rounds = 8;
const overrides = { minutes: 2 };

describe('the promises, in simulated worlds', () => {
  it.each(Array.from({ length: rounds }, (_, round) => firstSeed + round * seedsAtATime))(
    'are kept from seed %d on',
    async (first) => {
      const totals = await runCampaign(
        { firstSeed: first, seeds: seedsAtATime, overrides },
        { createStreet, createPeople, createAuditor: () => createAuditor() },
      );
      const report = totals.failures.flatMap((failure) => failureLines(failure, overrides)).join('\n');
      expect(report).toBe('');
      expect(totals.passages).toBeGreaterThan(0);
    },
    300_000,
  );
});
