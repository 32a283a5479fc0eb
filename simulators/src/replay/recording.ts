/** A recording of a car park: what a file says, row by row, before anything is made of it. */
import type { SlotClass } from '@gatehouse/shared';

/** One stay of one vehicle. */
export interface RecordedVisit {
  readonly line: number;
  readonly entryAtMs: number;
  /** null: it never left. */
  readonly exitAtMs: number | null;
  /** Upper-case letters and digits; null when the row has none. */
  readonly plate: string | null;
  readonly slotClass: SlotClass | null;
}

/** One vehicle through a gate, or an operator's correction of the count. */
export interface RecordedPassage {
  readonly line: number;
  readonly atMs: number;
  readonly what: 'entry' | 'exit' | { readonly setCount: number };
}

interface RecordingBase {
  /** Rows that a filter left out. */
  readonly filteredOut: number;
  /** Rows that could not be read and were skipped because that was asked for. */
  readonly skipped: readonly RowProblem[];
}

export type Recording =
  | (RecordingBase & { readonly form: 'visits'; readonly visits: readonly RecordedVisit[] })
  | (RecordingBase & { readonly form: 'passages'; readonly passages: readonly RecordedPassage[] });

/** What is wrong with one field of one row. */
export interface RowProblem {
  /** Line of the file, from 1. */
  readonly line: number;
  /** null when it is about the whole row. */
  readonly column: string | null;
  readonly problem: string;
}

/** How many problems are named before the rest is only counted. */
const maxProblemsNamed = 20;

/** A recording that cannot be used as it is. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
  readonly problems: readonly RowProblem[];

  constructor(file: string, problems: readonly RowProblem[], hint?: string) {
    const named = problems.slice(0, maxProblemsNamed).map((problem) => `  ${describeProblem(problem)}`);
    const more = problems.length - named.length;
    if (more > 0) named.push(`  and ${String(more)} more`);
    if (hint !== undefined) named.push(hint);
    super(`${file} cannot be replayed:\n${named.join('\n')}`);
    this.problems = problems;
  }
}

export function describeProblem({ line, column, problem }: RowProblem): string {
  return `line ${String(line)}${column === null ? '' : `, column ${column}`}: ${problem}`;
}
