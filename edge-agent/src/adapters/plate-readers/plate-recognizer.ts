/**
 * The webhook of Plate Recognizer Stream (guides.platerecognizer.com, Stream, "Webhooks and Outputs"). Used: `data.results[].plate`,
 * `.score` (0 to 1) and `.box` (pixels).
 */
import { z } from 'zod';
import { fractionSchema, plateSchema } from './reading.js';
import type { Mapped } from './reading.js';

const maxResults = 32;

const pixel = z.number();
const resultSchema = z.object({
  plate: plateSchema,
  score: fractionSchema,
  box: z.object({ xmin: pixel, xmax: pixel, ymin: pixel, ymax: pixel }).optional(),
});

export const plateRecognizerFormat = z
  .object({ data: z.object({ results: z.array(resultSchema).max(maxResults) }) })
  .transform(({ data }): Mapped => {
    // Several vehicles in a picture: the nearest to the camera, whose plate is the largest, is the one at the gate.
    const nearest = data.results.reduce<Result | undefined>(
      (best, result) => (best === undefined || areaOf(result) > areaOf(best) ? result : best),
      undefined,
    );
    if (nearest === undefined) return { ignored: 'no plate in it' };
    return { reading: { kind: 'plate', value: nearest.plate, confidence: nearest.score } };
  });

type Result = z.output<typeof resultSchema>;

function areaOf({ box }: Result): number {
  return box === undefined ? 0 : (box.xmax - box.xmin) * (box.ymax - box.ymin);
}
