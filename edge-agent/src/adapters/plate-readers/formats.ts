/** From what a vendor's camera sends to a reading. Pure. */
import { describeIssues } from '@gatehouse/shared';
import type { z } from 'zod';
import { axisFormat } from './axis.js';
import { genericFormat } from './generic.js';
import { plateRecognizerFormat } from './plate-recognizer.js';
import type { Mapped } from './reading.js';
import { rekorFormat } from './rekor.js';

export const readerFormats = ['generic', 'plate-recognizer', 'axis', 'rekor'] as const;
export type ReaderFormat = (typeof readerFormats)[number];

const schemas: Readonly<Record<ReaderFormat, z.ZodType<Mapped>>> = {
  generic: genericFormat,
  'plate-recognizer': plateRecognizerFormat,
  axis: axisFormat,
  rekor: rekorFormat,
};

/** `refused`: the fields that are not as they should be and the rules they break; never what was in them. */
export function mapPayload(format: ReaderFormat, json: string): Mapped | { readonly refused: string } {
  let payload: unknown;
  try {
    payload = JSON.parse(json);
  } catch {
    // V8 quotes the text around the error, which may hold a plate.
    return { refused: 'body: is not JSON' };
  }
  const result = schemas[format].safeParse(payload);
  return result.success ? result.data : { refused: describeIssues(result.error) };
}
