import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { maxPlateDistance, plateDistance, skeleton } from '../src/plate-distance.js';

describe('the distance of two plates', () => {
  const plate = fc.stringMatching(/^[A-Z0-9]{4,8}$/);

  it('is 0 for the same and symmetric for all', () => {
    fc.assert(
      fc.property(plate, plate, (a, b) => {
        expect(plateDistance(a, a)).toBe(0);
        expect(plateDistance(a, b)).toBe(plateDistance(b, a));
      }),
    );
  });

  it.each([
    ['AB12CDE', 'A8I2CDE', 1],
    ['AB12CDE', 'AB12CD?', 0.25],
    ['AB12CDE', '????CDE', 1],
  ])('lets %s be read as %s', (a, b, distance) => {
    expect(plateDistance(a, b)).toBe(distance);
  });

  it.each([
    ['AB12CDE', 'AB12CDX', 'characters nobody confuses'],
    ['AB12CDE', 'AB12CD', 'different length'],
    ['AB12CDE', '?????DE', 'too many unknown characters'],
    ['EEEE', 'PEEE', 'E and P are each like F, not like one another'],
    ['A1', 'AI', 'too short to tell vehicles apart'],
  ])('does not let %s be read as %s: %s', (a, b) => {
    expect(plateDistance(a, b)).toBeUndefined();
  });

  it('never exceeds its bound, and plates that match have the same skeleton', () => {
    const confused = fc.tuple(
      plate,
      fc.array(fc.tuple(fc.nat({ max: 7 }), fc.constantFrom(...'0ODQ1I2Z5S38B6GEFPHKMRTVY')), { maxLength: 2 }),
    );
    fc.assert(
      fc.property(confused, ([original, changes]) => {
        let read = original;
        for (const [at, character] of changes)
          if (at < read.length) read = read.slice(0, at) + character + read.slice(at + 1);
        const distance = plateDistance(original, read);
        if (distance === undefined) return;
        expect(distance).toBeLessThanOrEqual(maxPlateDistance);
        expect(skeleton(read)).toBe(skeleton(original));
      }),
    );
  });
});
