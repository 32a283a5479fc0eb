/**
 * The webhooks of Plate Recognizer Stream (guides.platerecognizer.com, Stream, "Webhooks and Outputs") and Snapshot (Snapshot,
 * "Webhooks for Snapshot"), and the answer of Snapshot’s API. Used: of each of `data.results` or `results` `plate`, `score` (0 to 1) and
 * `box` (pixels). Where vehicles are detected, `plate` is an object with `props.plate[0]` and a `box` of its own, or null.
 */
import { z } from 'zod';
import { fractionSchema, plateSchema } from './reading.js';
import type { Mapped } from './reading.js';

const maxResults = 32;
const maxCandidates = 100;

const pixel = z.number();
const boxSchema = z.object({ xmin: pixel, xmax: pixel, ymin: pixel, ymax: pixel });
const plainSchema = z
  .object({ plate: plateSchema, score: fractionSchema, box: boxSchema.optional() })
  .transform(({ plate, score, box }): Plate => ({ value: plate, confidence: score, area: areaOf(box) }));
const ofVehicleSchema = z
  .object({
    plate: z.object({
      props: z.object({
        plate: z
          .array(z.object({ value: plateSchema, score: fractionSchema }))
          .min(1)
          .max(maxCandidates),
      }),
      box: boxSchema.optional(),
    }),
  })
  .transform(({ plate: { props, box } }): Plate | null => {
    const [best] = props.plate;
    return best === undefined ? null : { value: best.value, confidence: best.score, area: areaOf(box) };
  });
const withoutPlateSchema = z.object({ plate: z.union([z.null(), z.literal('')]) }).transform(() => null);

interface Plate {
  readonly value: string;
  readonly confidence: number;
  /** Square pixels. */
  readonly area: number;
}

/** Chooses before it checks, so that a refusal speaks of the form that was meant. */
const resultSchema = z.unknown().transform((result, context): Plate | null => {
  const plate = (result as { readonly plate?: unknown } | null)?.plate;
  const isNone = plate === null || plate === '';
  const schema = isNone ? withoutPlateSchema : typeof plate === 'object' ? ofVehicleSchema : plainSchema;
  const checked = schema.safeParse(result);
  if (checked.success) return checked.data;
  for (const { path, message } of checked.error.issues) context.addIssue({ code: 'custom', path, message });
  return z.NEVER;
});
const resultsSchema = z.object({ results: z.array(resultSchema).max(maxResults) });

export const plateRecognizerFormat = z
  .preprocess(
    (payload) =>
      typeof payload === 'object' && payload !== null && 'results' in payload ? { data: payload } : payload,
    z.object({ data: resultsSchema }),
  )
  .transform(({ data }): Mapped => {
    // Several vehicles in a picture: the nearest to the camera, whose plate is the largest, is the one at the gate.
    const nearest = data.results.reduce((best, plate) => {
      return plate !== null && (best === null || plate.area > best.area) ? plate : best;
    }, null);
    if (nearest === null) return { ignored: 'no plate in it' };
    return { reading: { kind: 'plate', value: nearest.value, confidence: nearest.confidence } };
  });

function areaOf(box: z.output<typeof boxSchema> | undefined): number {
  return box === undefined ? 0 : (box.xmax - box.xmin) * (box.ymax - box.ymin);
}
