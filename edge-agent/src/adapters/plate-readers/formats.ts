/** From what a vendor's camera posts to a reading. Pure. */
import { describeIssues } from '@gatehouse/shared/edge';
import type { z } from 'zod';
import { axisFormat } from './axis.js';
import { genericFormat } from './generic.js';
import { hikvisionFormat } from './hikvision.js';
import { plateRecognizerFormat } from './plate-recognizer.js';
import type { Mapped } from './reading.js';
import { rekorFormat } from './rekor.js';
import type { PostedFormat } from './vocabulary.js';
import { readXml } from './xml.js';

/** `refused`: the fields that are not as they should be and the rules they break; never what was in them. */
export interface Refused {
  readonly refused: string;
}

const schemas: Readonly<Record<PostedFormat, z.ZodType<Mapped>>> = {
  generic: genericFormat,
  'plate-recognizer': plateRecognizerFormat,
  axis: axisFormat,
  rekor: rekorFormat,
  hikvision: hikvisionFormat,
};

/** How a format is written. */
export function languageOf(format: PostedFormat): 'json' | 'xml' {
  return format === 'hikvision' ? 'xml' : 'json';
}

export function mapPayload(format: PostedFormat, text: string): Mapped | Refused {
  const read = languageOf(format) === 'xml' ? readXml(text) : readJson(text);
  return 'refused' in read ? read : mapWith(schemas[format], read.document);
}

export function readJson(text: string): { readonly document: unknown } | Refused {
  try {
    return { document: JSON.parse(text) };
  } catch {
    // V8 quotes the text around the error, which may hold a plate.
    return { refused: 'body: is not JSON' };
  }
}

export function mapWith<T>(schema: z.ZodType<T>, document: unknown): T | Refused {
  const result = schema.safeParse(document);
  return result.success ? result.data : { refused: describeIssues(result.error) };
}
