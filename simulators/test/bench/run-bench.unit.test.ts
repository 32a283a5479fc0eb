import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import type { Figure, Line, Measured, Side } from '../../src/bench/figure.js';
import { checkLine, markdownReport, resultLine, withReport } from '../../src/bench/report.js';
import { isUnalarming, runBench } from '../../src/bench/run-bench.js';
import { median, percentile } from '../../src/bench/statistics.js';
import { createTidyUp } from '../../src/processes/index.js';

const line: Line = {
  key: 'perSecond',
  what: 'messages',
  unit: '1/s',
  better: 'higher',
  floor: 'bare',
  must: { of: 'ratio', value: 0.5 },
  aim: null,
  alarm: { of: 'ratio', value: 0.1 },
};

const options = { scale: 'full' as const, say: () => undefined, tidyUp: createTidyUp(() => undefined) };

interface Story {
  readonly lines?: readonly Line[];
  readonly value: (side: Side, round: number) => Measured;
}

function figureOf({ lines = [line], value }: Story) {
  const happened: string[] = [];
  let directory = '';
  const figure: Figure = {
    number: 3,
    title: 'a figure',
    how: 'By counting.',
    lines,
    rounds: { full: 3, short: 1 },
    prepare(context) {
      directory = context.directory;
      happened.push(`prepare ${context.scale}`);
      return Promise.resolve({
        measure(side, round) {
          happened.push(`${side} ${String(round)}`);
          return Promise.resolve(value(side, round));
        },
        close() {
          happened.push(existsSync(directory) ? 'close' : 'close, too late');
          return Promise.resolve();
        },
      });
    },
  };
  const run = async (rounds?: number) => {
    const [result] = await runBench([figure], rounds === undefined ? options : { ...options, rounds });
    if (result === undefined) throw new Error('no result');
    return { result, happened, isDirectoryThere: existsSync(directory) };
  };
  return { run, figure };
}

describe('a run of the benchmarks', () => {
  it('measures both sides in turn, and not always the same one first', async () => {
    const { run } = figureOf({ value: () => ({ perSecond: 1 }) });
    const { happened, isDirectoryThere } = await run();
    expect(happened).toEqual([
      'prepare full',
      ...['floor 1', 'ours 1'],
      ...['ours 2', 'floor 2'],
      ...['floor 3', 'ours 3'],
      'close',
    ]);
    expect(isDirectoryThere).toBe(false);
  });

  it('tells the result of each figure before the next one begins', async () => {
    const told: string[] = [];
    const storyOf = (number: number): Figure => {
      const { figure } = figureOf({ value: () => ({ perSecond: 1 }) });
      return {
        ...figure,
        number,
        prepare(context) {
          told.push(`prepare ${String(number)}`);
          return figure.prepare(context);
        },
      };
    };
    await runBench([storyOf(1), storyOf(2)], {
      ...options,
      onResult: ({ number, lines }) => told.push(`result ${String(number)}: ${lines.map(resultLine).join()}`),
    });
    const text = 'messages: 1 1/s, 1.00 (1.00 to 1.00) of the floor, must be ≥ 0.5 ×: met';
    expect(told).toEqual(['prepare 1', `result 1: ${text}`, 'prepare 2', `result 2: ${text}`]);
  });

  it('takes each ratio within its round', async () => {
    const floors = [100, 200, 400];
    const ours = [50, 160, 240];
    const { run } = figureOf({
      value: (side, round) => ({ perSecond: (side === 'ours' ? ours : floors)[round - 1] ?? Number.NaN }),
    });
    const { result } = await run();
    expect(result.lines[0]?.ratios).toEqual([0.5, 0.8, 0.6]);
    expect(result.lines[0]?.verdict).toBe('met');
  });

  it.each([
    { better: 'higher', value: 0.5, verdict: 'met' },
    { better: 'higher', value: 0.49, verdict: 'short' },
    { better: 'lower', value: 0.5, verdict: 'met' },
    { better: 'lower', value: 0.51, verdict: 'short' },
  ] as const)('$value of the floor, where $better is better, is $verdict', async ({ better, value, verdict }) => {
    const { run } = figureOf({
      lines: [{ ...line, better }],
      value: (side) => ({ perSecond: side === 'ours' ? value : 1 }),
    });
    expect((await run(1)).result.lines[0]?.verdict).toBe(verdict);
  });

  it('judges a value that has no floor by itself', async () => {
    const { run } = figureOf({
      lines: [{ ...line, floor: null, better: 'lower', must: { of: 'value', value: 30 } }],
      value: (side): Measured => (side === 'ours' ? { perSecond: 31 } : {}),
    });
    const [found] = (await run(1)).result.lines;
    expect(found).toMatchObject({ ours: [31], floors: [], ratios: [], verdict: 'short' });
  });

  it('tells what could not be measured, after it was closed', async () => {
    const { run } = figureOf({
      value: (side) => {
        if (side === 'ours') throw new Error('nobody answers');
        return { perSecond: 1 };
      },
    });
    const { result, happened } = await run();
    expect(result).toMatchObject({ lines: [], failure: 'nobody answers' });
    expect(happened.at(-1)).toBe('close');
  });

  it('does not take a missing value for a good one', async () => {
    const { run } = figureOf({ value: (): Measured => ({}) });
    expect((await run()).result.failure).toBe('perSecond was not measured');
  });

  it('is alarmed beyond the alarm only', async () => {
    const alarms = [];
    for (const value of [0.1, 0.09]) {
      const { run } = figureOf({ value: (side) => ({ perSecond: side === 'ours' ? value : 1 }) });
      const [found] = (await run(1)).result.lines;
      if (found === undefined) throw new Error('no line');
      alarms.push([isUnalarming(found), checkLine(3, found, isUnalarming(found))]);
    }
    expect(alarms).toEqual([
      [true, 'ok figure 3, messages: 0.10 of the floor, must be ≥ 0.1 ×'],
      [false, 'FAIL figure 3, messages: 0.09 of the floor, must be ≥ 0.1 ×'],
    ]);
  });
});

