/**
 * The form of our own, for readers that can be taught one: `{"plate": "AB12 CDE", "confidence": 0.93}`, `{"tag": "04A1B2C3"}` or
 * `{"ticket": "7B2KM4XQ"}`, with `"track": "…"` where the reader knows which of its reads are of one vehicle.
 */
import { z } from 'zod';
import { fractionSchema, plateSchema, tagSchema, ticketSchema } from './reading.js';
import type { Mapped } from './reading.js';

export const genericFormat = z
  .strictObject({
    plate: plateSchema.optional(),
    tag: tagSchema.optional(),
    ticket: ticketSchema.optional(),
    confidence: fractionSchema.optional(),
    track: z.string().min(1).max(64).optional(),
  })
  .superRefine(({ plate, tag, ticket, confidence }, context) => {
    if ([plate, tag, ticket].filter((value) => value !== undefined).length !== 1) {
      context.addIssue({ code: 'custom', path: ['plate'], message: 'either plate or tag or ticket has to be there' });
    }
    if (plate !== undefined && confidence === undefined) {
      context.addIssue({ code: 'custom', path: ['confidence'], message: 'has to be there with a plate, from 0 to 1' });
    }
  })
  .transform(({ plate, tag, ticket, confidence = 1, track: trackId }): Mapped => {
    if (plate !== undefined) return { reading: { kind: 'plate', value: plate, confidence, trackId } };
    return ticket === undefined
      ? { reading: { kind: 'tag', value: tag ?? '', confidence: 1, trackId } }
      : { reading: { kind: 'ticket', value: ticket, confidence: 1, trackId } };
  });
