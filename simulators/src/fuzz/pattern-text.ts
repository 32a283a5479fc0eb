/** Texts that match a regular expression of a schema: the part of the notation that schemas use, nothing more. */
import type { Dice } from './dice.js';

type Node =
  | { readonly type: 'text'; readonly characters: readonly string[] }
  | { readonly type: 'choice'; readonly branches: readonly (readonly Repeated[])[] };

interface Repeated {
  readonly node: Node;
  readonly min: number;
  readonly max: number;
}

/** Repeats of `*` and `+` at most. */
const maxOpenRepeats = 12;
const known = new Map<string, Node>();

/**
 * A text that matches `pattern`, a source as JSON Schema has it, anchored at both ends.
 * @throws Error for notation that is not known here, and when the text does not match after all
 */
export function textOf(pattern: string, dice: Dice): string {
  let node = known.get(pattern);
  if (node === undefined) {
    node = parse(pattern);
    known.set(pattern, node);
  }
  const text = write(node, dice);
  if (!new RegExp(pattern, 'u').test(text)) throw new Error(`no text for the pattern ${pattern}: made ${text}`);
  return text;
}

function write(node: Node, dice: Dice): string {
  if (node.type === 'text') return dice.oneOf(node.characters);
  let text = '';
  for (const { node: part, min, max } of dice.oneOf(node.branches)) {
    const times = dice.happens(0.15) ? dice.oneOf([min, max]) : dice.between(min, Math.min(max, min + maxOpenRepeats));
    for (let time = 0; time < times; time += 1) text += write(part, dice);
  }
  return text;
}

/** Where the characters of classes are taken from. */
const candidates = [
  ...Array.from({ length: 0x7f }, (_, code) => String.fromCharCode(code)),
  ...'äÉßñЖЯ中文ﾊ٣Ⅷ½€“\u00a0\u202e🚗𐐷',
];

function parse(pattern: string): Node {
  const characters = [...pattern];
  let at = 0;
  const fail = (): never => {
    throw new Error(`pattern ${pattern}: not understood at ${String(at)}`);
  };

  /** What one of the notation's own words for characters, such as `\d` or `[^a-z]`, stands for. */
  const matching = (source: string): Node => {
    const word = new RegExp(`^${source}$`, 'u');
    const members = candidates.filter((character) => word.test(character));
    return members.length === 0 ? fail() : { type: 'text', characters: members };
  };
  const escaped = (): Node => {
    const start = at - 1;
    const sign = characters[at++] ?? fail();
    if (sign === 'p' || sign === 'P') at = characters.indexOf('}', at) + 1;
    return matching(characters.slice(start, at).join(''));
  };
  const characterClass = (): Node => {
    const start = at - 1;
    while (characters[at] !== ']') at += characters[at] === '\\' ? 2 : at < characters.length ? 1 : fail();
    at += 1;
    return matching(characters.slice(start, at).join(''));
  };
  const repeats = (): { min: number; max: number } => {
    const sign = characters[at];
    if (sign === '?' || sign === '*' || sign === '+') {
      at += 1;
      return { min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : maxOpenRepeats };
    }
    if (sign !== '{') return { min: 1, max: 1 };
    const end = characters.indexOf('}', at);
    const [min = '', max = min] = characters
      .slice(at + 1, end)
      .join('')
      .split(',');
    at = end + 1;
    return { min: Number(min), max: max === '' ? Number(min) + maxOpenRepeats : Number(max) };
  };
  const choice = (): Node => {
    const branches: Repeated[][] = [[]];
    while (at < characters.length && characters[at] !== ')') {
      const sign = characters[at++] ?? fail();
      if (sign === '|') {
        branches.push([]);
        continue;
      }
      if (sign === '^' || sign === '$') continue;
      let node: Node;
      if (sign === '(') {
        if (characters[at] === '?') at += characters[at + 1] === ':' ? 2 : fail();
        node = choice();
        at += 1;
      } else if (sign === '[') {
        node = characterClass();
      } else {
        node = sign === '\\' ? escaped() : sign === '.' ? matching('.') : { type: 'text', characters: [sign] };
      }
      branches.at(-1)?.push({ node, ...repeats() });
    }
    return { type: 'choice', branches };
  };
  return choice();
}
