import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentialSchema } from '@gatehouse/shared';
import { jsonOfMultipart, jsonOfUrlEncoded } from '../../../src/adapters/plate-readers/form-data.js';
import { mapPayload, readerFormats } from '../../../src/adapters/plate-readers/formats.js';
import type { ReaderFormat } from '../../../src/adapters/plate-readers/formats.js';

const fixture = (name: string): string => readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8');
const changed = (name: string, change: object): string =>
  JSON.stringify({ ...(JSON.parse(fixture(name)) as object), ...change });
const plate = (confidence: number) => ({ reading: { kind: 'plate', value: 'KX719QD', confidence } });

describe('what vendors send', () => {
  it.each<[ReaderFormat, string, number]>([
    ['generic', 'generic', 0.93],
    ['plate-recognizer', 'plate-recognizer', 0.87],
    ['axis', 'axis', 0.81],
    ['rekor', 'rekor-results', 0.915],
  ])('is understood in the format %s, and its plate is written as everywhere', (format, name, confidence) => {
    expect(mapPayload(format, fixture(name))).toEqual(plate(confidence));
  });

  it('takes a tag in the generic form, exact and as it is written', () => {
    const reading = { kind: 'tag', value: '04a1-B2', confidence: 1 };
    expect(mapPayload('generic', '{"tag": "04a1-B2 "}')).toEqual({ reading });
  });

  it('takes the surest of several plates of one frame where the format has no sizes', () => {
    const results = [
      { plate: 'FAR1', confidence: 40 },
      { plate: 'kx719qd', confidence: 80 },
    ];
    expect(mapPayload('rekor', changed('rekor-results', { results }))).toEqual(plate(0.8));
  });

  it('takes plateText where a camera sends no plateUTF8', () => {
    expect(mapPayload('axis', changed('axis', { plateUTF8: undefined }))).toEqual(plate(0.81));
  });

  it.each<[string, ReaderFormat, string]>([
    ['a group, which comes after its vehicle has gone', 'rekor', fixture('rekor-group')],
    ['a sign of life', 'rekor', '{"data_type": "heartbeat"}'],
    ['a vehicle that has left the picture', 'axis', changed('axis', { carState: 'lost' })],
    ['a picture without a plate', 'plate-recognizer', '{"data": {"results": []}}'],
    ['a frame without a plate', 'rekor', changed('rekor-results', { results: [] })],
  ])('makes no read of %s', (_what, format, json) => {
    expect(mapPayload(format, json)).toEqual({ ignored: expect.any(String) });
  });

  it.each<[ReaderFormat, string, RegExp]>([
    ['generic', 'plate=AB12', /^body: is not JSON$/],
    ['generic', '[]', /^value: /],
    ['generic', '{"confidence": 1}', /^plate: either plate or tag has to be there$/],
    ['generic', '{"plate": "A", "tag": "B", "confidence": 1}', /^plate: either/],
    ['generic', '{"plate": "AB12"}', /^confidence: has to be there/],
    ['generic', '{"plate": "AB12", "confidence": 93}', /^confidence: /],
    ['generic', '{"plate": " - ", "confidence": 0.9}', /^plate: /],
    ['generic', '{"plate": "AB/12", "confidence": 0.9}', /^plate: must be letters, digits/],
    ['generic', `{"plate": "${'A'.repeat(33)}", "confidence": 0.9}`, /^plate: /],
    ['generic', '{"plate": "AB12", "confidence": 0.9, "at": 1}', /"at"/],
    ['plate-recognizer', '{}', /^data: /],
    ['plate-recognizer', '{"data": {"results": [{"plate": "ab12"}]}}', /^data\.results\[0\]\.score: /],
    [
      'plate-recognizer',
      JSON.stringify({ data: { results: Array(33).fill({ plate: 'A', score: 1 }) } }),
      /^data\.results: /,
    ],
    ['axis', changed('axis', { plateConfidence: 'high' }), /^plateConfidence: /],
    ['axis', changed('axis', { carState: 'gone' }), /^carState: /],
    ['axis', changed('axis', { plateUTF8: undefined, plateText: undefined }), /^plateUTF8: plateUTF8 or plateText/],
    ['rekor', changed('rekor-results', { data_type: 'other' }), /^data_type: /],
    ['rekor', changed('rekor-results', { results: [{ plate: 'A', confidence: 101 }] }), /^results\[0\]\.confidence: /],
  ])('refuses in the format %s, naming field and rule: %s', (format, json, rule) => {
    expect(mapPayload(format, json)).toEqual({ refused: expect.stringMatching(rule) });
  });

  it('becomes a credential that the wire takes, or none, whatever it is', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.stringMatching(/^[a-z0-9 -]{0,12}$/));
    const number = fc.oneof(fc.double(), fc.double({ min: 0, max: 1, noNaN: true }), text);
    const result = fc.record({ plate: text, score: number, confidence: number });
    const results = fc.array(result, { maxLength: 3 });
    const payload = fc.oneof(
      fc.jsonValue(),
      fc.record({ plate: text, confidence: number }),
      fc.record({ data: fc.record({ results }) }),
      fc.record({ data_type: fc.constant('alpr_results'), results }),
      fc.record({ plateUTF8: text, plateConfidence: number, carState: fc.constantFrom('new', 'update', 'lost') }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...readerFormats), payload, (format, sent) => {
        const mapped = mapPayload(format, JSON.stringify(sent));
        if ('reading' in mapped) credentialSchema.parse({ ...mapped.reading, source: 'camera' });
      }),
    );
  });

  it('never says what was in a field', () => {
    const json = '{"plate": "SECRET/1", "confidence": "SECRET/2"}';
    expect(JSON.stringify(mapPayload('generic', json))).not.toContain('SECRET');
    expect(JSON.stringify(mapPayload('generic', 'SECRET'))).not.toContain('SECRET');
  });
});

