/** Number plates that look like some country's without being any: two letters, two digits, three letters. */
import type { Random } from '@gatehouse/shared';
import { wholeBelow } from '../random.js';

/** Without I, O and Q, which issuers leave out for looking like digits. */
const letters = 'ABCDEFGHJKLMNPRSTUVWXYZ';
const digits = '0123456789';

/** A plate such as `KT41LWD`. */
export function drawPlate(random: Random): string {
  return [letters, letters, digits, digits, letters, letters, letters]
    .map((alphabet) => alphabet.charAt(wholeBelow(random, alphabet.length)))
    .join('');
}
