/**
 * How alike two plates are, to a reader that errs. Only characters that readers are known to confuse count as alike, and a `?`
 * (the reader's own "could not make out") fits any one character; plates of different length never match. The classes follow
 * published equivalence tables of plate-reader makers (Genetec Security Center's OCR equivalence; OPS-COM's fuzzy search).
 */

const confusableClasses = ['0ODQ', '1I', '2Z', '5S', '38B', '6G', 'EF', 'FP', 'HKMR', 'TVY'] as const;

const unknownCharacter = '?';
/** Costs of one position. Their sum must not exceed `maxPlateDistance`: two confusions, or four unknown characters. */
const costs = { confusable: 0.5, unknown: 0.25 } as const;
export const maxPlateDistance = 1;

/** Shorter texts have too few characters left to tell vehicles apart. */
const minFuzzyChars = 4;

const classesOf = new Map<string, number[]>();
confusableClasses.forEach((members, index) => {
  for (const character of members) classesOf.set(character, [...(classesOf.get(character) ?? []), index]);
});

/** Classes that share a character have one representative, so that alike plates always have the same skeleton. */
const representative = new Map<string, string>();
for (const members of confusableClasses) {
  const known = [...members].map((character) => representative.get(character)).find((found) => found !== undefined);
  for (const character of members) representative.set(character, known ?? members.charAt(0));
}

/** A key under which a plate without unknown characters stands together with all it could be confused with. */
export function skeleton(plate: string): string {
  let text = '';
  for (const character of plate) text += representative.get(character) ?? character;
  return text;
}

export function hasUnknown(plate: string): boolean {
  return plate.includes(unknownCharacter);
}

/** The distance of two plates, 0 for the same, or undefined when they cannot be one vehicle's. */
export function plateDistance(left: string, right: string): number | undefined {
  if (left === right) return 0;
  if (left.length !== right.length || left.length < minFuzzyChars) return undefined;
  let distance = 0;
  for (let index = 0; index < left.length; index++) {
    const a = left.charAt(index);
    const b = right.charAt(index);
    if (a === b) continue;
    if (a === unknownCharacter || b === unknownCharacter) distance += costs.unknown;
    else if (confusable(a, b)) distance += costs.confusable;
    else return undefined;
    if (distance > maxPlateDistance) return undefined;
  }
  return distance;
}

function confusable(a: string, b: string): boolean {
  const classes = classesOf.get(b);
  return classesOf.get(a)?.some((index) => classes?.includes(index)) ?? false;
}
