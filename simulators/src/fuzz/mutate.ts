/** Nearly valid values: a valid one with one to three things wrong with it. */
import type { Dice } from './dice.js';
import { hostileString, hostileValue } from './hostile.js';

type Parent = Record<string, unknown> | unknown[];

/** A copy of `value`, changed in one to three places. It may still be valid: some changes mean nothing to some schemas. */
export function mutated(value: unknown, dice: Dice): unknown {
  const root: unknown[] = [structuredClone(value)];
  const changes = dice.between(1, 3);
  for (let change = 0; change < changes; change += 1) {
    const places = placesIn(root, 0);
    const [parent, key] = dice.oneOf(places);
    changeAt(parent, key, dice);
  }
  return root[0];
}

/** Every member of every container, deepest included. */
function placesIn(parent: Parent, depth: number): [Parent, string | number][] {
  if (depth > 8) return [];
  const places: [Parent, string | number][] = [];
  const keys = Array.isArray(parent) ? parent.keys() : Object.keys(parent);
  for (const key of keys) {
    places.push([parent, key]);
    const member = (parent as Record<string | number, unknown>)[key];
    if (typeof member === 'object' && member !== null) places.push(...placesIn(member as Parent, depth + 1));
  }
  return places;
}

function changeAt(parent: Parent, key: string | number, dice: Dice): void {
  const holder = parent as Record<string | number, unknown>;
  const before = holder[key];
  switch (dice.below(10)) {
    case 0:
      if (Array.isArray(parent) && parent.length > 1) parent.splice(Number(key), 1);
      else if (!Array.isArray(parent)) Reflect.deleteProperty(parent, key);
      return;
    case 1:
      if (Array.isArray(parent)) parent.splice(Number(key), 0, structuredClone(before));
      else put(holder, hostileString(dice), before);
      return;
    case 2:
      if (!Array.isArray(parent)) put(holder, `${String(key)}${dice.oneOf(['s', ' ', '\u0000', '2'])}`, before);
      return;
    case 3:
      holder[key] = null;
      return;
    case 4:
      holder[key] = [before];
      return;
    case 5:
      holder[key] = typeof before === 'string' ? Number(before) : JSON.stringify(before);
      return;
    case 6:
    case 7:
      holder[key] = nudged(before, dice);
      return;
    default:
      holder[key] = hostileValue(dice);
  }
}

/** A member of any name, `__proto__` too. */
function put(holder: Record<string | number, unknown>, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Of the same kind, a little off. */
function nudged(value: unknown, dice: Dice): unknown {
  if (typeof value === 'number') {
    return dice.oneOf([value + 1, value - 1, -value, value + 0.5, value * 1e6, value * 2 ** 53]);
  }
  if (typeof value === 'boolean') return !value;
  if (typeof value !== 'string') return hostileValue(dice);
  return dice.oneOf([
    value.toUpperCase(),
    value.slice(1),
    value.slice(0, -1),
    `${value} `,
    ` ${value}`,
    `${value}${hostileString(dice)}`,
    value.repeat(40),
    value.replace(/./u, '\u0000'),
  ]);
}
