/**
 * The golden fixtures: payloads byte for byte, `valid/CHANNEL/*.json` and `invalid/CHANNEL/*.json`. Beside each invalid one lies
 * the beginning of the error it must be refused with. A program in another language can be tried on the same files.
 */
import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import {
  ackConflicts,
  ackSchema,
  allowanceSchema,
  commandKinds,
  commandSchema,
  decisionSchema,
  edgeEventKinds,
  edgeEventSchema,
  eventBatchSchema,
  futureEventSchema,
  logReportSchema,
  logRequestSchema,
  occupancySchema,
  parsePayload,
  parseValue,
  stateSchema,
} from '../src/index.js';
import type { Parsed } from '../src/index.js';

const fixtures = join(import.meta.dirname, '..', 'fixtures');

const schemas: Readonly<Record<string, z.ZodType>> = {
  events: eventBatchSchema,
  state: stateSchema,
  acks: ackSchema,
  decisions: decisionSchema,
  commands: commandSchema,
  allowance: allowanceSchema,
  log: logReportSchema,
  'log-requests': logRequestSchema,
  occupancy: occupancySchema,
};

describe('valid fixtures', () => {
  it('are there for every channel', () => {
    expect(readdirSync(join(fixtures, 'valid')).sort()).toEqual(Object.keys(schemas).sort());
    expect(readdirSync(join(fixtures, 'invalid')).sort()).toEqual(Object.keys(schemas).sort());
  });

  it.each(filesOf('valid'))('%s is taken', (file) => {
    const parsed = parseAs(file);
    expect(parsed).toMatchObject({ ok: true });
    // Nothing is dropped or changed on the way in.
    expect(parsed.ok ? parsed.value : undefined).toEqual(JSON.parse(bytesOf(file).toString('utf8')));
  });

  it('show every kind of event, command and conflict', () => {
    const shown = new Set(
      filesOf('valid').flatMap((file) =>
        [
          ...bytesOf(file)
            .toString('utf8')
            .matchAll(/"(?:kind|conflict)": ?"([^"]+)"/g),
        ].map((match) => match[1]),
      ),
    );
    expect([...edgeEventKinds, ...commandKinds, ...ackConflicts].filter((name) => !shown.has(name))).toEqual([]);
  });
});

describe('invalid fixtures', () => {
  it.each(filesOf('invalid'))('%s is refused, and why', (file) => {
    const expected = readFileSync(join(fixtures, file.replace(/[.]json$/, '.error.txt')), 'utf8').trimEnd();
    const parsed = parseAs(file);
    expect(parsed.ok ? 'taken' : parsed.error.slice(0, expected.length)).toBe(expected);
  });
});

function filesOf(folder: 'valid' | 'invalid'): string[] {
  return readdirSync(join(fixtures, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.json'))
    .map((path) => join(folder, path))
    .sort();
}

function bytesOf(file: string): Buffer {
  return readFileSync(join(fixtures, file));
}

/** As the receiving end does it: the message by its channel, then each event by its kind. */
function parseAs(file: string): Parsed<unknown> {
  const channel = file.split('/')[1] ?? '';
  const schema = schemas[channel];
  if (schema === undefined) throw new Error(`no channel ${channel}`);
  const parsed = parsePayload(schema, bytesOf(file));
  if (!parsed.ok || channel !== 'events') return parsed;
  const errors = eventBatchSchema.parse(parsed.value).events.flatMap((event, index) => {
    const known = edgeEventKinds.some((kind) => kind === event.kind);
    const result = parseValue<unknown>(known ? edgeEventSchema : futureEventSchema, event);
    return result.ok ? [] : [`events[${String(index)}]: ${result.error}`];
  });
  return errors.length === 0 ? parsed : { ok: false, error: errors.join('\n') };
}
