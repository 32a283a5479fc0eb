/** Reads a recording from a CSV file. Every row that cannot be read is named by line and column, or skipped and counted. */
import { createReadStream } from 'node:fs';
import { parse } from 'csv-parse';
import type { SlotClass } from '@gatehouse/shared';
import { maxCredentialChars, slotClasses } from '@gatehouse/shared';
import { RecordingError } from './recording.js';
import type { RecordedPassage, RecordedVisit, Recording, RowProblem } from './recording.js';
import { checkTimeFormat, parseTime } from './time-format.js';
import type { TimeFormat } from './time-format.js';

export interface RecordingFormat {
  /** `auto`: by the columns there are. */
  readonly form: 'auto' | 'visits' | 'passages';
  readonly separator: string;
  readonly columns: Readonly<Record<ColumnRole, string>>;
  readonly time: TimeFormat;
  /** Texts that mean nothing is there, such as `NA`. The empty text always does. */
  readonly emptyTexts: readonly string[];
  /** Only rows whose column has this text. */
  readonly where: readonly { readonly column: string; readonly value: string }[];
  /** Go on without rows that cannot be read. */
  readonly skipBadRows: boolean;
}

export const columnRoles = ['entry', 'exit', 'plate', 'class', 'at', 'passage'] as const;
export type ColumnRole = (typeof columnRoles)[number];

export const defaultFormat: RecordingFormat = {
  form: 'auto',
  separator: ',',
  columns: { entry: 'entry_at', exit: 'exit_at', plate: 'plate', class: 'class', at: 'at', passage: 'passage' },
  time: { pattern: 'iso', timeZone: 'UTC', decimal: '.' },
  emptyTexts: [],
  where: [],
  skipBadRows: false,
};

/** Bounds of a recording: rows of one file, and characters of one row. */
export const recordingLimits = { maxRows: 5_000_000, maxRowChars: 65_536, maxSetCount: 1_000_000 } as const;

interface CsvRow {
  readonly line: number;
  readonly fields: readonly string[];
}

/** @throws RecordingError naming what is wrong and where. */
export async function readRecording(file: string, format: RecordingFormat): Promise<Recording> {
  const timeProblem = checkTimeFormat(format.time);
  if (timeProblem !== null) throw new RecordingError(file, [{ line: 1, column: null, problem: timeProblem }]);
  const reader = createReader(file, format);
  try {
    for await (const row of csvRows(file, format.separator)) reader.take(row);
  } catch (error) {
    throw asRecordingError(file, error);
  }
  return reader.finish();
}

async function* csvRows(file: string, separator: string): AsyncGenerator<CsvRow> {
  const parser = parse({
    delimiter: separator,
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
    max_record_size: recordingLimits.maxRowChars,
  });
  const source = createReadStream(file);
  source.on('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const item of parser) {
      const { record, info } = item as { record: string[]; info: { lines: number } };
      yield { line: info.lines, fields: record };
    }
  } finally {
    source.destroy();
  }
}

interface RowReader {
  take(row: CsvRow): void;
  finish(): Recording;
}

function createReader(file: string, format: RecordingFormat): RowReader {
  let header: Header | undefined;
  let rows = 0;
  let filteredOut = 0;
  const problems: RowProblem[] = [];
  const visits: RecordedVisit[] = [];
  const passages: RecordedPassage[] = [];

  const takeRow = (from: Header, row: CsvRow): void => {
    rows += 1;
    if (rows > recordingLimits.maxRows) {
      const problem = `more than ${String(recordingLimits.maxRows)} rows`;
      throw new RecordingError(file, [{ line: row.line, column: null, problem }]);
    }
    if (row.fields.length !== from.names.length) {
      const problem = `${String(row.fields.length)} fields where the header has ${String(from.names.length)}`;
      problems.push({ line: row.line, column: null, problem });
      return;
    }
    if (!from.wanted.every(({ index, value }) => row.fields[index] === value)) {
      filteredOut += 1;
      return;
    }
    const fields = createFields(row, from, format, problems);
    const before = problems.length;
    if (from.form === 'visits') {
      const visit = readVisit(fields, row.line);
      if (problems.length === before) visits.push(visit);
    } else {
      const passage = readPassage(fields, row.line);
      if (problems.length === before) passages.push(passage);
    }
  };

  return {
    take(row) {
      if (header === undefined) header = readHeader(file, row, format);
      else takeRow(header, row);
    },
    finish() {
      if (header === undefined) {
        throw new RecordingError(file, [{ line: 1, column: null, problem: 'the file is empty' }]);
      }
      if (problems.length > 0 && !format.skipBadRows) {
        throw new RecordingError(file, problems, '--skip-bad-rows goes on without these rows and counts them.');
      }
      if (visits.length + passages.length === 0) {
        const problem =
          rows === 0
            ? 'there is a header and no row after it'
            : `no row is left of ${String(rows)} (${String(filteredOut)} filtered out, ${String(problems.length)} unreadable)`;
        throw new RecordingError(file, [{ line: 1, column: null, problem }]);
      }
      const rest = { filteredOut, skipped: problems };
      if (header.form === 'visits') {
        visits.sort((a, b) => a.entryAtMs - b.entryAtMs || a.line - b.line);
        return { form: 'visits', visits, ...rest };
      }
      passages.sort((a, b) => a.atMs - b.atMs || a.line - b.line);
      return { form: 'passages', passages, ...rest };
    },
  };
}

