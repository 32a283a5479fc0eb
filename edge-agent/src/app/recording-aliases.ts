/** Stand-ins for plates, tags and tickets in a recording: drawn by chance, so that nothing can be worked back from them. */
import type { Credential, Random } from '@gatehouse/shared/edge';
import { isSimilar } from '../domain/lane/reads.js';

/** What has an alias, at most; the oldest is forgotten, and gets another one when it comes again. */
const maxAliases = 64;
/** Draws of an alias that could be mistaken for another, at most. */
const maxDraws = 16;

/**
 * Credentials that the lane takes for one vehicle get one alias, and those it tells apart get two, so that a replay decides
 * likewise. A plate that was not read in full stays so.
 */
export function createAliases(random: Random): (credential: Credential) => Credential {
  const known: { readonly credential: Credential; readonly alias: string }[] = [];
  const draw = (credential: Credential): string => {
    let alias = '';
    for (let draws = 0; draws < maxDraws; draws += 1) {
      alias = random.hex(4).toUpperCase();
      const drawn = { ...credential, value: alias };
      if (!known.some((each) => isSimilar({ ...each.credential, value: each.alias }, drawn))) break;
    }
    return alias;
  };
  return (credential) => {
    const exact = known.find((each) => isExactly(each.credential, credential));
    const alike = exact ?? known.findLast((each) => isSimilar(each.credential, credential));
    const alias = alike?.alias ?? draw(credential);
    if (exact === undefined) known.push({ credential, alias });
    if (known.length > maxAliases) known.shift();
    const isPart = credential.kind === 'plate' && credential.value.includes('?');
    return { ...credential, value: isPart ? `${alias.slice(0, -1)}?` : alias };
  };
}

function isExactly(one: Credential, other: Credential): boolean {
  return one.kind === other.kind && one.value === other.value;
}
