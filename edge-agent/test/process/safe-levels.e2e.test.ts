import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = join(import.meta.dirname, '../../dist/safe-levels.js');
const patienceMs = 30_000;

interface Ended {
  readonly code: number;
  readonly output: string;
  readonly errors: string;
}

function run(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, ...args], { timeout: patienceMs }, (error, output, errors) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') resolve({ code, output, errors });
      else reject(error ?? new Error('it did not end'));
    });
  });
}

describe('the stop hook', () => {
  let directory: string;
  beforeEach(async () => {
    if (!existsSync(program)) throw new Error('this test runs the compiled program: npm run build');
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-safe-levels-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const configure = async (configuration: object): Promise<string> => {
    const file = join(directory, 'edge.json');
    await writeFile(file, JSON.stringify(configuration));
    return file;
  };
  const settings = { chipLabel: 'no-such-chip', outputs: { open: { bcm: 12, mode: 'pulse' } } };

  it('has nothing to do where every gate is simulated', async () => {
    const gates = [{ gateId: 'entry-1', direction: 'entry', barrier: { driver: 'simulated' } }];
    const ended = await run(['--config', await configure({ siteId: 'north', gates })]);
    expect(ended).toEqual({ code: 0, output: 'no gate is on real lines\n', errors: '' });
  });

  it('ends with 1 and a line for every gate whose outputs it could not reach, whatever else the file holds', async () => {
    const gates = ['gpio', 'onoff', 'character-device'].map((driver) => ({
      gateId: driver,
      barrier: { driver, settings },
    }));
    const { code, errors } = await run(['--config', await configure({ gates, nonsense: 3 })]);
    expect(code).toBe(1);
    for (const { gateId } of gates) expect(errors).toMatch(new RegExp(`^gate ${gateId}: .+`, 'm'));
  });

  it('says what it needs', async () => {
    expect(await run([])).toMatchObject({ code: 1, errors: 'usage: safe-levels --config FILE\n' });
    const { code, errors } = await run(['--config', join(directory, 'no-such-file')]);
    expect(code).toBe(1);
    expect(errors).toMatch(/no such file/);
  });
});