describe('JSON beside pictures', () => {
  const type = 'multipart/form-data; boundary=xyz';
  const form = (...parts: string[]): Buffer =>
    Buffer.from(`${parts.map((part) => `--xyz\r\n${part}\r\n`).join('')}--xyz--\r\n`, 'latin1');
  const picture =
    'Content-Disposition: form-data; name="upload"; filename="json"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--xy\r\n\r\n';

  it.each([
    ['by its name', 'Content-Disposition: form-data; name="json"\r\n\r\n{"a":1}'],
    [
      'by its type',
      'content-disposition: form-data; name=event\r\ncontent-type: application/json; charset=utf-8\r\n\r\n{"a":1}',
    ],
  ])('is found %s, before and after a picture', (_how, part) => {
    expect(jsonOfMultipart(form(part, picture), type)).toEqual({ json: '{"a":1}' });
    expect(jsonOfMultipart(form(picture, part), `${type.replace('xyz', '"xyz"')}; charset=x`)).toEqual({
      json: '{"a":1}',
    });
  });

  it('is found in a plain form', () => {
    expect(jsonOfUrlEncoded(Buffer.from('a=b&json=%7B%22a%22%3A1%7D'))).toEqual({ json: '{"a":1}' });
    expect(jsonOfUrlEncoded(Buffer.from('a=b'))).toEqual({ refused: 'json: the form has no such field' });
  });

  it('is never looked for outside the form, whatever comes in', () => {
    const piece = fc.oneof(
      fc.constantFrom('--xyz', '\r\n', '\r\n\r\n', '--', 'name="json"', 'content-disposition: form-data;'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const body = pieces.join('');
        const found = jsonOfMultipart(Buffer.from(body), type);
        if ('json' in found) expect(body).toContain(`\r\n\r\n${found.json}\r\n--xyz`);
      }),
    );
  });

  it.each<[string, Buffer, string, RegExp]>([
    ['no boundary', form(picture), 'multipart/form-data', /^content-type: /],
    ['pictures only', form(picture, picture), type, /^json: none/],
    [
      'a part that does not end',
      Buffer.from('--xyz\r\nContent-Disposition: form-data; name="json"\r\n\r\n{}'),
      type,
      /^json: none/,
    ],
    [
      'a part that has no body',
      Buffer.from('--xyz\r\nContent-Disposition: form-data; name="json"\r\n\r\n--xyz--'),
      type,
      /^json: none/,
    ],
    ['headers without end', Buffer.from(`--xyz\r\n${'a'.repeat(5_000)}`), type, /^json: none/],
    [
      'too many parts',
      form(...Array<string>(16).fill(picture), 'Content-Disposition: form-data; name="json"\r\n\r\n{}'),
      type,
      /^json: none/,
    ],
    [
      'too much JSON',
      form(`Content-Disposition: form-data; name="json"\r\n\r\n${'1'.repeat(1024 * 1024 + 1)}`),
      type,
      /^json: is longer/,
    ],
  ])('is missed, with the rule, in a form with %s', (_what, body, contentType, rule) => {
    expect(jsonOfMultipart(body, contentType)).toEqual({ refused: expect.stringMatching(rule) });
  });
});
