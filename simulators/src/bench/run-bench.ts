/** Measures figures one after the other, the two sides of each in turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '@gatehouse/shared';
import type { TidyUp } from '../processes/index.js';
import type { Bound, Figure, Line, Measured, PreparedFigure, Scale, Side } from './figure.js';
import { median } from './statistics.js';

export interface BenchOptions {
  readonly scale: Scale;
  /** Rounds of every figure, in place of its own number. */
  readonly rounds?: number;
  readonly tidyUp: TidyUp;
  say(text: string): void;
  /** A figure is done: a run may last an hour, and end before its last. */
  onResult?(result: FigureResult): void;
}

export interface LineResult extends Line {
  /** One a round. */
  readonly ours: readonly number[];
  /** One a round, or nothing. */
  readonly floors: readonly number[];
  /** Of each round, ours by the floor of that round. */
  readonly ratios: readonly number[];
  /** Whether it is as it must be. */
  readonly verdict: 'met' | 'short' | 'told';
}

export interface FigureResult {
  readonly number: number;
  readonly title: string;
  readonly how: string;
  readonly rounds: number;
  readonly durationS: number;
  /** Empty when it could not be measured. */
  readonly lines: readonly LineResult[];
  /** Why it could not be measured, else null. */
  readonly failure: string | null;
}

/** One that cannot be measured is told in its result; the others go on. */
export async function runBench(figures: readonly Figure[], options: BenchOptions): Promise<FigureResult[]> {
  const results: FigureResult[] = [];
  for (const figure of figures) {
    const result = await runFigure(figure, options);
    results.push(result);
    options.onResult?.(result);
  }
  return results;
}

async function runFigure(figure: Figure, options: BenchOptions): Promise<FigureResult> {
  const { number, title, how } = figure;
  const rounds = options.rounds ?? figure.rounds[options.scale];
  const startedMs = performance.now();
  options.say(`figure ${String(number)}, ${title}`);
  let lines: LineResult[] = [];
  let failure: string | null = null;
  try {
    lines = await linesOf(figure, rounds, options);
  } catch (error) {
    failure = messageOf(error);
    options.say(`  not measured: ${failure}`);
  }
  return { number, title, how, rounds, durationS: (performance.now() - startedMs) / 1000, lines, failure };
}

async function linesOf(
  figure: Figure,
  rounds: number,
  { scale, tidyUp, ...options }: BenchOptions,
): Promise<LineResult[]> {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-bench-'));
  const remove = (): void => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  const takeBack = tidyUp.later(remove);
  const say = (text: string): void => {
    options.say(`  ${text}`);
  };
  let prepared: PreparedFigure | undefined;
  try {
    prepared = await figure.prepare({ scale, directory, tidyUp, say });
    const measured: Record<Side, Measured[]> = { ours: [], floor: [] };
    for (let round = 1; round <= rounds; round += 1) {
      // In turn, and not always the same one first: what drifts on the machine meets both.
      for (const side of round % 2 === 1 ? (['floor', 'ours'] as const) : (['ours', 'floor'] as const)) {
        say(`round ${String(round)} of ${String(rounds)}, ${side}`);
        measured[side].push(await prepared.measure(side, round));
      }
    }
    return figure.lines.map((line) => resultOf(line, measured.ours, measured.floor));
  } finally {
    await prepared?.close();
    remove();
    takeBack();
  }
}

function resultOf(line: Line, ours: readonly Measured[], floors: readonly Measured[]): LineResult {
  const own = ours.map((measured) => valueOf(measured, line.key));
  const floor = line.floor === null ? [] : floors.map((measured) => valueOf(measured, line.key));
  const ratios = own.flatMap((value, index) => {
    const below = floor[index];
    return below === undefined ? [] : [value / below];
  });
  return { ...line, ours: own, floors: floor, ratios, verdict: verdictOf(line, own, ratios) };
}

function verdictOf(line: Line, ours: readonly number[], ratios: readonly number[]): LineResult['verdict'] {
  if (line.must === null) return 'told';
  return isWithin(line.must, line.better, ours, ratios) ? 'met' : 'short';
}

/** Whether the short form of a line is where nothing became many times slower; true for a line that cannot say. */
export function isUnalarming({ alarm, better, ours, ratios }: LineResult): boolean {
  return alarm === undefined || isWithin(alarm, better, ours, ratios);
}

function isWithin(bound: Bound, better: Line['better'], ours: readonly number[], ratios: readonly number[]): boolean {
  const value = median(bound.of === 'ratio' ? ratios : ours);
  return better === 'lower' ? value <= bound.value : value >= bound.value;
}

function valueOf(measured: Measured, key: string): number {
  const value = measured[key];
  if (value === undefined || !Number.isFinite(value)) throw new RangeError(`${key} was not measured`);
  return value;
}
