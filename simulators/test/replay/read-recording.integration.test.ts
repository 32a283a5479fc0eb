import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultFormat, readRecording } from '../../src/replay/read-recording.js';
import type { RecordingFormat } from '../../src/replay/read-recording.js';
import { RecordingError } from '../../src/replay/recording.js';
import type { Recording } from '../../src/replay/recording.js';

let directory: string;
let files = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-recording-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const read = async (text: string | Uint8Array, format: Partial<RecordingFormat> = {}): Promise<Recording> => {
  files += 1;
  const file = join(directory, `${String(files)}.csv`);
  await writeFile(file, text);
  return readRecording(file, { ...defaultFormat, ...format });
};
const problemsOf = async (text: string | Uint8Array, format: Partial<RecordingFormat> = {}): Promise<string> => {
  try {
    await read(text, format);
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error('it was read without a complaint');
};
const utc = (text: string): number => Date.parse(text);

describe('a recording of visits', () => {
  it('is read with plates, classes and empty exits, by time of entry', async () => {
    const recording = await read(
      'entry_at,exit_at,plate,class\n2024-01-02T10:00:00Z,2024-01-02T11:00:00Z,b-cd 12,ev\n2024-01-02T09:00:00Z,,,\n',
    );
    expect(recording).toEqual({
      form: 'visits',
      filteredOut: 0,
      skipped: [],
      visits: [
        { line: 3, entryAtMs: utc('2024-01-02T09:00:00Z'), exitAtMs: null, plate: null, slotClass: null },
        {
          line: 2,
          entryAtMs: utc('2024-01-02T10:00:00Z'),
          exitAtMs: utc('2024-01-02T11:00:00Z'),
          plate: 'BCD12',
          slotClass: 'ev',
        },
      ],
    });
  });

  it('is read with other columns, separator, times, zone, empty text and a filter', async () => {
    const recording = await read(
      '\uFEFFid;Garage;User;In;Out;kWh\r\n1;A;A-1;21.12.2018 10:20;NA;0,3\r\n2;B;B-1;21.12.2018 10:21;21.07.2019 10:21;1\r\n',
      {
        separator: ';',
        columns: { ...defaultFormat.columns, entry: 'In', exit: 'Out', plate: 'User' },
        time: { pattern: 'dd.MM.yyyy HH:mm', timeZone: 'Europe/Oslo', decimal: ',' },
        emptyTexts: ['NA'],
        where: [{ column: 'Garage', value: 'A' }],
      },
    );
    expect(recording).toMatchObject({
      form: 'visits',
      filteredOut: 1,
      visits: [{ line: 2, entryAtMs: utc('2018-12-21T09:20:00Z'), exitAtMs: null, plate: 'A1' }],
    });
  });

  it('takes a local time that came twice as the one that is not before the entry', async () => {
    // Oslo went back from 03:00 to 02:00 on 27 October 2019.
    const recording = await read('entry_at,exit_at\n2019-10-27T02:50,2019-10-27T02:10\n', {
      time: { pattern: 'iso', timeZone: 'Europe/Oslo', decimal: '.' },
    });
    expect(recording).toMatchObject({
      visits: [{ entryAtMs: utc('2019-10-27T00:50:00Z'), exitAtMs: utc('2019-10-27T01:10:00Z') }],
    });
  });

  it('takes seconds since 1970 with a decimal comma', async () => {
    const recording = await read('entry_at;exit_at\n1700000000,5;1700000001,25\n', {
      separator: ';',
      time: { pattern: 'unix', timeZone: 'UTC', decimal: ',' },
    });
    expect(recording).toMatchObject({ visits: [{ entryAtMs: 1_700_000_000_500, exitAtMs: 1_700_000_001_250 }] });
  });
});

describe('a recording of passages', () => {
  it('is recognised by its columns', async () => {
    const recording = await read(
      'at,passage\n2024-01-02T10:00:00Z,set:7\n2024-01-02T10:00:05Z,entry\n2024-01-02T10:00:01Z,EXIT\n',
    );
    expect(recording).toMatchObject({
      form: 'passages',
      passages: [
        { line: 2, what: { setCount: 7 } },
        { line: 4, what: 'exit' },
        { line: 3, what: 'entry' },
      ],
    });
  });
});

describe('a recording with mistakes', () => {
  const bad = [
    'entry_at,exit_at,plate,class',
    '2024-01-02T10:00:00Z,2024-01-02T09:00:00Z,A1,',
    'yesterday,,A2,',
    ',,A3,',
    '2024-01-02T10:00:00Z,,A/4,',
    `2024-01-02T10:00:00Z,,${'A'.repeat(33)},`,
    '2024-01-02T10:00:00Z,,A6,lorry',
    '2024-01-02T10:00:00Z,,A7',
    '2024-02-30T10:00:00Z,,A8,',
    '2024-01-02T10:00:00Z,,A9,',
  ].join('\n');

  it('names line and column of each', async () => {
    const problems = await problemsOf(bad);
    expect(problems).toContain('line 2, column exit_at: is before the entry');
    expect(problems).toContain('line 3, column entry_at: "yesterday" is not a time of the form iso');
    expect(problems).toContain('line 4, column entry_at: is empty');
    expect(problems).toContain('line 5, column plate: "A/4" is not letters and digits');
    expect(problems).toContain('line 6, column plate: has 33 characters; at most 32 are taken');
    expect(problems).toContain('line 7, column class: "lorry" is not one of standard, ev');
    expect(problems).toContain('line 8: 3 fields where the header has 4');
    expect(problems).toContain('line 9, column entry_at: "2024-02-30T10:00:00Z" is not a time');
    expect(problems).toContain('--skip-bad-rows');
  });

  it('is read without them when that is asked for, and says which were left out', async () => {
    const recording = await read(bad, { skipBadRows: true });
    expect(recording).toMatchObject({ visits: [{ plate: 'A9' }] });
    expect(recording.skipped).toHaveLength(8);
  });

  it('names twenty and counts the rest', async () => {
    const rows = Array.from({ length: 25 }, () => 'never,').join('\n');
    const problems = await problemsOf(`entry_at,exit_at\n${rows}\n`);
    expect(problems.match(/is not a time/g)).toHaveLength(20);
    expect(problems).toContain('and 5 more');
  });

  it.each([
    ['an empty file', '', {}, 'the file is empty'],
    ['a header alone', 'entry_at,exit_at\n', {}, 'line 1: there is a header and no row after it'],
    ['a missing column', 'entry_at,left\n', {}, 'column exit_at: is not there (--exit-column names it)'],
    [
      'a filter on a column that is not there',
      'entry_at,exit_at\n2024-01-01,\n',
      { where: [{ column: 'garage', value: 'A' }] },
      'column garage: is not there to filter on; the header has "entry_at", "exit_at"',
    ],
    [
      'a filter that nothing passes',
      'entry_at,exit_at,garage\n2024-01-01,,B\n',
      { where: [{ column: 'garage', value: 'A' }] },
      'no row is left of 1 (1 filtered out',
    ],
    ['an unknown passage', 'at,passage\n2024-01-01,through\n', {}, '"through" is not entry, exit or set:N'],
    ['a count beyond the bound', 'at,passage\n2024-01-01,set:1000001\n', {}, 'is not entry, exit or set:N'],
    ['an open quote', 'entry_at,exit_at\n"2024-01-01,\n', {}, 'line 2: Quote Not Closed'],
    [
      'an unknown time zone',
      'entry_at,exit_at\n2024-01-01,\n',
      { time: { pattern: 'iso', timeZone: 'Mars/Base', decimal: '.' as const } },
      '"Mars/Base" is not an IANA time zone',
    ],
  ] as const)('is refused: %s', async (_name, text, format, expected) => {
    expect(await problemsOf(text, format)).toContain(expected);
  });

  it('is refused when a row is longer than the bound', async () => {
    expect(await problemsOf(`entry_at,exit_at\n2024-01-01,${'x'.repeat(70_000)}\n`)).toContain('line');
  });

  it('is refused when there is no such file', async () => {
    await expect(readRecording(join(directory, 'none.csv'), defaultFormat)).rejects.toThrow('there is no such file');
    await expect(readRecording(directory, defaultFormat)).rejects.toThrow();
  });

  it('throws an error of its own kind', async () => {
    await expect(read('entry_at,exit_at\nnever,\n')).rejects.toBeInstanceOf(RecordingError);
  });
});
