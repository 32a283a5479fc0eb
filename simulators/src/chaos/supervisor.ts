/** Keeps processes running, kills them on demand, and notices when one ends by itself. */
import type { Random } from '@gatehouse/shared';
import { delay, until } from '../processes/index.js';
import type { Running } from '../processes/index.js';

export interface Supervisor {
  /** Starts it, and starts it again whenever it ends. */
  keep(name: string, launch: () => Promise<Running> | Running): void;
  /** kill -9. Answers whether there was something to kill. */
  kill(name: string): boolean;
  /** Ends it for good, or until it is kept again; answers its exit code. */
  stop(name: string, signal?: NodeJS.Signals): Promise<number | null>;
  stopAll(): Promise<void>;
  readonly kills: Readonly<Record<string, number>>;
  /** Processes that ended without having been killed, with their last words. */
  readonly troubles: readonly string[];
  /** The end of what each process that runs has written so far. */
  lastWords(chars: number): string[];
  /** Whether the process of this name runs now, as far as the system knows. */
  isRunning(name: string): boolean;
  /** Whether it is started again when it ends. */
  isKept(name: string): boolean;
}

interface Kept {
  running: Running | undefined;
  isWanted: boolean;
  wasKilled: boolean;
  ended: Promise<void>;
}

/** The longest time before a killed process is started again. */
const maxRestartPauseMs = 400;
const stopTimeoutMs = 60_000;
const lastWordsChars = 600;

export function createSupervisor(random: Random): Supervisor {
  const kept = new Map<string, Kept>();
  const kills: Record<string, number> = {};
  const troubles: string[] = [];

  const run = async (name: string, one: Kept, launch: () => Promise<Running> | Running): Promise<void> => {
    // Whether it is wanted changes while this waits.
    const isWanted = (): boolean => one.isWanted;
    const wasKilled = (): boolean => one.wasKilled;
    while (isWanted()) {
      one.wasKilled = false;
      const running = await launch();
      one.running = running;
      const code = await running.exited;
      one.running = undefined;
      if (isWanted() && !wasKilled()) {
        troubles.push(`${name} ended by itself (${String(code)}): ${running.output.trim().slice(-lastWordsChars)}`);
      }
      if (isWanted()) await delay(random.next() * maxRestartPauseMs);
    }
  };

  return {
    keep(name, launch) {
      if (kept.get(name)?.isWanted === true) return;
      const one: Kept = { running: undefined, isWanted: true, wasKilled: false, ended: Promise.resolve() };
      kept.set(name, one);
      one.ended = run(name, one, launch).catch((error: unknown) => {
        troubles.push(`${name} could not be started: ${String(error)}`);
      });
    },
    kill(name) {
      const one = kept.get(name);
      if (one?.running?.exitCode !== null) return false;
      one.wasKilled = true;
      one.running.signal('SIGKILL');
      kills[name] = (kills[name] ?? 0) + 1;
      return true;
    },
    async stop(name, signal = 'SIGTERM') {
      const one = kept.get(name);
      if (one === undefined) return null;
      one.isWanted = false;
      const { running } = one;
      running?.signal(signal);
      await until(`${name} has ended`, () => running?.exitCode !== null, stopTimeoutMs).catch((error: unknown) => {
        troubles.push(String(error));
        running?.signal('SIGKILL');
      });
      await one.ended;
      return running?.exitCode ?? null;
    },
    async stopAll() {
      await Promise.all([...kept.keys()].map((name) => this.stop(name, 'SIGKILL')));
    },
    kills,
    troubles,
    lastWords: (chars) =>
      [...kept].flatMap(([name, { running }]) =>
        running === undefined ? [] : [`${name} wrote last: ${running.output.trim().slice(-chars)}`],
      ),
    isKept: (name) => kept.get(name)?.isWanted === true,
    isRunning: (name) => kept.get(name)?.running?.exitCode === null,
  };
}
