/** How inputs are asked for together: flags that most have, and attributes for those that differ. */
import type { GpioBias, GpioInputOptions } from '../access.js';
import { lineFlags, maxAttributes } from './layout.js';
import type { LineAttribute, LineRequest } from './layout.js';

/** Edges that the kernel keeps for this process, at least. Of a lane that chatters they are those of seconds. */
const bufferedEvents = 512;

export interface InputRequest {
  readonly lines: readonly GpioInputOptions[];
  readonly asked: Omit<LineRequest, 'consumer' | 'offsets'>;
}

/** One request, so that edges come in their order; more only where lines differ in more ways than one request can say. */
export function inputRequests(wanted: readonly GpioInputOptions[]): InputRequest[] {
  const groups: GpioInputOptions[][] = [];
  for (const line of wanted) {
    const last = groups.at(-1);
    if (last !== undefined && attributesOf([...last, line]).length <= maxAttributes) last.push(line);
    else groups.push([line]);
  }
  return groups.map((lines) => {
    const flags = lines[0] === undefined ? 0n : flagsOf(lines[0]);
    return { lines, asked: { flags, attributes: attributesOf(lines), bufferedEvents } };
  });
}

function attributesOf(lines: readonly GpioInputOptions[]): LineAttribute[] {
  const masks = new Map<string, LineAttribute>();
  const add = (kind: LineAttribute['kind'], value: bigint, place: number): void => {
    const key = `${kind} ${String(value)}`;
    const mask = (masks.get(key)?.mask ?? 0n) | (1n << BigInt(place));
    masks.set(key, { kind, value, mask });
  };
  const common = lines[0] === undefined ? 0n : flagsOf(lines[0]);
  for (const [place, line] of lines.entries()) {
    const flags = flagsOf(line);
    if (flags !== common) add('flags', flags, place);
    if (line.debounceMs > 0) add('debounceMicroseconds', BigInt(line.debounceMs) * 1_000n, place);
  }
  return [...masks.values()];
}

const biasFlags: Readonly<Record<GpioBias, bigint>> = {
  'as-is': 0n,
  'pull-up': lineFlags.pullUp,
  'pull-down': lineFlags.pullDown,
  disabled: lineFlags.biasDisabled,
};

function flagsOf({ activeLow, bias }: GpioInputOptions): bigint {
  const { input, edgeRising, edgeFalling } = lineFlags;
  return input | edgeRising | edgeFalling | (activeLow ? lineFlags.activeLow : 0n) | biasFlags[bias];
}
