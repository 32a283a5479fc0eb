/** What a replay came to, for people and for programs. */
import type { Compared, Reconciliation } from './reconcile.js';

/** How fast it went. */
export interface ReplaySpeed {
  /** `Infinity`: as fast as possible. */
  readonly asked: number;
  readonly simulatedMs: number;
  readonly realMs: number;
}

export interface ReplayReport {
  readonly file: string;
  readonly lanes: { readonly entry: number; readonly exit: number };
  readonly slots: number;
  readonly speed: ReplaySpeed;
  readonly reconciliation: Reconciliation;
}

/** Simulated ms in one real ms, over the whole replay. */
export function achievedSpeed({ simulatedMs, realMs }: ReplaySpeed): number {
  return simulatedMs / Math.max(1, realMs);
}

/** A replay this much slower than asked for did not keep its speed. */
const keptShare = 0.9;

export function keptSpeed(speed: ReplaySpeed): boolean {
  return speed.asked === Infinity || achievedSpeed(speed) >= keptShare * speed.asked;
}

/** One JSON object. */
export function reportJson(report: ReplayReport): string {
  const { speed } = report;
  return JSON.stringify({
    ...report,
    speed: {
      asked: speed.asked === Infinity ? 'max' : speed.asked,
      achieved: Math.round(achievedSpeed(speed)),
      kept: keptSpeed(speed),
      simulatedSeconds: Math.round(speed.simulatedMs / 1000),
      realSeconds: Math.round(speed.realMs / 100) / 10,
    },
  });
}

export function reportLines(report: ReplayReport): string[] {
  const { reconciliation: result } = report;
  const { file } = result;
  return [
    `Replay of ${report.file}`,
    ...speedLines(report.speed),
    '',
    row(
      'in the file',
      `${number(file.entries)} entries, ${number(file.exits)} exits${optional(file.corrections, 'corrections of the count')}`,
    ),
    ...when(file.filteredOut > 0, row('', `${number(file.filteredOut)} rows of others filtered out`)),
    ...when(file.skippedRows > 0, row('', `${number(file.skippedRows)} rows that cannot be read left out`)),
    row(
      'site',
      `${number(report.slots)} slots, ${number(report.lanes.entry)} entry and ${number(report.lanes.exit)} exit lanes; longest wait before one ${seconds(result.longestWaitMs)}`,
    ),
    '',
    row('', `${cell('at the gates')}${cell('aggregator')}${cell('difference')}`),
    compared('entry passages', result.passages.entries),
    compared('exit passages', result.passages.exits),
    compared('vehicles inside', result.count),
    '',
    ...sessionLines(result),
    ...refusalLines(result),
    ...when(result.overlaps.total > 0, row('overlapping stays', overlapText(result))),
    ...when(Object.keys(result.openReviews).length > 0, row('open reviews', counts(result.openReviews))),
    '',
    result.agrees
      ? 'Every passage is in the books once, and every row of the file is accounted for.'
      : `NOT RECONCILED: see the differences above${result.unaccounted > 0 ? `; ${number(result.unaccounted)} rows of the file are not accounted for` : ''}.`,
  ];
}

function speedLines(speed: ReplaySpeed): string[] {
  const achieved = `${number(Math.round(achievedSpeed(speed)))} times as fast as real time`;
  const took = `${duration(speed.simulatedMs)} in ${duration(speed.realMs)}, ${achieved}`;
  if (keptSpeed(speed)) return [took];
  return [
    took,
    `The speed asked for (${number(speed.asked)}) could not be kept: vehicles in the lanes were given the time they need. None was left out.`,
  ];
}

function sessionLines({ sessions }: Reconciliation): string[] {
  const closed = Object.values(sessions.closedByBasis).reduce((sum, count) => sum + count, 0);
  const how = closed === 0 ? '' : ` (${counts(sessions.closedByBasis)})`;
  return [
    row('sessions', `${number(sessions.opened)} opened, ${number(closed)} closed${how}`),
    row('', `${number(sessions.open)} open, ${number(sessions.uncertain)} uncertain; drift ${String(sessions.drift)}`),
  ];
}

function refusalLines(result: Reconciliation): string[] {
  const { refused, exitsOfRefused, exitsWithoutEntry, stuckInside } = result;
  return [
    row(
      'refused',
      refused.total === 0 ? 'none' : `${number(refused.total)} (${counts(refused.byReason)})${lineList(refused.lines)}`,
    ),
    ...when(
      exitsOfRefused > 0,
      row('', `${number(exitsOfRefused)} exits of the file did not happen: their vehicles had been refused`),
    ),
    ...when(
      exitsWithoutEntry > 0,
      row('exits unexplained', `${number(exitsWithoutEntry)} of vehicles that the recording never saw come in`),
    ),
    ...when(stuckInside > 0, row('stuck inside', `${number(stuckInside)} vehicles were not let out`)),
  ];
}

function overlapText({ overlaps }: Reconciliation): string {
  return `${number(overlaps.total)} stays of an identity that was inside already, ${number(overlaps.admitted)} let in${lineList(overlaps.lines)}`;
}

const maxLinesShown = 12;

function lineList(lines: readonly number[]): string {
  if (lines.length === 0) return '';
  const shown = lines.slice(0, maxLinesShown).join(', ');
  return `; lines ${shown}${lines.length > maxLinesShown ? ', …' : ''}`;
}

function compared(name: string, { atGates, inAggregator, difference }: Compared): string {
  return row(name, `${cell(number(atGates))}${cell(number(inAggregator))}${cell(String(difference))}`);
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(19)}${text}`.trimEnd();
}

function cell(text: string): string {
  return text.padStart(14);
}

function counts(byName: Readonly<Record<string, number>>): string {
  return Object.entries(byName)
    .map(([name, count]) => `${number(count)} ${name}`)
    .join(', ');
}

function when(condition: boolean, line: string): string[] {
  return condition ? [line] : [];
}

function optional(count: number, what: string): string {
  return count === 0 ? '' : `, ${number(count)} ${what}`;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}

function seconds(ms: number): string {
  return `${number(Math.round(ms / 1000))} s`;
}

function duration(ms: number): string {
  const totalSeconds = ms / 1000;
  if (totalSeconds < 120) return `${totalSeconds.toFixed(1)} s`;
  if (totalSeconds < 7200) return `${(totalSeconds / 60).toFixed(1)} min`;
  if (totalSeconds < 172_800) return `${(totalSeconds / 3600).toFixed(1)} h`;
  return `${(totalSeconds / 86_400).toFixed(1)} days`;
}