// ---------------------------------------------------------------- the header

interface Header {
  readonly names: readonly string[];
  readonly form: 'visits' | 'passages';
  readonly indexOf: ReadonlyMap<ColumnRole, number>;
  readonly wanted: readonly { readonly index: number; readonly value: string }[];
}

function readHeader(file: string, row: CsvRow, format: RecordingFormat): Header {
  const names = row.fields;
  const indexOf = new Map<ColumnRole, number>();
  for (const role of columnRoles) {
    const index = names.indexOf(format.columns[role]);
    if (index >= 0) indexOf.set(role, index);
  }
  const form =
    format.form === 'auto' ? (indexOf.has('at') && indexOf.has('passage') ? 'passages' : 'visits') : format.form;
  const needed: readonly ColumnRole[] = form === 'visits' ? ['entry', 'exit'] : ['at', 'passage'];
  const there = `the header has ${names.map((name) => `"${name}"`).join(', ')}`;
  const problems = needed
    .filter((role) => !indexOf.has(role))
    .map((role) => missing(row.line, format.columns[role], `is not there (--${role}-column names it); ${there}`));
  const wanted = format.where.map(({ column, value }) => {
    const index = names.indexOf(column);
    if (index < 0) problems.push(missing(row.line, column, `is not there to filter on; ${there}`));
    return { index, value };
  });
  if (problems.length > 0) throw new RecordingError(file, problems);
  return { names, form, indexOf, wanted };
}

function missing(line: number, column: string, problem: string): RowProblem {
  return { line, column, problem };
}

// ---------------------------------------------------------------- one row

interface Fields {
  /** null for an empty field and for a column that is not there. */
  text(role: ColumnRole): string | null;
  /** undefined when it is not a time, which has been noted then. */
  time(role: ColumnRole, notBeforeMs?: number): number | undefined;
  complain(role: ColumnRole, problem: string): void;
}

function createFields(row: CsvRow, header: Header, format: RecordingFormat, problems: RowProblem[]): Fields {
  const text = (role: ColumnRole): string | null => {
    const value = row.fields[header.indexOf.get(role) ?? -1] ?? '';
    return value === '' || format.emptyTexts.includes(value) ? null : value;
  };
  const complain = (role: ColumnRole, problem: string): void => {
    problems.push({ line: row.line, column: format.columns[role], problem });
  };
  return {
    text,
    complain,
    time(role, notBeforeMs) {
      const value = text(role);
      if (value === null) {
        complain(role, 'is empty');
        return undefined;
      }
      const moment = parseTime(value, format.time, notBeforeMs);
      if (moment === undefined) complain(role, `${quote(value)} is not a time of the form ${format.time.pattern}`);
      return moment;
    },
  };
}

function readVisit(fields: Fields, line: number): RecordedVisit {
  const entryAtMs = fields.time('entry') ?? 0;
  const exitAtMs = fields.text('exit') === null ? null : (fields.time('exit', entryAtMs) ?? Infinity);
  if (exitAtMs !== null && exitAtMs < entryAtMs) fields.complain('exit', 'is before the entry');
  return { line, entryAtMs, exitAtMs, plate: readPlate(fields), slotClass: readClass(fields) };
}

function readPlate(fields: Fields): string | null {
  const text = fields.text('plate');
  if (text === null) return null;
  const plate = text.replace(/[\s-]/g, '').toUpperCase();
  if (plate === '' || !/^[\p{L}\p{N}?_.:]+$/u.test(plate)) {
    fields.complain('plate', `${quote(text)} is not letters and digits`);
  } else if (plate.length > maxCredentialChars) {
    fields.complain('plate', `has ${String(plate.length)} characters; at most ${String(maxCredentialChars)} are taken`);
  }
  return plate;
}

function readClass(fields: Fields): SlotClass | null {
  const text = fields.text('class')?.toLowerCase() ?? null;
  if (text === null) return null;
  const found = slotClasses.find((slotClass) => slotClass === text);
  if (found === undefined) fields.complain('class', `${quote(text)} is not one of ${slotClasses.join(', ')}`);
  return found ?? null;
}

function readPassage(fields: Fields, line: number): RecordedPassage {
  const atMs = fields.time('at') ?? 0;
  const text = fields.text('passage')?.toLowerCase() ?? '';
  if (text === 'entry' || text === 'exit') return { line, atMs, what: text };
  const count = Number(/^set:(\d{1,7})$/.exec(text)?.[1] ?? NaN);
  if (!(count <= recordingLimits.maxSetCount)) {
    fields.complain('passage', `${quote(text)} is not entry, exit or set:N`);
  }
  return { line, atMs, what: { setCount: count } };
}

function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

function asRecordingError(file: string, error: unknown): Error {
  if (error instanceof RecordingError) return error;
  const { code, message, lines } = error as { code?: string; message?: string; lines?: number };
  if (code?.startsWith('CSV_') === true && lines !== undefined) {
    return new RecordingError(file, [{ line: lines, column: null, problem: message ?? code }]);
  }
  const known: Readonly<Record<string, string>> = { ENOENT: 'there is no such file', EISDIR: 'is a directory' };
  const problem = known[code ?? ''] ?? message ?? String(error);
  return new Error(`${file}: ${problem}`, { cause: error });
}
