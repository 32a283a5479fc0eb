import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentialSchema } from '@gatehouse/shared';
import { frigateTopics, mapFrigate } from '../../../src/adapters/plate-readers/frigate.js';

const fixture = (name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.json`), 'utf8')) as Record<string, unknown>;
const lpr = fixture('frigate-lpr');
const event = fixture('frigate-event') as { type: string; before: object; after: Record<string, unknown> };
const update = (change: object = {}) => mapFrigate('tracked_object_update', JSON.stringify({ ...lpr, ...change }));
const eventWith = (change: object) => mapFrigate('events', JSON.stringify({ ...event, ...change }));
const read = {
  camera: 'drive',
  mapped: { reading: { kind: 'plate', value: 'KX719QD', confidence: 0.94, trackId: '981173106.25-k3x9ab' } },
};

describe('what Frigate publishes', () => {
  it('is understood on both topics, with the camera and the name of the vehicle', () => {
    expect(update()).toEqual(read);
    expect(eventWith({})).toEqual(read);
  });

  it.each([
    ['an update of another kind', update({ type: 'description', plate: undefined })],
    ['the word that the last vehicle has gone', update({ plate: null, id: undefined, score: undefined })],
    ['an object without a plate', eventWith({ after: { ...event.after, recognized_license_plate: null } })],
    ['an object that has left the picture', eventWith({ type: 'end' })],
    ['an object of which something else has changed', eventWith({ before: event.after })],
  ])('is no read for %s', (_what, message) => {
    expect(message).toEqual({ camera: 'drive', mapped: { ignored: expect.any(String) } });
  });

  it('is a read again when the plate is read better, and when it is there from the start', () => {
    expect(eventWith({ before: { ...event.after, recognized_license_plate_score: 0.8 } })).toEqual(read);
    expect(eventWith({ before: { ...event.after, recognized_license_plate: 'KX719Q' } })).toEqual(read);
    expect(eventWith({ type: 'new', before: event.after })).toEqual(read);
    expect(eventWith({ before: null })).toEqual(read);
  });

  it.each<[string, object, RegExp]>([
    ['without a score', update({ score: undefined }), /^score: /],
    ['with a score of 94', update({ score: 94 }), /^score: /],
    ['with a plate that is none', update({ plate: 'AB/12' }), /^plate: must be letters/],
    ['with a plate in a list', update({ plate: ['AB12', 0.9] }), /^plate: /],
    ['without a type', update({ type: undefined }), /^type: /],
    [
      'with an object without a score',
      eventWith({ after: { ...event.after, recognized_license_plate_score: null } }),
      /^after\.recognized_license_plate_score: /,
    ],
  ])('is refused %s', (_what, message, rule) => {
    expect(message).toEqual({ camera: 'drive', mapped: { refused: expect.stringMatching(rule) } });
  });

  it('is refused without naming a camera where none can be found', () => {
    expect(mapFrigate('events', 'SECRET')).toEqual({ camera: null, mapped: { refused: 'body: is not JSON' } });
    expect(mapFrigate('events', '{}')).toMatchObject({ camera: null, mapped: { refused: expect.any(String) } });
  });

  it('is a credential that the wire takes, or none, whatever it is', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 40 });
    const value = fc.oneof(text, fc.double(), fc.constant(null), fc.double({ min: 0, max: 1, noNaN: true }));
    const state = fc.record(
      { id: value, camera: text, recognized_license_plate: value, recognized_license_plate_score: value },
      { requiredKeys: [] },
    );
    const message = fc.oneof(
      fc.jsonValue(),
      fc.record({ type: fc.constantFrom('lpr', 'face'), id: value, plate: value, score: value, camera: text }),
      fc.record({ type: fc.constantFrom('new', 'update', 'end'), before: fc.option(state), after: state }),
    );
    fc.assert(
      fc.property(fc.constantFrom(...frigateTopics), message, (topic, sent) => {
        const { mapped } = mapFrigate(topic, JSON.stringify(sent));
        if (!('reading' in mapped)) return;
        const { kind, value: plate, confidence } = mapped.reading;
        credentialSchema.parse({ kind, value: plate, confidence, source: 'camera' });
      }),
    );
  });
});
