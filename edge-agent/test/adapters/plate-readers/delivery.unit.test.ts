import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import { createDelivery } from '../../../src/adapters/plate-readers/delivery.js';
import type { Reading } from '../../../src/adapters/plate-readers/reading.js';
import { plateReadersSettingsSchema } from '../../../src/adapters/plate-readers/settings.js';
import { createReaderTally } from '../../../src/adapters/plate-readers/tally.js';
import type { CredentialRead } from '../../../src/app/ports.js';
import { createManualClock } from '../support/manual-clock.js';

/** How many reads, and how many that are counted as ignored, come of one reading of a camera with these settings. */
function deliver(change: object, more: Partial<Reading>): readonly [number, number] {
  const clock = createManualClock();
  const tally = createReaderTally(['cam'], { clock, logger: silentLogger });
  const reads: CredentialRead[] = [];
  const { cameras } = plateReadersSettingsSchema.parse({
    cameras: [{ cameraId: 'cam', gateId: 'in', secretFile: 'x', ...change }],
  });
  const [camera] = cameras;
  if (camera === undefined) throw new Error('no camera');
  const told = createDelivery((read) => reads.push(read), { tally, clock })(camera, {
    reading: { kind: 'plate', value: 'KX719QD', confidence: 1, ...more },
  });
  expect(told.reads).toBe(reads.length);
  return [reads.length, tally.counts.get('cam')?.ignored ?? 0];
}

describe('a camera that is told how the vehicles move', () => {
  it.each([
    ['the way that is meant', 'in', [1, 0]],
    ['the other way', 'out', [0, 1]],
    ['in a way that it does not know yet', undefined, [1, 0]],
  ] as const)('reads, or leaves out, one that goes %s (%s)', (_what, moving, counts) => {
    expect(deliver({ format: 'axis', moving: 'in' }, { moving })).toEqual(counts);
  });
});

describe('a reading that comes when its vehicle has left the picture', () => {
  it('is a read of a camera that looks ahead of the gate, and of no other', () => {
    expect(deliver({ format: 'rekor', looksAhead: true }, { hasLeft: true })).toEqual([1, 0]);
    expect(deliver({ format: 'rekor' }, { hasLeft: true })).toEqual([0, 1]);
  });
});
