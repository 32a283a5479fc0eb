/**
 * What Rekor Scout and OpenALPR post (docs.rekor.ai, Scout, "JSON Plate Results"). Used: `data_type`, `results[].plate` and
 * `.confidence` (0 to 100).
 */
import { z } from 'zod';
import { percentSchema, plateSchema } from './reading.js';
import type { Mapped } from './reading.js';

const maxResults = 32;

const resultsSchema = z.object({
  data_type: z.literal('alpr_results'),
  results: z.array(z.object({ plate: plateSchema, confidence: percentSchema })).max(maxResults),
});

/** What the agent also sends: sums of vehicles that have left, alerts made of them, and signs of life. */
const otherSchema = z.object({ data_type: z.enum(['alpr_group', 'alpr_alert', 'heartbeat']) });

export const rekorFormat = z
  .discriminatedUnion('data_type', [resultsSchema, otherSchema])
  .transform((payload): Mapped => {
    // A group is sent after its vehicle has left the picture: it would be taken for a read of the next one.
    if (payload.data_type !== 'alpr_results')
      return { ignored: `${payload.data_type} tells of no vehicle that is there` };
    const [first, ...others] = payload.results;
    if (first === undefined) return { ignored: 'no plate in it' };
    const { plate, confidence } = others.reduce(
      (best, result) => (result.confidence > best.confidence ? result : best),
      first,
    );
    return { reading: { kind: 'plate', value: plate, confidence } };
  });
