/**
 * What Frigate publishes of plates at its broker (docs.frigate.video, Integrations, "MQTT"): `tracked_object_update` of type lpr with
 * `id`, `camera`, `plate`, `score`, and `events` with `type` and the object `before` and `after`, of which `id`, `camera`,
 * `recognized_license_plate` and `recognized_license_plate_score` are used. Scores are 0 to 1.
 */
import { z } from 'zod';
import { mapWith, readJson } from './formats.js';
import type { Refused } from './formats.js';
import { fractionSchema, plateSchema, trackSchema } from './reading.js';
import type { Mapped } from './reading.js';

export const frigateTopics = ['tracked_object_update', 'events'] as const;
export type FrigateTopic = (typeof frigateTopics)[number];

/** `camera`: as Frigate calls it; null where the message names none. */
export interface FrigateMessage {
  readonly camera: string | null;
  readonly mapped: Mapped | Refused;
}

export function mapFrigate(topic: FrigateTopic, text: string): FrigateMessage {
  const read = readJson(text);
  if ('refused' in read) return { camera: null, mapped: read };
  const camera = cameraSchemas[topic].safeParse(read.document);
  return { camera: camera.data ?? null, mapped: mapWith(schemas[topic], read.document) };
}

const cameraName = z.string().min(1).max(200);
const cameraSchemas: Readonly<Record<FrigateTopic, z.ZodType<string>>> = {
  tracked_object_update: z.object({ camera: cameraName }).transform(({ camera }) => camera),
  events: z.object({ after: z.object({ camera: cameraName }) }).transform(({ after }) => after.camera),
};

const lprSchema = z
  .object({ plate: plateSchema, score: fractionSchema, id: trackSchema })
  .transform(({ plate, score, id }): Mapped => {
    return { reading: { kind: 'plate', value: plate, confidence: score, trackId: id } };
  });

const updateSchema = z.looseObject({ type: z.string().max(100) }).transform((update, context): Mapped => {
  if (update.type !== 'lpr') return { ignored: 'another update than lpr' };
  // So it says that the last vehicle has left the picture.
  if (update.plate === null) return { ignored: 'no plate in it' };
  return checked(lprSchema, update, [], context);
});

const objectSchema = z.looseObject({});
const plateOfObjectSchema = z
  .object({
    id: trackSchema,
    recognized_license_plate: plateSchema,
    recognized_license_plate_score: fractionSchema,
  })
  .transform(({ id, recognized_license_plate: value, recognized_license_plate_score: confidence }): Mapped => {
    return { reading: { kind: 'plate', value, confidence, trackId: id } };
  });

const eventSchema = z
  .object({ type: z.string().max(100), before: objectSchema.nullish(), after: objectSchema })
  .transform(({ type, before, after }, context): Mapped => {
    if (type === 'end') return { ignored: 'the vehicle has left the picture' };
    if (after.recognized_license_plate == null) return { ignored: 'no plate in it' };
    // Frigate tells of whatever changes of an object, of a parked one as well, and repeats the plate each time.
    const isKnown = (['recognized_license_plate', 'recognized_license_plate_score'] as const).every(
      (field) => before?.[field] === after[field],
    );
    if (type !== 'new' && isKnown) return { ignored: 'nothing new about the plate' };
    return checked(plateOfObjectSchema, after, ['after'], context);
  });

const schemas: Readonly<Record<FrigateTopic, z.ZodType<Mapped>>> = {
  tracked_object_update: updateSchema,
  events: eventSchema,
};

function checked(
  schema: z.ZodType<Mapped>,
  value: unknown,
  at: readonly string[],
  context: z.core.$RefinementCtx,
): Mapped {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) {
    context.addIssue({ code: 'custom', path: [...at, ...path], message });
  }
  return z.NEVER;
}
