import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { canonicalJson, edgeEventSchema, genesisHash, nextHash } from '../src/index.js';
import { sha256 } from '../src/node/index.js';

interface WorkedExample {
  epoch: string;
  genesis: string;
  steps: { seq: number; event: unknown; canonical: string; hash: string }[];
}

const example = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'fixtures', 'hash-chain.json'), 'utf8'),
) as WorkedExample;

describe('the hash chain', () => {
  it('begins with the hash of the epoch', () => {
    expect(genesisHash(sha256, example.epoch)).toBe(example.genesis);
    expect(createHash('sha256').update(example.epoch, 'ascii').digest('hex')).toBe(example.genesis);
  });

  it('gives the worked numbers', () => {
    expect(example.steps.length).toBeGreaterThanOrEqual(3);
    let hash = example.genesis;
    example.steps.forEach(({ seq, event, canonical, hash: expected }, index) => {
      expect(seq).toBe(index + 1);
      expect(edgeEventSchema.safeParse(event).error).toBeUndefined();
      expect(canonicalJson(event)).toBe(canonical);
      // Written out once more, so that the example does not rest on the function it explains.
      expect(
        createHash('sha256')
          .update(hash + canonical, 'utf8')
          .digest('hex'),
      ).toBe(expected);
      hash = nextHash(sha256, hash, event);
      expect(hash).toBe(expected);
    });
  });

  it('differs from the first event on that differs', () => {
    const events = fc.array(fc.record({ kind: fc.string({ maxLength: 5 }), atMs: fc.nat(9) }), { minLength: 1 });
    fc.assert(
      fc.property(events, events, (one, other) => {
        const [left, right] = [chain(one), chain(other)];
        const firstDifference = one.findIndex((event, at) => canonicalJson(event) !== canonicalJson(other[at] ?? null));
        left.forEach((hash, at) => {
          expect(hash === right[at]).toBe(firstDifference === -1 || at < firstDifference);
        });
      }),
    );
  });
});

function chain(events: readonly unknown[]): string[] {
  const hashes: string[] = [];
  let hash = genesisHash(sha256, example.epoch);
  for (const event of events) hashes.push((hash = nextHash(sha256, hash, event)));
  return hashes;
}
