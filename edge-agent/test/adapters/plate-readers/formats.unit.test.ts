import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentialSchema } from '@gatehouse/shared';
import { jsonOfUrlEncoded, textOfMultipart } from '../../../src/adapters/plate-readers/form-data.js';
import { mapPayload } from '../../../src/adapters/plate-readers/formats.js';
import { postedFormats } from '../../../src/adapters/plate-readers/vocabulary.js';
import type { PostedFormat } from '../../../src/adapters/plate-readers/vocabulary.js';

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'fixtures', name.includes('.') ? name : `${name}.json`), 'utf8');
const changed = (name: string, change: object): string =>
  JSON.stringify({ ...(JSON.parse(fixture(name)) as object), ...change });
const plate = (confidence: number) => ({ reading: { kind: 'plate', value: 'KX719QD', confidence } });

describe('what vendors send', () => {
  it.each<[PostedFormat, string, number]>([
    ['generic', 'generic', 0.93],
    ['plate-recognizer', 'plate-recognizer', 0.87],
    ['plate-recognizer', 'plate-recognizer-snapshot', 0.87],
    ['plate-recognizer', 'plate-recognizer-vehicles', 0.87],
    ['axis', 'axis', 0.81],
    ['rekor', 'rekor-results', 0.915],
    ['hikvision', 'hikvision.xml', 0.96],
  ])('is understood in the format %s (%s), and its plate is written as everywhere', (format, name, confidence) => {
    expect(mapPayload(format, fixture(name))).toMatchObject(plate(confidence));
  });

  it('is understood where the answer of Plate Recognizer’s API is handed on as it is', () => {
    const { data } = JSON.parse(fixture('plate-recognizer-snapshot')) as { readonly data: object };
    expect(mapPayload('plate-recognizer', JSON.stringify(data))).toMatchObject(plate(0.87));
  });

  it.each<[PostedFormat, string, string, string]>([
    ['axis', fixture('axis'), '12', 'in'],
    ['hikvision', fixture('hikvision.xml'), '20010203040506-0001', 'forward'],
  ])('says in the format %s which vehicle it was and how it moves', (format, text, trackId, moving) => {
    expect(mapPayload(format, text)).toMatchObject({ reading: { trackId, moving } });
  });

  it.each<[string, object]>([
    ['undefined', { carMoveDirection: 'undefined', carID: '' }],
    ['of more than 64 characters', { carMoveDirection: 'unknown', carID: '1'.repeat(65) }],
  ])('is as good a read where the name of the vehicle or its movement is %s', (_what, change) => {
    expect(mapPayload('axis', changed('axis', change))).toEqual(plate(0.81));
  });

  it('says of a group of Rekor that its vehicle has left the picture', () => {
    expect(mapPayload('rekor', fixture('rekor-group'))).toEqual({
      reading: { ...plate(0.915).reading, trackId: 'north-1-981173106000', hasLeft: true },
    });
  });

  it('takes the name of a vehicle in the generic form, of 1 to 64 characters', () => {
    const sent = (track: string) => mapPayload('generic', JSON.stringify({ plate: 'KX719QD', confidence: 0.5, track }));
    expect(sent('7'.repeat(64))).toMatchObject({ reading: { trackId: '7'.repeat(64) } });
    expect(sent('7'.repeat(65))).toEqual({ refused: expect.stringMatching(/^track: /) });
    expect(sent('')).toEqual({ refused: expect.stringMatching(/^track: /) });
  });

  it('takes a tag in the generic form, exact and as it is written', () => {
    const reading = { kind: 'tag', value: '04a1-B2', confidence: 1 };
    expect(mapPayload('generic', '{"tag": "04a1-B2 "}')).toEqual({ reading });
  });

  it('takes a ticket in the generic form as just what a gate issued', () => {
    const reading = { kind: 'ticket', value: '7B2KM4XQ', confidence: 1 };
    expect(mapPayload('generic', '{"ticket": "7B2KM4XQ", "confidence": 0.5}')).toEqual({ reading });
  });

  it('takes the surest of several plates of one frame where the format has no sizes', () => {
    const results = [
      { plate: 'FAR1', confidence: 40 },
      { plate: 'kx719qd', confidence: 80 },
    ];
    expect(mapPayload('rekor', changed('rekor-results', { results }))).toEqual(plate(0.8));
  });

  it('takes plateText where a camera sends no plateUTF8', () => {
    expect(mapPayload('axis', changed('axis', { plateUTF8: undefined }))).toMatchObject(plate(0.81));
  });

  it.each<[string, PostedFormat, string]>([
    ['a group of a parked vehicle', 'rekor', changed('rekor-group', { is_parked: true })],
    ['a sign of life', 'rekor', '{"data_type": "heartbeat"}'],
    ['a vehicle that has left the picture', 'axis', changed('axis', { carState: 'lost' })],
    ['a picture without a plate', 'plate-recognizer', '{"data": {"results": []}}'],
    ['vehicles without a plate', 'plate-recognizer', '{"data": {"results": [{"plate": null}, {"plate": ""}]}}'],
    ['a frame without a plate', 'rekor', changed('rekor-results', { results: [] })],
  ])('makes no read of %s', (_what, format, json) => {
    expect(mapPayload(format, json)).toEqual({ ignored: expect.any(String) });
  });

  it.each<[PostedFormat, string, RegExp]>([
    ['generic', 'plate=AB12', /^body: is not JSON$/],
    ['generic', '[]', /^value: /],
    ['generic', '{"confidence": 1}', /^plate: either plate or tag or ticket has to be there$/],
    ['generic', '{"tag": "A", "ticket": "B"}', /^plate: either/],
    ['generic', '{"ticket": ""}', /^ticket: /],
    ['generic', '{"plate": "A", "tag": "B", "confidence": 1}', /^plate: either/],
    ['generic', '{"plate": "AB12"}', /^confidence: has to be there/],
    ['generic', '{"plate": "AB12", "confidence": 93}', /^confidence: /],
    ['generic', '{"plate": " - ", "confidence": 0.9}', /^plate: /],
    ['generic', '{"plate": "AB/12", "confidence": 0.9}', /^plate: must be letters, digits/],
    ['generic', `{"plate": "${'A'.repeat(33)}", "confidence": 0.9}`, /^plate: /],
    ['generic', '{"plate": "AB12", "confidence": 0.9, "at": 1}', /"at"/],
    ['plate-recognizer', '{}', /^data: /],
    ['plate-recognizer', '{"data": {"results": [{"plate": "ab12"}]}}', /^data\.results\[0\]\.score: /],
    ['plate-recognizer', '{"results": [7]}', /^data\.results\[0\]: /],
    ['plate-recognizer', '{"results": [{"plate": {"props": {"plate": []}}}]}', /\.plate\.props\.plate: /],
    [
      'plate-recognizer',
      JSON.stringify({ data: { results: Array(33).fill({ plate: 'A', score: 1 }) } }),
      /^data\.results: /,
    ],
    ['axis', changed('axis', { plateConfidence: 'high' }), /^plateConfidence: /],
    ['axis', changed('axis', { carState: 'gone' }), /^carState: /],
    ['axis', changed('axis', { plateUTF8: undefined, plateText: undefined }), /^plateUTF8: plateUTF8 or plateText/],
    ['rekor', changed('rekor-results', { data_type: 'other' }), /^data_type: /],
    ['rekor', changed('rekor-group', { best_confidence: 101 }), /^best_confidence: /],
    ['rekor', changed('rekor-group', { best_plate_number: '' }), /^best_plate_number: /],
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
      fc.property(fc.constantFrom(...postedFormats), payload, (format, sent) => {
        const mapped = mapPayload(format, JSON.stringify(sent));
        if (!('reading' in mapped)) return;
        const { kind, value, confidence } = mapped.reading;
        credentialSchema.parse({ kind, value, confidence, source: 'camera' });
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
    expect(textOfMultipart(form(part, picture), type, 'json')).toEqual({ text: '{"a":1}' });
    expect(textOfMultipart(form(picture, part), `${type.replace('xyz', '"xyz"')}; charset=x`, 'json')).toEqual({
      text: '{"a":1}',
    });
  });

  it('is found in a plain form', () => {
    expect(jsonOfUrlEncoded(Buffer.from('a=b&json=%7B%22a%22%3A1%7D'))).toEqual({ text: '{"a":1}' });
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
        const found = textOfMultipart(Buffer.from(body), type, 'json');
        if ('text' in found) expect(body).toContain(`\r\n\r\n${found.text}\r\n--xyz`);
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
    expect(textOfMultipart(body, contentType, 'json')).toEqual({ refused: expect.stringMatching(rule) });
  });
});
