/** What a benchmark measures: something of ours beside a floor that is measured in the same run. */

import type { TidyUp } from '../processes/index.js';

/** What the value of ours may be at most (`better: 'lower'`) or at least (`better: 'higher'`), as a multiple of the floor or by itself. */
export interface Bound {
  readonly of: 'ratio' | 'value';
  readonly value: number;
}

/** One row of the table. */
export interface Line {
  /** Name of the value in what is measured, unique within its figure. */
  readonly key: string;
  readonly what: string;
  readonly unit: 'ms' | 'µs' | 's' | '1/s' | 'MB' | 'kB' | '%' | 'count';
  readonly better: 'lower' | 'higher';
  /** What it is compared with; null: nothing, the value stands by itself. */
  readonly floor: string | null;
  /** null: told for information. */
  readonly must: Bound | null;
  readonly aim: Bound | null;
  /** In the short form: beyond this, something became many times slower. Far enough off that noise does not reach it. */
  readonly alarm?: Bound;
}

/** What is asked of a line. */
export type Asked = Pick<Line, 'better' | 'must' | 'aim' | 'alarm'>;

/** The less the better: so many times the floor at most. */
export function atMostTimes(must: number, aim: number | null, alarm?: number): Asked {
  return { better: 'lower', ...ratios(must, aim, alarm) };
}

/** The more the better: so many times the floor at least. */
export function atLeastTimes(must: number, aim: number | null, alarm?: number): Asked {
  return { better: 'higher', ...ratios(must, aim, alarm) };
}

/** Told for information. */
export const told: Asked = { better: 'lower', must: null, aim: null };

function ratios(must: number, aim: number | null, alarm: number | undefined): Omit<Asked, 'better'> {
  const ratio = (value: number): Bound => ({ of: 'ratio', value });
  return {
    must: ratio(must),
    aim: aim === null ? null : ratio(aim),
    ...(alarm === undefined ? {} : { alarm: ratio(alarm) }),
  };
}

/** Values of one measurement by key of their line, in the line's unit. */
export type Measured = Readonly<Record<string, number>>;

export type Side = 'ours' | 'floor';

/** `full` is what the published table is made with; `short` is for checking that nothing became many times slower. */
export type Scale = 'full' | 'short';

export interface BenchContext {
  readonly scale: Scale;
  /** An empty directory for this figure alone; removed after it. */
  readonly directory: string;
  /** For what would outlive this program if it were ended in the middle: processes of a `System`, files elsewhere. */
  readonly tidyUp: TidyUp;
  /** Tells the person who waits. */
  say(text: string): void;
}

export interface PreparedFigure {
  /** One measurement of one side. Ours must have every line's key; the floor those of the lines that have a floor. */
  measure(side: Side, round: number): Promise<Measured>;
  /** Ends what was started. May be called after a failure. */
  close(): Promise<void>;
}

export interface Figure {
  readonly number: number;
  readonly title: string;
  /** How it is measured: one paragraph for who reads the table. */
  readonly how: string;
  readonly lines: readonly Line[];
  /** Rounds of one measurement of each side. */
  readonly rounds: Readonly<Record<Scale, number>>;
  prepare(context: BenchContext): Promise<PreparedFigure>;
}

/** For two sides that are measured by turns within a round: asking for one of them measures both. */
export function measuredTogether(
  measureRound: () => Promise<Readonly<Record<Side, Measured>>>,
): PreparedFigure['measure'] {
  let measured: { readonly round: number; readonly sides: Readonly<Record<Side, Measured>> } | undefined;
  return async (side, round) => {
    if (measured?.round !== round) measured = { round, sides: await measureRound() };
    return measured.sides[side];
  };
}
