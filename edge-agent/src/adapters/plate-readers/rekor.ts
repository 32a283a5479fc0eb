/**
 * What Rekor Scout and OpenALPR post (docs.rekor.ai, Scout, "JSON Plate Results" and "JSON Group Results"). Used: `data_type`; of
 * alpr_results `results[].plate` and `.confidence` (0 to 100); of alpr_group `best_plate_number`, `best_confidence` (0 to 100),
 * `best_uuid`, `is_parked`.
 */
import { z } from 'zod';
import { percentSchema, plateSchema, trackSchema } from './reading.js';
import type { Mapped } from './reading.js';

const maxResults = 32;

const resultsSchema = z.object({
  data_type: z.literal('alpr_results'),
  results: z.array(z.object({ plate: plateSchema, confidence: percentSchema })).max(maxResults),
});

const groupSchema = z.object({
  data_type: z.literal('alpr_group'),
  best_plate_number: plateSchema,
  best_confidence: percentSchema,
  best_uuid: trackSchema,
  is_parked: z.boolean().optional(),
});

/** What the agent also sends: alerts made of groups, and signs of life. */
const otherSchema = z.object({ data_type: z.enum(['alpr_alert', 'heartbeat']) });

export const rekorFormat = z
  .discriminatedUnion('data_type', [resultsSchema, groupSchema, otherSchema])
  .transform((payload): Mapped => {
    switch (payload.data_type) {
      case 'alpr_results':
        return surestOf(payload);
      case 'alpr_group': {
        const { best_plate_number: value, best_confidence: confidence, best_uuid: trackId } = payload;
        if (payload.is_parked === true) return { ignored: 'the vehicle is parked' };
        return { reading: { kind: 'plate', value, confidence, trackId, hasLeft: true } };
      }
      default:
        return { ignored: `${payload.data_type} tells of no vehicle that is there` };
    }
  });

function surestOf({ results }: z.output<typeof resultsSchema>): Mapped {
  const [first, ...others] = results;
  if (first === undefined) return { ignored: 'no plate in it' };
  const { plate, confidence } = others.reduce(
    (best, result) => (result.confidence > best.confidence ? result : best),
    first,
  );
  return { reading: { kind: 'plate', value: plate, confidence } };
}
