/** Colours, thresholds and words for values: what means the same looks the same on every panel. */
import { MappingType, ThresholdsConfigBuilder, ThresholdsMode } from '@grafana/grafana-foundation-sdk/dashboard';
import type { DynamicConfigValue, ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';

export type Colour =
  'green' | 'yellow' | 'orange' | 'red' | 'blue' | 'light-blue' | 'purple' | 'text' | 'semi-dark-purple';

/** The colour below the first bound, then each bound with the colour from there on. */
export interface Thresholds {
  readonly base: Colour;
  readonly steps: readonly (readonly [from: number, colour: Colour])[];
}

/** No judgement: one colour for every value. */
export function plain(colour: Colour = 'blue'): Thresholds {
  return { base: colour, steps: [] };
}

/** Good while small. */
export function rising(orangeFrom: number, redFrom: number): Thresholds {
  return { base: 'green', steps: [[orangeFrom, 'orange'], [redFrom, 'red']] }; // prettier-ignore
}

/** Bad as soon as there is any. */
export function wrongFrom(from: number, colour: Colour = 'red'): Thresholds {
  return { base: 'green', steps: [[from, colour]] };
}

/** Good while large. */
export function falling(orangeBelow: number, redBelow: number): Thresholds {
  return { base: 'red', steps: [[redBelow, 'orange'], [orangeBelow, 'green']] }; // prettier-ignore
}

/** Good while near zero, whichever side. */
export function nearZero(orangeBeyond: number, redBeyond: number): Thresholds {
  return {
    base: 'red',
    steps: [[-redBeyond, 'orange'], [-orangeBeyond, 'green'], [orangeBeyond, 'orange'], [redBeyond, 'red']], // prettier-ignore
  };
}

export function toThresholds({ base, steps }: Thresholds): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder()
    .mode(ThresholdsMode.Absolute)
    .steps([{ value: null, color: base }, ...steps.map(([value, color]) => ({ value, color }))]);
}

export interface Word {
  readonly text: string;
  readonly colour: Colour;
}

/** Value → what it is called and how it looks. */
export function words(byValue: Readonly<Record<string, Word>>): ValueMapping {
  const entries = Object.entries(byValue);
  return {
    type: MappingType.ValueToText,
    options: Object.fromEntries(
      entries.map(([value, { text, colour }], index) => [value, { text, color: colour, index }]),
    ),
  };
}

/** Everything from a number on is called so. */
export function wordFrom(from: number, { text, colour }: Word): ValueMapping {
  return { type: MappingType.RangeToText, options: { from, to: null, result: { text, color: colour, index: 0 } } };
}

export const yesOrNo = words({ 1: { text: 'yes', colour: 'green' }, 0: { text: 'no', colour: 'red' } });

export interface Override {
  readonly matcher: { readonly id: string; readonly options: string };
  readonly properties: DynamicConfigValue[];
}

/** What holds for the series or column of a name alone. */
export function named(name: string, properties: Readonly<Record<string, unknown>>): Override {
  return {
    matcher: { id: 'byName', options: name },
    properties: Object.entries(properties).map(([id, value]) => ({ id, value })),
  };
}

/** The same for a bucket of a histogram: Prometheus 3 writes its bound `300.0` where Prometheus 2 writes `300`. */
export function bucket(le: string, properties: Readonly<Record<string, unknown>>): Override {
  const pattern = `/^${le.replace('+', '[+]')}([.]0)?$/`;
  return { ...named(le, properties), matcher: { id: 'byRegexp', options: pattern } };
}

/** Series of fixed names in fixed colours, each under the name that people know. */
export function series(byName: Readonly<Record<string, Word>>): Override[] {
  return Object.entries(byName).map(([name, { text, colour }]) =>
    named(name, { displayName: text, color: { mode: 'fixed', fixedColor: colour } }),
  );
}
