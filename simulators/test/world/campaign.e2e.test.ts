/** `world` as a process, with threads. Needs the compiled programs. */
import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

const program = resolve(import.meta.dirname, '..', '..', 'dist', 'main.js');

async function runWorlds(args: readonly string[], interrupt = false) {
  const child = spawn(process.execPath, [program, 'world', '--json', ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  // The first line says how far it is.
  child.stderr.once('data', () => interrupt && child.kill('SIGINT')).resume();
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, report: JSON.parse(stdout) as Record<string, unknown> };
}

/** What does not depend on the machine. */
const booksOf = (report: Record<string, unknown>) => {
  const cost = new Set(['cpuSeconds', 'wallSeconds', 'workers', 'passagesPerSecond', 'seedsPerMinute']);
  return Object.fromEntries(Object.entries(report).filter(([name]) => !cost.has(name)));
};

describe('npm run world', () => {
  it('reports the same with one worker as with three', async () => {
    const args = ['--seed', '1', '--seeds', '4', '--minutes', '1'];
    const one = await runWorlds([...args, '--workers', '1']);
    const three = await runWorlds([...args, '--workers', '3']);
    expect(one.code).toBe(0);
    expect(booksOf(three.report)).toEqual(booksOf(one.report));
    expect(three.report).toMatchObject({ seeds: 4, workers: 3, interrupted: false });
    expect(one.report.passages).toBeGreaterThan(0);
    // Kinds that did not come are named, too.
    expect(Object.keys(one.report.faults as object)).toContain('store-replaced-by-empty');
  }, 120_000);

  it.each([1, 2])(
    'ends in order when it is interrupted, with %d at work',
    async (workers) => {
      const { code, report } = await runWorlds(
        ['--seeds', '100000', '--minutes', '30', '--workers', String(workers)],
        true,
      );
      expect(code).toBe(130);
      expect(report).toMatchObject({ interrupted: true, seedsWithFindings: 0 });
      expect(report.seeds).toBeLessThan(100_000);
    },
    120_000,
  );
});
