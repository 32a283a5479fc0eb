/**
 * The alarm that Hikvision's ANPR cameras post, `anpr.xml` beside pictures (Intelligent Security API, ANPR, message
 * XML_EventNotificationAlert_ANPR). Used: `eventType`, `eventState`, `isDataRetransmission`, `UUID` and, of `ANPR`, `licensePlate`,
 * `confidenceLevel` (0 to 100) and `direction` (forward, reverse, unknown).
 */
import { z } from 'zod';
import { movementSchema, percentSchema, plateSchema, quoted, trackSchema } from './reading.js';
import type { Mapped } from './reading.js';

const word = z.string().max(100);

const otherSchema = z.object({ eventType: word });
const anprSchema = z.object({
  eventType: z.literal('ANPR'),
  eventState: word.optional(),
  isDataRetransmission: word.optional(),
  UUID: trackSchema,
  ANPR: z.discriminatedUnion('isRead', [
    z.object({ isRead: z.literal(false) }),
    z.object({
      isRead: z.literal(true),
      licensePlate: plateSchema,
      confidenceLevel: quoted(percentSchema),
      direction: movementSchema,
    }),
  ]),
});

export const hikvisionFormat = z
  .object({ EventNotificationAlert: otherSchema.loose() })
  .transform(({ EventNotificationAlert: alert }, context): Mapped => {
    // The same address is told of everything that the camera watches for, and that it is alive.
    if (alert.eventType !== 'ANPR') return { ignored: 'another event than ANPR' };
    const checked = anprSchema.safeParse({ ...alert, ANPR: withIsRead(alert.ANPR) });
    if (!checked.success) {
      for (const { path, message } of checked.error.issues) {
        context.addIssue({ code: 'custom', path: ['EventNotificationAlert', ...path], message });
      }
      return z.NEVER;
    }
    const { eventState, isDataRetransmission, UUID, ANPR } = checked.data;
    if (eventState === 'inactive') return { ignored: 'eventState is inactive' };
    if (isDataRetransmission === 'true') return { ignored: 'sent again after the camera was cut off' };
    if (!ANPR.isRead) return { ignored: 'no plate in it' };
    const { licensePlate, confidenceLevel, direction } = ANPR;
    const reading = { kind: 'plate' as const, value: licensePlate, confidence: confidenceLevel };
    return { reading: { ...reading, trackId: UUID, moving: direction } };
  });

/** A vehicle whose plate could not be read is reported as `unknown`, or with nothing there. */
function withIsRead(anpr: unknown): unknown {
  if (typeof anpr !== 'object' || anpr === null) return anpr;
  const { licensePlate } = anpr as { readonly licensePlate?: unknown };
  return { ...anpr, isRead: licensePlate !== '' && !/^unknown$/i.test(String(licensePlate)) };
}
