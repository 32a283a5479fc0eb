/** Plants each defect in a copy of the compiled programs and has worlds look for it. */
import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { defects } from '../../../src/world/planted/defects.js';

const root = resolve(import.meta.dirname, '..', '..', '..', '..');
const program = resolve(root, 'scripts', 'planted.mjs');

interface Outcome {
  readonly name: string;
  readonly found: string | null;
  readonly seed: number | null;
}

const runProgram = (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> =>
  new Promise((settle, fail) => {
    const child = spawn(process.execPath, [program, ...args], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', fail);
    child.on('close', (code) => {
      settle({ code, stdout, stderr });
    });
  });

describe('npm run planted', () => {
  let outcomes: readonly Outcome[] = [];

  beforeAll(async () => {
    const { stdout, stderr } = await runProgram('--json');
    const lines = stdout.trim().split('\n');
    try {
      outcomes = JSON.parse(lines.at(-1) ?? '') as Outcome[];
    } catch (error) {
      throw new Error(`${stdout}\n${stderr}`, { cause: error });
    }
  }, 900_000);

  it.each(defects.map(({ name, promises, maxSeeds }) => [name, promises, maxSeeds] as const))(
    'finds %s',
    (name, promises, maxSeeds) => {
      const outcome = outcomes.find((other) => other.name === name);
      expect(promises).toContain(outcome?.found);
      expect(outcome?.seed).toBeLessThanOrEqual(maxSeeds);
    },
  );

  it('says what there is when asked for what there is not', async () => {
    const { code, stdout, stderr } = await runProgram('no-such-defect');
    expect(code).toBe(2);
    expect(`${stdout}${stderr}`).toContain('ack-before-commit');
  }, 120_000);
});
