/** The command line as a process. Needs the compiled programs. */
import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const program = resolve(import.meta.dirname, '..', 'dist', 'main.js');

const simulate = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
};

describe('simulate', () => {
  it.each(['vehicle', 'fault', 'power', 'traffic', 'replay', 'fuzz'])('explains %s with --help', (command) => {
    const { status, stdout } = simulate(command, '--help');
    expect(status).toBe(0);
    expect(stdout).toContain(`Usage: simulate ${command}`);
    expect(stdout).toContain('--json');
  });

  it.each([
    [['vehicle'], "required option '--gate <id>' not specified"],
    [['vehicle', '--gate', 'entry-1', '--behaviour', 'fly'], 'Allowed choices are'],
    [['vehicle', '--gate', 'entry-1', '--speed', 'fast'], 'must be a number from 1 to 50'],
    [['vehicle', '--gate', 'entry-1', '--length', '26'], '--length <metres>'],
    [['fault', '--gate', 'entry-1', '--fault', 'loop-stuck', '--on', '--off'], 'cannot be used with'],
    [['replay', 'no-such-file.csv'], 'there is no such file'],
    [['replay', 'x.csv', '--speed', '0'], 'must be above 0'],
    [['replay', 'x.csv', '--where', 'P1'], 'must be COLUMN=VALUE'],
    [['replay', 'x.csv', '--separator', ';;'], 'must be one character'],
    [['replay', 'x.csv', '--slots', '1.5'], 'must be a whole number from 1'],
    [['dance'], "unknown command 'dance'"],
  ])('refuses %j in a sentence', (args, sentence) => {
    const { status, stderr } = simulate(...args);
    expect(status).not.toBe(0);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('    at ');
  });

  it('replays a file and answers one JSON object', () => {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-command-line-'));
    try {
      const file = join(directory, 'week.csv');
      writeFileSync(
        file,
        'when;lot;what\n04.03.2024 08:00;A;entry\n04.03.2024 08:01;B;entry\n04.03.2024 09:00;A;exit\n',
      );
      const { status, stdout } = simulate(
        'replay',
        file,
        '--json',
        '--separator',
        ';',
        '--time-format',
        'dd.MM.yyyy HH:mm',
        '--time-zone',
        'Europe/Oslo',
        '--at-column',
        'when',
        '--passage-column',
        'what',
        '--where',
        'lot=A',
      );
      expect(status).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        file,
        speed: { asked: 'max', kept: true },
        reconciliation: {
          agrees: true,
          file: { form: 'passages', entries: 1, exits: 1, filteredOut: 1 },
          passages: { entries: { difference: 0 }, exits: { difference: 0 } },
        },
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
