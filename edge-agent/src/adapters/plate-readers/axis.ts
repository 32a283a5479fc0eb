/**
 * The push event of AXIS License Plate Verifier (developer.axis.com/vapix, "License plate verifier API"). Used: `plateUTF8` or else
 * `plateText`, `plateConfidence` (0 to 1, in quotes), `carState`, `carID`, `carMoveDirection`.
 */
import { z } from 'zod';
import { fractionSchema, movementSchema, plateSchema, quoted, trackSchema } from './reading.js';
import type { Mapped } from './reading.js';

export const axisFormat = z
  .object({
    plateUTF8: plateSchema.optional(),
    plateText: plateSchema.optional(),
    plateConfidence: quoted(fractionSchema),
    carState: z.enum(['new', 'update', 'lost']),
    carID: trackSchema,
    carMoveDirection: movementSchema,
  })
  .transform(({ plateUTF8, plateText, plateConfidence, carState, carID, carMoveDirection }, context): Mapped => {
    // Sent seconds after the vehicle left the picture: it would be taken for a read of the next one.
    if (carState === 'lost') return { ignored: 'the vehicle has left the picture' };
    const value = plateUTF8 ?? plateText;
    if (value === undefined) {
      context.addIssue({ code: 'custom', path: ['plateUTF8'], message: 'plateUTF8 or plateText has to be there' });
      return z.NEVER;
    }
    const reading = { kind: 'plate' as const, value, confidence: plateConfidence };
    return { reading: { ...reading, trackId: carID, moving: carMoveDirection } };
  });
