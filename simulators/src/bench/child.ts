/**
 * A program of the benchmarks in a process of its own, asked over the channel that Node.js gives a forked process. One question at a
 * time each way has its answer; what fails there fails here with the same words.
 */
import { fork } from 'node:child_process';
import path from 'node:path';
import { projectRoot } from '../processes/program.js';
import type { Question, Reply } from './serve.js';

export interface Child {
  readonly pid: number;
  /** @throws Error with the words of the program when it fails, or when it ends before it answers */
  ask<T>(name: string, question?: unknown): Promise<T>;
  /** Ends it: asks it to stop, then kills it. May be called twice. */
  stop(): Promise<void>;
}

const stopTimeoutMs = 5_000;
const maxOutputChars = 20_000;

/** @param program a name of `programs/index.ts` @param nodeArguments such as --cpu-prof */
export async function startChild(program: string, options: unknown, nodeArguments: string[] = []): Promise<Child> {
  const child = fork(path.join(projectRoot, 'simulators/dist/bench/program.js'), [program], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    serialization: 'advanced',
    execArgv: nodeArguments,
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-maxOutputChars);
    });
  }
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code) => {
      hasEnded = true;
      const error = new Error(`the program ${program} ended with ${String(code)}: ${output}`);
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
      resolve();
    });
  });
  child.on('message', (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) asked?.reject(new Error(`${program}: ${reply.error}`));
    else asked?.resolve(reply.answer);
  });
  const ask = <T>(name: string, question?: unknown): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      if (hasEnded) {
        reject(new Error(`the program ${program} has ended: ${output}`));
        return;
      }
      lastId += 1;
      waiting.set(lastId, { resolve: resolve as (answer: unknown) => void, reject });
      child.send({ id: lastId, name, question } satisfies Question);
    });
  const started: Child = {
    pid: child.pid ?? -1,
    ask,
    async stop() {
      if (hasEnded) return;
      const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
      await ask('stop').catch(() => undefined);
      if (child.connected) child.disconnect();
      await ended;
      clearTimeout(timer);
    },
  };
  try {
    await ask('start', options);
  } catch (error) {
    await started.stop();
    throw error;
  }
  return started;
}
