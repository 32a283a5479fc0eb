/** The command as a technician calls it. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const trace = fileURLToPath(new URL('traces/motorcycle.jsonl', import.meta.url));

const simulate = (...args: string[]) => promisify(execFile)(process.execPath, [program, 'lane-replay', ...args]);

describe('simulate lane-replay', () => {
  it('prints a timeline', async () => {
    const { stdout } = await simulate(trace);
    expect(stdout).toContain('gate entry-1, run 1: hand-made');
    expect(stdout).toContain('     3.900 s  EVENT        vehicle-passed');
  });

  it('prints JSON lines, and tries other settings', async () => {
    const { stdout } = await simulate(trace, '--json', '--gate', 'entry-1', '--set', 'loopGapMs=500');
    const moments = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; event?: { kind: string } });
    const kinds = moments.flatMap(({ event }) => (event === undefined ? [] : [event.kind]));
    expect(kinds.slice(0, 2)).toEqual(['vehicle-arrived', 'vehicle-backed-out']);
  });

  it.each([
    [['--gate', 'exit-9'], 'has no gate exit-9'],
    [['--set', 'loopGapMs=fast'], 'loopGapMs'],
    [['--set', 'loopGap=1'], 'loopGap'],
  ])('refuses %j', async (args, message) => {
    await expect(simulate(trace, ...args)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
  });
});
