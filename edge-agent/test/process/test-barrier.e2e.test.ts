import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCredential } from '../../src/enrolment.js';
import { eventually } from '../adapters/support/eventually.js';
import { killAll, requireProgram, startProgram } from './support/program.js';
import type { Run } from './support/program.js';

/** A busy machine starts a process slowly. */
const patienceMs = 40_000;

describe('an installer who tests a barrier', () => {
  let directory: string;
  let file: string;
  const runs: Run[] = [];

  beforeEach(async () => {
    requireProgram();
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-test-barrier-'));
    file = join(directory, 'edge.json');
    await configure(['entry-1']);
  });
  afterEach(async () => {
    await killAll(runs);
    await rm(directory, { recursive: true, force: true });
  });

  const configure = async (gateIds: readonly string[], settings: object = {}): Promise<void> => {
    const gates = gateIds.map((gateId) => ({ gateId, direction: 'entry', barrier: { driver: 'simulated', settings } }));
    const dataDir = join(directory, 'data');
    await writeFile(file, JSON.stringify({ siteId: 'north', edgeId: 'north-1', dataDir, gates, http: { port: null } }));
  };
  const start = (...args: string[]): Run => {
    const run = startProgram(directory, [...args, '--config', file]);
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