describe('the report', () => {
  it('has a row for each line, with medians and the spread of ratios', async () => {
    const { run } = figureOf({
      value: (side, round) => ({ perSecond: side === 'ours' ? 6000 * round : 12_345 }),
    });
    const text = markdownReport([(await run()).result], 'npm run bench', '2030-01-02');
    expect(text).toContain('Made by `npm run bench` on 2030-01-02');
    expect(text).toContain(
      '| 3 | messages | 12,000 1/s | 12,345 1/s (bare) | 0.97 (0.49 to 1.46) | ≥ 0.5 × | – | met |',
    );
    expect(text).toMatch(/^\*\*Figure 3, a figure\*\* \(rounds: 3\)\. By counting\.$/m);
    expect(text).toMatch(/aedes \d+\.\d+\.\d+, mqtt \d+\.\d+\.\d+/);
    expect(text).toMatch(/SQLite 3\.\d+\.\d+/);
  });

  it('shows the spread of a value that nothing is compared with', async () => {
    const { run } = figureOf({
      lines: [{ ...line, floor: null, must: null }],
      value: (_side, round) => ({ perSecond: 1000 * round }),
    });
    const text = markdownReport([(await run()).result], 'npm run bench', '2030-01-02');
    expect(text).toContain('| 3 | messages | 2,000 1/s (1,000 to 3,000) | – | – | – | – |');
  });

  it('takes the place of the one that the page has', () => {
    const page = 'before\n<!-- measured -->\nold\n<!-- /measured -->\nafter';
    expect(withReport(page, 'new')).toBe('before\n<!-- measured -->\n\nnew\n\n<!-- /measured -->\nafter');
    expect(() => withReport('a page', 'new')).toThrow('the page has no <!-- measured -->');
  });
});

describe('percentiles', () => {
  it('lie between two samples by their distance', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(percentile([10, 20], 99)).toBeCloseTo(19.9);
    expect(percentile([7], 99)).toBe(7);
    expect(() => median([])).toThrow('no samples');
  });
});
