/**
 * The push event of AXIS License Plate Verifier (developer.axis.com/vapix, "License plate verifier API"). Used: `plateUTF8` or else
 * `plateText`, `plateConfidence` (0 to 1, in quotes), `carState`.
 */
import { z } from 'zod';
import { fractionSchema, plateSchema } from './reading.js';
import type { Mapped } from './reading.js';

const quotedFraction = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,3}(\.\d{1,20})?$/.test(value) ? Number(value) : value),
  fractionSchema,
);

export const axisFormat = z
  .object({
    plateUTF8: plateSchema.optional(),
    plateText: plateSchema.optional(),
    plateConfidence: quotedFraction,
    carState: z.enum(['new', 'update', 'lost']),
  })
  .transform(({ plateUTF8, plateText, plateConfidence, carState }, context): Mapped => {
    // Sent seconds after the vehicle left the picture: it would be taken for a read of the next one.
    if (carState === 'lost') return { ignored: 'the vehicle has left the picture' };
    const value = plateUTF8 ?? plateText;
    if (value === undefined) {
      context.addIssue({ code: 'custom', path: ['plateUTF8'], message: 'plateUTF8 or plateText has to be there' });
      return z.NEVER;
    }
    return { reading: { kind: 'plate', value, confidence: plateConfidence } };
  });
