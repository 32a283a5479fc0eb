/** The processes of a figure: a system, and programs of the benchmarks beside it. */
import type { System, TidyUp } from '../processes/index.js';
import { startChild } from './child.js';
import type { Child } from './child.js';

export interface FigureProcesses<S extends System = System> {
  readonly system: S;
  /** Starts a program of `programs/index.ts`. */
  start(program: string, options: unknown): Promise<Child>;
  /** Ends the programs, the latest first, and then the system. */
  close(): Promise<void>;
}

/** @param system not started yet */
export function createProcesses<S extends System>(tidyUp: TidyUp, system: S): FigureProcesses<S> {
  const children: Child[] = [];
  return {
    system: system.endWith(tidyUp),
    async start(program, options) {
      const child = await startChild(program, options);
      children.push(child);
      return child;
    },
    async close() {
      for (const child of children.splice(0).reverse()) await child.stop();
      await system.stop();
    },
  };
}
