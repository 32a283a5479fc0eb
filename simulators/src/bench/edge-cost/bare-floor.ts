/** Starts bare processes beside an Aedes that answers them, and reads what they say. */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot, Running, until } from '../../processes/index.js';
import type { TidyUp } from '../../processes/index.js';
import { startChild } from '../child.js';
import { replyTopic, requestFloorTexts, requestTopic } from '../decision/request-floor.js';
import type { RequestFloorServerOptions } from '../programs/request-floor-server.js';
import type { BareOptions } from './bare.js';
import { callsOn, straceArguments } from './system-calls.js';
import type { Calls } from './system-calls.js';

export interface BareFloor {
  /** Starts one that stays, and resolves when its first reply is there. `hasNumberBuffers`: as MQTT.js is by default. */
  start(name: string, hasNumberBuffers: boolean): Promise<Running>;
  /** Milliseconds from the start of a process to its first reply; it is ended then. */
  timeToReply(name: string): Promise<number>;
  /** What it takes to commit so many rows one by one. */
  commit(name: string, commits: number, rowBytes: number): Promise<Calls>;
  close(): Promise<void>;
}

const program = path.join(projectRoot, 'simulators/dist/bench/edge-cost/bare.js');

export async function createBareFloor(directory: string, tidyUp: TidyUp): Promise<BareFloor> {
  const texts = requestFloorTexts();
  mkdirSync(directory, { recursive: true });
  const serverOptions: RequestFloorServerOptions = { directory, row: texts.row, reply: texts.reply };
  const server = await startChild('request-floor-server', serverOptions);
  const port = await server.ask<number>('port');
  const started: Running[] = [];
  const takeBack = tidyUp.later(() => {
    for (const running of started) running.signal('SIGKILL');
  });
  const argumentsOf = (name: string, change: Partial<BareOptions>): string[] => {
    const own = path.join(directory, name);
    mkdirSync(own, { recursive: true });
    const { row, request } = texts;
    const base = { directory: own, port, requestTopic, replyTopic, request, row, commits: 0, hasNumberBuffers: true };
    return ['--expose-gc', program, JSON.stringify({ ...base, ...change } satisfies BareOptions)];
  };
  const run = (command: string, args: readonly string[]): Running => {
    const running = new Running({ command }, args);
    started.push(running);
    return running;
  };
  const replied = (running: Running): Promise<number> =>
    until('the bare process has its reply', () => said(running, /"repliedAtMs":(\d+)/));
  return {
    async start(name, hasNumberBuffers) {
      const running = run(process.execPath, argumentsOf(name, { hasNumberBuffers }));
      await replied(running);
      return running;
    },
    async timeToReply(name) {
      const startedAtMs = Date.now();
      const running = run(process.execPath, argumentsOf(name, {}));
      const repliedAtMs = await replied(running);
      await running.kill();
      return repliedAtMs - startedAtMs;
    },
    async commit(name, commits, rowBytes) {
      const trace = path.join(directory, `${name}.strace`);
      const row = { hash: texts.row.hash, json: 'x'.repeat(rowBytes) };
      const args = [process.execPath, ...argumentsOf(name, { commits, row })];
      const running = run('strace', [...straceArguments(trace), ...args]);
      const fromMs = await replied(running);
      const toMs = await until('the bare process has committed', () => said(running, /"committedAtMs":(\d+)/));
      await running.exited;
      // What it says are whole milliseconds, cut off.
      return callsOn(readFileSync(trace, 'utf8'), path.join(directory, name), fromMs, toMs + 1);
    },
    async close() {
      await Promise.all([...started.map((running) => running.kill()), server.stop()]);
      takeBack();
    },
  };
}

function said({ output, exitCode }: Running, what: RegExp): number | undefined {
  const found = what.exec(output)?.[1];
  if (found !== undefined) return Number(found);
  if (exitCode !== null) throw new Error(`the bare process ended:\n${output}`);
  return undefined;
}
