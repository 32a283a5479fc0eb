/** Stands in for the package `onoff`: lines by their sysfs number. */
import type { OnoffLevel, OnoffModule } from '../../../src/adapters/gpio-barrier/sysfs/onoff.js';

type Watcher = (error: Error | null | undefined, level: OnoffLevel) => void;

export interface FakeOnoffLine {
  readonly made: string;
  /** As the program sees it, active-low counted. */
  level: OnoffLevel;
  watcher: Watcher | undefined;
  unexported: boolean;
  /** How often the file that is waited on was read. */
  reads: number;
  /** Code of the error with which every call fails. */
  failure: string | undefined;
}

/** @param refuse lines that cannot be had, and why */
export function fakeOnoff(refuse: Readonly<Record<number, string>> = {}) {
  const lines = new Map<number, FakeOnoffLine>();
  const refused = new Map(Object.entries(refuse).map(([number, code]) => [Number(number), code]));
  const writes: string[] = [];
  const fail = (code: string): never => {
    throw Object.assign(new Error(`${code}: not so`), { code });
  };
  class Gpio {
    readonly #line: FakeOnoffLine;
    readonly #number: number;
    constructor(number: number, direction: string, edge: string, options: { readonly activeLow: boolean }) {
      const code = refused.get(number);
      if (code !== undefined) fail(code);
      this.#number = number;
      const known = lines.get(number)?.level ?? 0;
      const first = (direction === 'high') !== options.activeLow ? 1 : 0;
      const level = direction === 'in' ? known : first;
      const made = `${direction} ${edge}${options.activeLow ? ' activeLow' : ''}`;
      this.#line = { made, level, watcher: undefined, unexported: false, reads: 0, failure: undefined };
      lines.set(number, this.#line);
    }
    readSync(): OnoffLevel {
      this.#line.reads += 1;
      if (this.#line.failure !== undefined) fail(this.#line.failure);
      return this.#line.level;
    }
    writeSync(level: OnoffLevel): void {
      if (this.#line.failure !== undefined) fail(this.#line.failure);
      this.#line.level = level;
      writes.push(`${String(this.#number)}=${String(level)}`);
    }
    watch(callback: Watcher): void {
      this.#line.watcher = callback;
    }
    unwatchAll(): void {
      this.#line.watcher = undefined;
    }
    unexport(): void {
      this.#line.watcher = undefined;
      this.#line.unexported = true;
    }
  }
  const set = (number: number, level: OnoffLevel): void => {
    const line = lines.get(number);
    if (line === undefined) throw new Error(`line ${String(number)} is not open`);
    line.level = level;
    line.watcher?.(null, level);
  };
  const readLevel = (number: number): boolean => {
    const line = lines.get(number);
    if (line?.failure !== undefined) fail(line.failure);
    return line?.level === 1;
  };
  return { module: { Gpio } as OnoffModule, lines, writes, refused, set, readLevel };
}
