/**
 * What a passage costs in a simulated world. Nothing here depends on how fast the machine is: timers and happenings are counted, and
 * processor time is compared with that of a piece of work measured in the same minute.
 */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { createAuditor } from '../../src/world/auditor/index.js';
import { runCampaign } from '../../src/world/campaign.js';
import type { CampaignTotals } from '../../src/world/campaign.js';
import { createPeople } from '../../src/world/people/people.js';
import { createStreet } from '../../src/world/street/street.js';

/** Timers fired for one passage: 94 when this was written. */
const maxStepsPerPassage = 115;
/** Happenings told for one passage: 48 when this was written. */
const maxHappeningsPerPassage = 60;
/** Messages read and hashed in the processor time of one passage: 350 to 550 in the best round on a busy machine. */
const maxMessagesPerPassage = 900;

const seedsAtATime = 3;
const rounds = 4;
const messagesAtATime = 6_000;

const eventSchema = z.strictObject({
  kind: z.enum(['arrival', 'passage']),
  gateId: z.string().min(1).max(64),
  direction: z.enum(['entry', 'exit']),
  atMs: z.int().nonnegative(),
  credential: z.strictObject({ kind: z.literal('plate'), value: z.string(), confidence: z.number() }).nullable(),
});
const messageSchema = z.strictObject({
  epoch: z.string(),
  first: z.int().positive(),
  events: z.array(eventSchema).max(100),
});

const messageOf = (number: number): string =>
  JSON.stringify({
    epoch: 'a3f1c2d4e5b60718293a4b5c6d7e8f90',
    first: number + 1,
    events: ['arrival', 'passage'].map((kind) => ({
      kind,
      gateId: `entry-${String(number % 7)}`,
      direction: 'entry',
      atMs: 1_772_438_400_000 + number,
      credential: { kind: 'plate', value: `AB${String(number)}`, confidence: 0.93 },
    })),
  });

const cpuMsSince = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

/** Processor time, in ms, of reading and hashing one message. */
function messageCpuMs(): number {
  const texts = Array.from({ length: 500 }, (_, number) => messageOf(number));
  const before = process.cpuUsage();
  let hash = '';
  for (let number = 0; number < messagesAtATime; number += 1) {
    const message = messageSchema.parse(JSON.parse(texts[number % texts.length] ?? ''));
    hash = createHash('sha256').update(hash).update(JSON.stringify(message)).digest('hex');
  }
  expect(hash).toHaveLength(64);
  return cpuMsSince(before) / messagesAtATime;
}

const worlds = (firstSeed: number): Promise<CampaignTotals> =>
  runCampaign(
    { firstSeed, seeds: seedsAtATime, overrides: { minutes: 2 } },
    { createStreet, createPeople, createAuditor: () => createAuditor() },
  );

describe('what a passage costs in a simulated world', () => {
  const counted = { passages: 0, steps: 0, happenings: 0 };
  const messagesPerPassage: number[] = [];

  beforeAll(async () => {
    // Until the compiler knows both.
    await worlds(1);
    messageCpuMs();
    for (let round = 0; round < rounds; round += 1) {
      const oneMs = messageCpuMs();
      const before = process.cpuUsage();
      const { passages, steps, happenings } = await worlds(1 + (round + 1) * seedsAtATime);
      const passageMs = cpuMsSince(before) / passages;
      messagesPerPassage.push(passageMs / ((oneMs + messageCpuMs()) / 2));
      counted.passages += passages;
      counted.steps += steps;
      counted.happenings += happenings;
    }
  }, 600_000);

  it('is a bounded number of timers', () => {
    expect(counted.passages).toBeGreaterThan(200);
    expect(counted.steps / counted.passages).toBeLessThan(maxStepsPerPassage);
  });

  it('is a bounded number of happenings', () => {
    expect(counted.happenings / counted.passages).toBeLessThan(maxHappeningsPerPassage);
  });

  it('is not much more processor time than it was, as against reading and hashing messages', () => {
    // Whatever else the machine does only adds to the cost of worlds, which fill its caches: the best round is the truest.
    expect(Math.min(...messagesPerPassage)).toBeLessThan(maxMessagesPerPassage);
  });
});
