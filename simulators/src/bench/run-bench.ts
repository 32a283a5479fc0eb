/** Measures figures one after the other, the two sides of each in turn. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BenchContext, Figure, Line, Measured, PreparedFigure, Scale, Side } from './figure.js';
import { median } from './statistics.js';

export interface BenchOptions {
  readonly scale: Scale;
  /** Rounds of every figure, in place of its own number. */
  readonly rounds?: number;
  say(text: string): void;
}

export interface LineResult extends Line {
  /** One a round. */
  readonly ours: readonly number[];
  /** One a round, or nothing. */
  readonly floors: readonly number[];
  /** Of each round, ours by the floor of that round. */
  readonly ratios: readonly number[];
  readonly verdict: 'met' | 'short' | 'told';
}

export interface FigureResult {
  readonly number: number;
  readonly title: string;
  readonly how: string;
  readonly rounds: number;
  readonly durationS: number;
  readonly lines: readonly LineResult[];
}

/** @throws Error of the figure that cannot be measured, after it has been closed */
export async function runBench(figures: readonly Figure[], options: BenchOptions): Promise<FigureResult[]> {
  const results: FigureResult[] = [];
  for (const figure of figures) results.push(await runFigure(figure, options));
  return results;
}

async function runFigure(figure: Figure, options: BenchOptions): Promise<FigureResult> {
  const name = `figure ${String(figure.number)}, ${figure.title}`;
  const rounds = options.rounds ?? figure.rounds[options.scale];
  const startedMs = performance.now();
  const directory = await mkdtemp(path.join(tmpdir(), 'gatehouse-bench-'));
  const say = (text: string): void => {
    options.say(`  ${text}`);
  };
  options.say(name);
  let prepared: PreparedFigure | undefined;
  try {
    const context: BenchContext = { scale: options.scale, directory, say };
    prepared = await figure.prepare(context);
    const measured: Record<Side, Measured[]> = { ours: [], floor: [] };
    for (let round = 1; round <= rounds; round += 1) {
      // In turn, and not always the same one first: what drifts on the machine meets both.
      for (const side of round % 2 === 1 ? (['floor', 'ours'] as const) : (['ours', 'floor'] as const)) {
        say(`round ${String(round)} of ${String(rounds)}, ${side}`);
        measured[side].push(await prepared.measure(side, round));
      }
    }
    const lines = figure.lines.map((line) => resultOf(line, measured.ours, measured.floor));
    const durationS = (performance.now() - startedMs) / 1000;
    return { number: figure.number, title: figure.title, how: figure.how, rounds, durationS, lines };
  } catch (error) {
    throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  } finally {
    await prepared?.close();
    await rm(directory, { recursive: true, force: true });
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

function verdictOf({ must, better }: Line, ours: readonly number[], ratios: readonly number[]): LineResult['verdict'] {
  if (must === null) return 'told';
  const value = median(must.of === 'ratio' ? ratios : ours);
  return (better === 'lower' ? value <= must.value : value >= must.value) ? 'met' : 'short';
}

function valueOf(measured: Measured, key: string): number {
  const value = measured[key];
  if (value === undefined || !Number.isFinite(value)) throw new RangeError(`${key} was not measured`);
  return value;
}
