/** What was measured, as people read it. */
import type { Bound, Line } from './figure.js';
import { libraryVersions, machineShape } from './machine.js';
import type { FigureResult, LineResult } from './run-bench.js';
import { median } from './statistics.js';

/** The table and how its figures are measured, as Markdown. `command`: what made it. */
export function markdownReport(results: readonly FigureResult[], command: string, date: string): string {
  return [
    `Made by \`${command}\` on ${date}, in ${minutes(results)} minutes. Machine: ${machineShape()}. Libraries: ${libraryVersions()}.`,
    '',
    'Each value is the median of its rounds. A ratio is ours by the floor of the same round. The smallest and the largest stand in brackets: of the ratios, and where there is no floor, of ours.',
    '',
    '| | what | ours | floor | ratio | must | aim | |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...results.flatMap(({ number, title, lines, failure }) => [
      ...lines.map((line) => row(number, line)),
      ...(failure === null ? [] : [`| ${String(number)} | ${title} | not measured: ${cell(failure)} | | | | | |`]),
    ]),
    '',
    ...results.map(
      ({ number, title, how, rounds }) =>
        `**Figure ${String(number)}, ${title}** (rounds: ${String(rounds)}). ${how}\n`,
    ),
  ].join('\n');
}

function row(number: number, line: LineResult): string {
  const { what, ours, floors, floor, ratios, must, aim, verdict } = line;
  const cells = [
    String(number),
    what,
    floor === null ? spread(ours, (value) => valued(line, value), numberText) : valued(line, median(ours)),
    floor === null ? '–' : `${valued(line, median(floors))} (${floor})`,
    ratios.length === 0 ? '–' : spread(ratios, ratioText),
    boundText(line, must),
    boundText(line, aim),
    verdict === 'told' ? '' : verdict,
  ];
  return `| ${cells.map(cell).join(' | ')} |`;
}

const [begin, end] = ['<!-- measured -->', '<!-- /measured -->'];

/** The page with `report` in the place of the one it has. @throws Error when the page says nowhere where that is */
export function withReport(page: string, report: string): string {
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no ${begin} … ${end}`);
  return `${page.slice(0, from)}${begin}\n\n${report}\n\n${page.slice(to)}`;
}

/** One line for a terminal: whether a line is within the bound that was asked. */
export function checkLine(number: number, line: LineResult, isOk: boolean): string {
  const bound = line.alarm === undefined ? '' : `, must be ${boundText(line, line.alarm)}`;
  return `${isOk ? 'ok' : 'FAIL'} figure ${String(number)}, ${line.what}: ${measuredText(line)}${bound}`;
}

/** The same for a line that is told while others are still measured. */
export function resultLine(line: LineResult): string {
  const verdict = line.verdict === 'told' ? '' : `, must be ${boundText(line, line.must)}: ${line.verdict}`;
  return `${line.what}: ${valued(line, median(line.ours))}${line.ratios.length === 0 ? '' : `, ${measuredText(line)}`}${verdict}`;
}

function measuredText(line: LineResult): string {
  const { ours, ratios } = line;
  return ratios.length === 0 ? valued(line, median(ours)) : `${spread(ratios, ratioText)} of the floor`;
}

function valued({ unit }: Line, value: number): string {
  return `${numberText(value)}${unit === 'count' ? '' : ` ${unit}`}`;
}

function boundText({ better, unit }: Line, bound: Bound | null): string {
  if (bound === null) return '–';
  const sign = better === 'lower' ? '≤' : '≥';
  return bound.of === 'ratio' ? `${sign} ${String(bound.value)} ×` : `${sign} ${numberText(bound.value)} ${unit}`;
}

/** The median, and between what the samples are; `shownBeside`: these ends. */
function spread(
  samples: readonly number[],
  shown: (value: number) => string,
  shownBeside: (value: number) => string = shown,
): string {
  const middle = shown(median(samples));
  if (samples.length === 1) return middle;
  return `${middle} (${shownBeside(Math.min(...samples))} to ${shownBeside(Math.max(...samples))})`;
}

function ratioText(value: number): string {
  return value.toFixed(2);
}

/** Three digits that count, thousands apart. */
function numberText(value: number): string {
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toLocaleString('en', { maximumFractionDigits: Math.min(digits, 6) });
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function minutes(results: readonly FigureResult[]): string {
  return (results.reduce((sum, { durationS }) => sum + durationS, 0) / 60).toFixed(0);
}
