import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulationControlClient } from '../../src/adapters/simulated-barrier/index.js';
import { writeCredential } from '../../src/enrolment.js';
import { eventually } from '../adapters/support/eventually.js';
import { killAll, program, requireProgram, startProgram } from './support/program.js';
import type { Run } from './support/program.js';

/** Of bsdutils, which every Debian has: gives a program a terminal. */
const terminalProgram = 'script';
/** A busy machine starts a process slowly. */
const patienceMs = 40_000;

interface WatchLine {
  readonly event: 'watching' | 'change' | 'trouble' | 'ended';
  readonly tells?: string;
  readonly line?: string;
  readonly value?: string;
  readonly gates?: readonly {
    readonly lane: { readonly barrier: string } | null;
    readonly inputs: readonly { readonly name: string; readonly changes: number }[];
    readonly outputs: readonly { readonly name: string; readonly times: number }[];
  }[];
}

/** The last of a chain of processes of this machine that each have one child. */
function lastOf(pid: number): number {
  const child = Number(readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim());
  return child === 0 ? pid : lastOf(child);
}

describe('an installer who watches the lines', () => {
  let directory: string;
  const runs: Run[] = [];

  beforeEach(async () => {
    requireProgram();
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-watch-'));
  });
  afterEach(async () => {
    await killAll(runs);
    await rm(directory, { recursive: true, force: true });
  });

  const start = (args: string[]): Run => {
    const run = startProgram(directory, args);
    runs.push(run);
    return run;
  };
  const configure = async (httpPort: number | null): Promise<string> => {
    const file = join(directory, 'edge.json');
    const dataDir = join(directory, 'data');
    const gate = { gateId: 'entry-1', direction: 'entry', hasReader: false, barrier: { driver: 'simulated' } };
    // No broker answers there: what an installer sees of the lines needs none.
    const mqttUrl = 'mqtt://127.0.0.1:1';
    const configuration = { siteId: 'north', edgeId: 'north-1', dataDir, gates: [gate], http: { port: httpPort } };
    await writeFile(file, JSON.stringify(configuration));
    await writeCredential(dataDir, {
      ...{ siteId: 'north', edgeId: 'north-1', username: 'north-1', password: 'secret', mqttUrl },
    });
    return file;
  };
  const freePort = async (): Promise<number> => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const found = (probe.address() as AddressInfo).port;
    await new Promise((resolve) => probe.close(resolve));
    return found;
  };
  const startAgent = async (file: string): Promise<{ run: Run; controlUrl: string }> => {
    const run = start(['--config', file, '--json']);
    await eventually(() => run.output.text.includes('\n'), 'the agent started', patienceMs);
    return { run, controlUrl: (JSON.parse(run.output.text) as { controlUrl: string }).controlUrl };
  };
  const linesOf = ({ output }: Run): WatchLine[] =>
    output.text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as WatchLine);

  it('sees without an agent what the inputs do, and ends on Ctrl-C with the whole picture', async () => {
    const file = await configure(null);
    const watch = start(['watch', '--config', file]);
    await eventually(
      () => watch.output.text.includes('entry-1  arming active'),
      'a vehicle is on the loop',
      patienceMs,
    );
    watch.child.kill('SIGINT');
    expect(await watch.ended).toBe(0);
    expect(watch.output.errors).toBe('');
    expect(watch.output.text).toMatch(/^no agent runs: the inputs themselves/);
    expect(watch.output.text.trimEnd().split('\n').at(-6)).toMatch(/^ {2}arming +ACTIVE .* 1 +0$/);
  });

  it('ends by itself after the seconds it was given, and after its reader has gone', async () => {
    const file = await configure(null);
    const watch = start(['watch', '--config', file, '--json', '--seconds', '1']);
    expect(await watch.ended).toBe(0);
    expect(linesOf(watch).at(-1)?.event).toBe('ended');
    const piped = start(['watch', '--config', file]);
    await eventually(() => piped.output.text !== '', 'it watches', patienceMs);
    piped.child.stdout?.destroy();
    expect(await piped.ended).toBe(0);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('has its terminal back as it was after %s', async (signal) => {
    const file = await configure(null);
    const shell = `exec "$0" "$1" watch --config "$2"`;
    const watch = `sh -c '${shell}' ${[process.execPath, program, file].map((word) => `"${word}"`).join(' ')}`;
    const terminal = spawn(terminalProgram, ['-qefc', watch, '/dev/null'], {
      env: { PATH: process.env.PATH, TERM: 'xterm' },
      cwd: directory,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let shown = '';
    terminal.stdout.on('data', (part: Buffer) => (shown += part.toString()));
    const ended = new Promise<number | string>((resolve) => {
      terminal.once('close', (code) => {
        resolve(code ?? 'unknown');
      });
    });
    runs.push({ child: terminal, output: { text: '', errors: '' }, ended });
    const enter = '\u001b[?1049h\u001b[?25l';
    const leave = '\u001b[?25h\u001b[?1049l';
    await eventually(() => shown.split('limit-closed').length > 3, 'it draws again and again', patienceMs);
    expect(shown.startsWith(enter)).toBe(true);
    expect(shown).not.toContain(leave);
    if (signal === 'SIGINT') terminal.stdin.write('\u0003');
    else process.kill(lastOf(terminal.pid ?? 0), signal);
    await ended;
    const [drawn = '', after = ''] = shown.split(leave);
    expect(drawn).not.toContain('\u001b[2J');
    // The last picture stays, without a colour left on.
    expect(after).toContain('no agent runs: the inputs themselves');
    expect(after).not.toContain('\u001b');
  });

  it('sees what a running agent sees and asks for, and misses no change', async () => {
    const file = await configure(await freePort());
    const agent = await startAgent(file);
    const watch = start(['watch', '--config', file, '--json']);
    await eventually(() => watch.output.text.includes('\n'), 'it watches', patienceMs);
    expect(linesOf(watch)[0]).toMatchObject({ event: 'watching', gates: [{ lane: { barrier: 'closed' } }] });
    await createSimulationControlClient(agent.controlUrl).sendVehicle('entry-1', {
      behaviour: 'back-out',
      patienceMs: 500,
    });
    const changes = (): string[] =>
      linesOf(watch).flatMap(({ event, line = '', value = '' }) => (event === 'change' ? [`${line} ${value}`] : []));
    await eventually(() => changes().includes('arming clear'), 'the vehicle came and went', patienceMs);
    watch.child.kill('SIGTERM');
    expect(await watch.ended).toBe(0);
    const last = linesOf(watch).at(-1);
    expect(last?.event).toBe('ended');
    const counted = last?.gates?.[0]?.inputs.find(({ name }) => name === 'arming')?.changes;
    expect(changes().filter((change) => change.startsWith('arming'))).toHaveLength(counted ?? 0);
  });

  it('says when the agent that it watches does not answer any more', async () => {
    const file = await configure(await freePort());
    const agent = await startAgent(file);
    const watch = start(['watch', '--config', file]);
    await eventually(() => watch.output.text.includes('entry-1'), 'it watches', patienceMs);
    agent.run.child.kill('SIGKILL');
    await eventually(() => watch.output.text.includes('the agent does not answer'), 'it says so', patienceMs);
    watch.child.kill('SIGINT');
    expect(await watch.ended).toBe(0);
  });

  it('takes no line from an agent that it cannot ask', async () => {
    const file = await configure(null);
    await startAgent(file);
    const watch = start(['watch', '--config', file]);
    expect(await watch.ended).toBe(1);
    expect(watch.output.errors).toMatch(/an agent \(process \d+\) runs here and holds the lines.*http\.port/);
  });

  it('refuses a bound that is none', async () => {
    const watch = start(['watch', '--config', await configure(null), '--seconds', '0']);
    expect(await watch.ended).toBe(1);
    expect(watch.output.errors).toContain('must be a number of seconds');
  });
});
