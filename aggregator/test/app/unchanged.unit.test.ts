import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { withUnchangedParts } from '../../src/app/ingest/unchanged.js';

describe('what is told again', () => {
  it('is what was told before, as far as it is the same', () => {
    const before = { clock: { atMs: 1 }, gates: [{ gateId: 'in', faults: ['loop-stuck'] }], epoch: 'e' };
    const now = structuredClone(before);
    now.clock.atMs = 2;
    const kept = withUnchangedParts(before, now);
    expect(kept).toEqual({ clock: { atMs: 2 }, gates: before.gates, epoch: 'e' });
    expect(kept).not.toBe(before);
    expect(kept.gates).toBe(before.gates);
    expect(withUnchangedParts(before, structuredClone(before))).toBe(before);
    expect(before.clock.atMs).toBe(1);
  });

  it('keeps a part of a list of which another part changed', () => {
    const before = [
      { gateId: 'in', barrier: 'closed' },
      { gateId: 'out', barrier: 'closed' },
    ];
    const kept = withUnchangedParts(before, [
      { gateId: 'in', barrier: 'open' },
      { gateId: 'out', barrier: 'closed' },
    ]);
    expect(kept[1]).toBe(before[1]);
    expect(kept[0]).toEqual({ gateId: 'in', barrier: 'open' });
  });

  it('means just what was told, and leaves what was told before alone', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (before, now) => {
        const beforeCopy = structuredClone(before);
        const nowCopy = structuredClone(now);
        expect(withUnchangedParts<unknown>(before, now)).toEqual(nowCopy);
        expect(before).toEqual(beforeCopy);
      }),
    );
    const small = fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.oneof(fc.integer({ max: 2, min: 0 }), fc.array(fc.integer({ max: 1, min: 0 }), { maxLength: 2 })),
    );
    fc.assert(
      fc.property(small, small, (before, now) => {
        const nowCopy = structuredClone(now);
        const kept = withUnchangedParts<unknown>(before, now);
        expect(kept).toEqual(nowCopy);
      }),
    );
  });
});
