import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { credentialSchema } from '@gatehouse/shared';
import { readPlate } from '../../src/adapters/simulated-barrier/misreads.js';
import { plateReaderSettingsSchema } from '../../src/adapters/simulated-barrier/settings.js';
import { createSeededRandom } from './support/seeded-random.js';

const settings = plateReaderSettingsSchema.parse({});

describe('reading plates', () => {
  it('goes wrong as often as measured, and marks most of what it is unsure of', () => {
    const random = createSeededRandom(42);
    const total = 20_000;
    let unread = 0;
    let wrong = 0;
    let marked = 0;
    for (let index = 0; index < total; index += 1) {
      const read = readPlate('A123BC77', settings, random);
      if (read === undefined) unread += 1;
      else if (read.value !== 'A123BC77') {
        wrong += 1;
        if (read.value.includes('?')) marked += 1;
      }
    }
    expect(unread / total).toBeCloseTo(8 / 861, 2);
    expect(wrong / (total - unread)).toBeCloseTo(0.095, 2);
    expect(marked / wrong).toBeGreaterThan(0.75);
    expect(marked / wrong).toBeLessThan(0.88);
  });

  it('always gives a value that the wire takes', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z0-9 -]{0,40}$/), fc.integer(), (plate, seed) => {
        const read = readPlate(plate, { ...settings, misreadRate: 0.9 }, createSeededRandom(seed));
        if (read === undefined) return;
        expect(credentialSchema.safeParse({ kind: 'plate', source: 'camera', ...read }).success).toBe(true);
      }),
    );
  });
});
