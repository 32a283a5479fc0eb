/** How plate readers go wrong: which characters they leave open, which they take for another, and how many at once. */
import type { Random } from '@gatehouse/shared/edge';
import type { PlateReaderSettings } from './settings.js';

/** What readers and operators' corrections show to be taken for each other. */
const confusable: Readonly<Record<string, string>> = {
  '0': 'ODQ489',
  '1': 'I83',
  '2': 'Z403',
  '3': '8B210',
  '4': '089',
  '5': 'S',
  '6': 'G0',
  '7': '91',
  '8': '3B49',
  '9': '078',
  A: 'CB',
  B: '38A',
  C: 'GA',
  D: '0OQ',
  E: 'F',
  F: 'EP',
  G: '6C',
  H: 'KMRX',
  I: '1',
  K: 'MHR',
  M: 'HK',
  O: '0DQ',
  P: 'F',
  Q: '0OD',
  R: 'HK',
  S: '5',
  T: 'Y',
  V: 'Y',
  X: 'H',
  Y: 'VT',
  Z: '2',
};

/** Of 81 misreads, how many had 1, 2, 3 … characters wrong. */
const wrongCharacters = [29, 15, 6, 6, 6, 7, 6, 6];

/** Of 59 wrong places, how many were among the last two, the first, and between. */
const placeWeights = { lastTwo: 37, first: 13, middle: 9 };

export interface PlateRead {
  readonly value: string;
  readonly confidence: number;
}

/** What the reader makes of a plate; undefined when it sees none. */
export function readPlate(plate: string, settings: PlateReaderSettings, random: Random): PlateRead | undefined {
  const value = plate.toUpperCase().replace(/[\s-]/g, '').slice(0, 32);
  if (value === '' || random.next() < settings.noReadRate) return undefined;
  if (random.next() >= settings.misreadRate) return { value, confidence: between(random, 0.85, 0.99) };
  const marked = random.next() < settings.markedShare;
  const wrong = misread(value, marked, random);
  return { value: wrong, confidence: between(random, marked ? 0.3 : 0.6, marked ? 0.7 : 0.95) };
}

function misread(value: string, marked: boolean, random: Random): string {
  const characters = [...value];
  const count = Math.min(characters.length - 1, 1 + weighted(wrongCharacters, random));
  const places = new Set<number>();
  // A bounded number of draws: chance may name the same place again and again.
  for (let draw = 0; draw < 200 && places.size < Math.max(1, count); draw += 1)
    places.add(place(characters.length, random));
  for (const index of places) {
    const character = characters[index] ?? '';
    if (marked) characters[index] = '?';
    else characters[index] = substitute(character, random);
  }
  return characters.join('');
}

function place(length: number, random: Random): number {
  if (length < 4) return Math.floor(random.next() * length);
  const where = weighted([placeWeights.lastTwo, placeWeights.first, placeWeights.middle], random);
  if (where === 0) return length - 1 - Math.floor(random.next() * 2);
  return where === 1 ? 0 : 1 + Math.floor(random.next() * (length - 3));
}

function substitute(character: string, random: Random): string {
  const others = confusable[character] ?? '8';
  return others[Math.floor(random.next() * others.length)] ?? '8';
}

function weighted(weights: readonly number[], random: Random): number {
  let left = random.next() * weights.reduce((sum, weight) => sum + weight, 0);
  for (const [index, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return index;
  }
  return weights.length - 1;
}

function between(random: Random, low: number, high: number): number {
  return Math.round((low + random.next() * (high - low)) * 100) / 100;
}
