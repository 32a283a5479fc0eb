import { describe, expect, it } from '@jest/globals';
import type { Credential } from '@gatehouse/shared';
import { createAliases } from '../../src/app/recording-aliases.js';
import { isSimilar } from '../../src/domain/lane/reads.js';
import { seededRandom } from './harness.js';

const plate = (value: string): Credential => ({ kind: 'plate', value, source: 'camera', confidence: 0.8 });

describe('aliases in a recording', () => {
  it('are the same for the same plate, keep source and confidence, and tell nothing of it', () => {
    const aliasOf = createAliases(seededRandom(7));
    const alias = aliasOf(plate('AB12CDE'));
    expect(aliasOf(plate('AB12CDE'))).toEqual(alias);
    expect(alias).toMatchObject({ kind: 'plate', source: 'camera', confidence: 0.8 });
    expect(alias.value).not.toContain('AB12');
    expect(createAliases(seededRandom(8))(plate('AB12CDE')).value).not.toBe(alias.value);
  });

  it('are alike for reads of one vehicle, and say where a character was not read', () => {
    const aliasOf = createAliases(seededRandom(7));
    const [full, confused, part, shorter] = ['AB12CDE', 'A812CDE', 'AB12CD?', 'AB12CD'].map((value) =>
      aliasOf(plate(value)),
    );
    expect(confused?.value).toBe(full?.value);
    expect(shorter?.value).toBe(full?.value);
    expect(part?.value.endsWith('?')).toBe(true);
    expect(full !== undefined && part !== undefined && isSimilar(full, part)).toBe(true);
  });

  it('are apart for vehicles that a lane tells apart', () => {
    const aliasOf = createAliases(seededRandom(7));
    const aliases = Array.from({ length: 60 }, (_, index) =>
      aliasOf(plate(`ZZ${String(1000 + index * 137)}QX${String(index)}`)),
    );
    for (const [index, one] of aliases.entries()) {
      for (const other of aliases.slice(index + 1)) expect(isSimilar(one, other)).toBe(false);
    }
  });

  it('are given to tags and tickets as well', () => {
    const aliasOf = createAliases(seededRandom(7));
    const tag: Credential = { kind: 'tag', value: 'E28011700000020', source: 'antenna', confidence: 1 };
    expect(aliasOf(tag).value).not.toBe(tag.value);
    expect(aliasOf(tag)).toEqual(aliasOf(tag));
  });

  it('forgets the oldest of more than it keeps', () => {
    const aliasOf = createAliases(seededRandom(7));
    const tag = (index: number): Credential => ({ ...plate(`T${String(index)}`), kind: 'tag' });
    const first = aliasOf(tag(0));
    for (let index = 1; index < 64; index += 1) aliasOf(tag(index));
    expect(aliasOf(tag(0))).toEqual(first);
    aliasOf(tag(64));
    expect(aliasOf(tag(0))).not.toEqual(first);
  });
});
