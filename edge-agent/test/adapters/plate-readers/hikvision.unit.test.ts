import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentialSchema } from '@gatehouse/shared';
import { textOfMultipart } from '../../../src/adapters/plate-readers/form-data.js';
import { mapPayload } from '../../../src/adapters/plate-readers/formats.js';
import { readXml } from '../../../src/adapters/plate-readers/xml.js';

const alert = readFileSync(join(import.meta.dirname, 'fixtures', 'hikvision.xml'), 'utf8');
const element = (name: string) => new RegExp(`<${name}>[^<]*</${name}>`);
const changed = (name: string, text: string) => alert.replace(element(name), text);
const withText = (name: string, text: string) => changed(name, `<${name}>${text}</${name}>`);

describe('an alarm of Hikvision', () => {
  it.each([
    ['an unread plate', withText('licensePlate', 'unknown').replace(element('confidenceLevel'), '')],
    ['an unread plate, written large', withText('licensePlate', 'Unknown')],
    ['a plate that is empty', withText('licensePlate', '')],
    ['another event', withText('eventType', 'videoloss')],
    ['a sign of life', changed('eventState', '<eventState>inactive</eventState>')],
    ['what the camera sends when it is back, of long ago', withText('isDataRetransmission', 'true')],
  ])('is no read for %s', (_what, xml) => {
    expect(mapPayload('hikvision', xml)).toEqual({ ignored: expect.any(String) });
  });

  it.each([
    ['without a plate', changed('licensePlate', ''), /ANPR\.licensePlate: /],
    ['without a confidence', changed('confidenceLevel', ''), /^EventNotificationAlert\.ANPR\.confidenceLevel: /],
    ['with a confidence of 101', withText('confidenceLevel', '101'), /ANPR\.confidenceLevel: /],
    ['with two plates', alert.replace('<line>', '<licensePlate>B</licensePlate><line>'), /ANPR\.licensePlate: /],
    [
      'without the part that tells of the plate',
      alert.replace(/<ANPR>[^]*<\/ANPR>/, ''),
      /EventNotificationAlert\.ANPR: /,
    ],
    ['without the root', '<Other/>', /^EventNotificationAlert: /],
    ['that is JSON', '{"a": 1}', /^body: is not XML$/],
    ['that is empty', '', /^body: is not XML$|^EventNotificationAlert: |^value: /],
  ])('is refused %s', (_what, xml, rule) => {
    expect(mapPayload('hikvision', xml)).toEqual({ refused: expect.stringMatching(rule) });
  });

  it('is found among pictures by the name of its part, of its file or by its type', () => {
    const type = 'multipart/form-data; boundary=boundary';
    const form = (headers: string) =>
      Buffer.from(
        `--boundary\r\nContent-Disposition: form-data; name="detectionPicture.jpg"; filename="detectionPicture.jpg"\r\n` +
          `Content-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xd9\r\n--boundary\r\n${headers}\r\n\r\n${alert}\r\n--boundary--\r\n`,
        'latin1',
      );
    for (const headers of [
      'Content-Disposition: form-data; name="anpr.xml"; filename="anpr.xml"\r\nContent-Type: text/xml; charset="UTF-8"',
      'Content-Disposition: form-data; name="anpr"; filename="anpr.xml"',
      'Content-Disposition: form-data; name="event"\r\nContent-Type: application/xml',
    ]) {
      expect(textOfMultipart(form(headers), type, 'xml')).toEqual({ text: alert });
    }
    expect(textOfMultipart(form('Content-Disposition: form-data; name="json"'), type, 'xml')).toEqual({
      refused: expect.stringMatching(/^xml: none of the first 16 parts/),
    });
  });
});

describe('XML of strangers', () => {
  const deep = (depth: number) => '<a>'.repeat(depth) + '</a>'.repeat(depth);

  it('becomes plain objects, without attributes and prefixes', () => {
    const xml =
      '\uFEFF<?xml version="1.0"?><!-- c --><x:a q="1"><b> 1 &amp; &#50; </b><c/><c><![CDATA[<d>]]></c></x:a>';
    expect(readXml(xml)).toEqual({ document: { a: { b: '1 & 2', c: ['', '<d>'] } } });
  });

  it.each([
    ['16 elements deep, and no deeper', deep(16), deep(17), 'deep'],
    ['2,000 elements, and no more', `<a>${'<b/>'.repeat(1_999)}</a>`, `<a>${'<b/>'.repeat(2_000)}</a>`, 'elements'],
    [
      '262,144 characters, and no more',
      `<a>${'b'.repeat(262_144 - 7)}</a>`,
      `<a>${'b'.repeat(262_145 - 7)}</a>`,
      'longer than 262144',
    ],
  ])('is taken to %s', (_what, taken, refused, rule) => {
    expect(readXml(taken)).toHaveProperty('document');
    expect(readXml(refused)).toEqual({ refused: expect.stringContaining(rule) });
  });

  it.each([
    ['entities of its own', '<!DOCTYPE a [<!ENTITY x "1">]><a>&x;</a>', 'document type'],
    ['files it names', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'document type'],
    ['entities of HTML', '<a>&nbsp;</a>', 'not XML'],
    ['an element that does not end', '<a><b></a>', 'not XML'],
    ['two roots', '<a/><b/>', 'not XML'],
    ['text alone', 'SECRET', 'not XML'],
  ])('is refused with %s, and not quoted', (_what, xml, rule) => {
    const read = readXml(xml);
    expect(read).toEqual({ refused: expect.stringContaining(rule) });
    expect(JSON.stringify(read)).not.toContain('SECRET');
  });

  it('changes no object but its own', () => {
    expect(readXml('<__proto__><polluted>1</polluted></__proto__>')).toHaveProperty('document');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it('is a credential that the wire takes, or none, whatever comes in', () => {
    const piece = fc.oneof(
      fc.constantFrom('<', '>', '&', ';', '</', '/>', '<!', '<![CDATA[', ']]>', '<?', '"', '<ANPR>', '<licensePlate>'),
      fc.string({ unit: 'grapheme', maxLength: 10 }),
    );
    const broken = fc
      .tuple(fc.nat(alert.length), fc.nat(60), fc.array(piece, { maxLength: 4 }))
      .map(([at, cut, pieces]) => alert.slice(0, at) + pieces.join('') + alert.slice(at + cut));
    fc.assert(
      fc.property(broken, (xml) => {
        const mapped = mapPayload('hikvision', xml);
        if ('reading' in mapped) {
          const { kind, value, confidence } = mapped.reading;
          credentialSchema.parse({ kind, value, confidence, source: 'camera' });
        }
      }),
    );
  });
});
