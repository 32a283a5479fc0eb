/**
 * The form of our own, for readers that can be taught one: `{"plate": "AB12 CDE", "confidence": 0.93}` or `{"tag": "04A1B2C3"}`,
 * with `"track": "…"` where the reader knows which of its reads are of one vehicle.
 */
import { z } from 'zod';
import { fractionSchema, plateSchema, tagSchema } from './reading.js';
import type { Mapped } from './reading.js';

export const genericFormat = z
  .strictObject({
    plate: plateSchema.optional(),
    tag: tagSchema.optional(),
    confidence: fractionSchema.optional(),
    track: z.string().min(1).max(64).optional(),
  })
  .superRefine(({ plate, tag, confidence }, context) => {
    if ((plate === undefined) === (tag === undefined)) {
      context.addIssue({ code: 'custom', path: ['plate'], message: 'either plate or tag has to be there' });
    }
    if (plate !== undefined && confidence === undefined) {
      context.addIssue({ code: 'custom', path: ['confidence'], message: 'has to be there with a plate, from 0 to 1' });
    }
  })
  .transform(({ plate, tag, confidence = 1, track }): Mapped => {
    return {
      reading:
        plate === undefined
          ? { kind: 'tag', value: tag ?? '', confidence: 1, trackId: track }
          : { kind: 'plate', value: plate, confidence, trackId: track },
    };
  });
