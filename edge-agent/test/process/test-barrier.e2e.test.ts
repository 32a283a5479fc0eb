import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCredential } from '../../src/enrolment.js';
import { eventually } from '../adapters/support/eventually.js';

/** A busy machine starts a process slowly. */
const patienceMs = 40_000;
const program = join(import.meta.dirname, '../../dist/main.js');

interface Run {
  readonly child: ChildProcess;
  readonly output: { text: string; errors: string };
  readonly ended: Promise<number | string>;
}

describe('an installer who tests a barrier', () => {
  let directory: string;
  let file: string;
  const runs: Run[] = [];

  beforeEach(async () => {
    if (!existsSync(program)) throw new Error('this test runs the compiled program: npm run build');
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-test-barrier-'));
    file = join(directory, 'edge.json');
    await configure(['entry-1']);
  });
  afterEach(async () => {
    for (const { child, ended } of runs.splice(0)) {
      child.kill('SIGKILL');
      await ended;
    }
    await rm(directory, { recursive: true, force: true });
  });

  const configure = async (gateIds: readonly string[], settings: object = {}): Promise<void> => {
    const gates = gateIds.map((gateId) => ({ gateId, direction: 'entry', barrier: { driver: 'simulated', settings } }));
    const dataDir = join(directory, 'data');
    await writeFile(file, JSON.stringify({ siteId: 'north', edgeId: 'north-1', dataDir, gates, http: { port: null } }));
  };
  const start = (...args: string[]): Run => {
    const child = spawn(process.execPath, [program, ...args, '--config', file], {
      env: { PATH: process.env.PATH },
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { text: '', errors: '' };
    child.stdout.on('data', (part: Buffer) => (output.text += part.toString()));
    child.stderr.on('data', (part: Buffer) => (output.errors += part.toString()));
    const ended = new Promise<number | string>((resolve) => {
      child.once('close', (code, signal) => {
        resolve(code ?? signal ?? 'unknown');
      });
    });
    const run = { child, output, ended };
    runs.push(run);
    return run;
  };

  it('sees the arm go up and come down, each with its time', async () => {
    const run = start('test-barrier', '--yes', '--json');
    expect(await run.ended).toBe(0);
    const report = JSON.parse(run.output.text) as { findings: { check: string; verdict: string; says: string }[] };
    expect(report).toMatchObject({ ok: true, gateId: 'entry-1', pass: 5, warn: 0, fail: 0 });
    expect(report.findings.map(({ check, verdict }) => `${check}: ${verdict}`)).toEqual([
      ...['lines: pass', 'lane: pass', 'arm: pass', 'open: pass', 'close: pass'],
    ]);
    expect(report.findings.find(({ check }) => check === 'close')?.says).toMatch(/^limit-closed after \d+ ms/);
  });

  it('can end it at any moment', async () => {
    await configure(['entry-1'], { armOpenMs: 7_000 });
    const run = start('test-barrier', '--yes');
    await eventually(() => run.output.text.includes('arm '), 'the arm is on its way', patienceMs);
    run.child.kill('SIGINT');
    expect(await run.ended).toBe(1);
    expect(run.output.text).toContain('ended before it was done: outputs are at their safe level');
    expect(run.output.text).not.toContain('limit-open after');
  });

  it('is asked first, so that nothing moves where nobody can be asked', async () => {
    const run = start('test-barrier');
    expect(await run.ended).toBe(1);
    expect(run.output.errors).toContain('nobody can be asked whether the lane is clear');
    expect(run.output.text).toBe('');
  });

  it('has to name one of several gates', async () => {
    await configure(['entry-1', 'exit-1']);
    const unnamed = start('test-barrier', '--yes');
    expect(await unnamed.ended).toBe(78);
    expect(unnamed.output.errors).toContain('name the gate: one of entry-1, exit-1');
    const unknown = start('test-barrier', 'exit-9', '--yes');
    expect(await unknown.ended).toBe(78);
    expect(unknown.output.errors).toContain('there is no gate exit-9');
  });

  it('has to stop the agent, which holds the lines', async () => {
    await writeCredential(join(directory, 'data'), {
      ...{ siteId: 'north', edgeId: 'north-1', username: 'north-1', password: 'secret' },
      // Nobody answers there, and nobody has to.
      mqttUrl: 'mqtt://127.0.0.1:1',
    });
    const agent = start('--json');
    await eventually(() => agent.output.text.includes('\n'), 'the agent started', patienceMs);
    const run = start('test-barrier', '--yes');
    expect(await run.ended).toBe(1);
    expect(run.output.errors).toMatch(/an agent \(process \d+\) runs here and holds the lines.*systemctl stop/);
  });
});
