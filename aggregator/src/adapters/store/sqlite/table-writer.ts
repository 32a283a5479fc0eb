/**
 * Lets the tables follow the log of commits: behind them, in runs. What changes in many commits, as the last pages of every index do,
 * is written once a run.
 */
import type { Logger } from '@gatehouse/shared';
import { StoreError } from '../../../app/ports.js';
import { storeErrorFrom } from './errors.js';

export interface TableWriter {
  /** Number of the newest commit that the tables have. */
  readonly takenOver: number;
  /** Commits that they lack. */
  readonly waiting: number;
  /** Since when the oldest of these waits; 0 when none does. */
  readonly behindMs: number;
  /** They are taking commits over just now. */
  readonly isRunning: boolean;
  /** The commit `number` is in the log and weighs so much. */
  onAppended(number: number, bytes: number): void;
  /** Resolves when the tables have what had been committed when it was called. Rejects with the StoreError that keeps them from it. */
  catchUp(): Promise<void>;
  /** Resolves when so little waits that more may be committed. Rejects with the StoreError that keeps the tables from following. */
  room(): Promise<void>;
  /** Takes nothing over any more, when what runs is done. */
  stop(): Promise<void>;
}

export interface TableWriterParts {
  /** Takes over the commits after the first number up to the second, all or nothing. */
  takeOver(after: number, upTo: number): Promise<void>;
  /** The tables have everything up to `takenOver`; `bytes`: what that weighed in the log. */
  onTakenOver(takenOver: number, bytes: number): void;
  /** A time that only passes. */
  monoMs(): number;
  readonly path: string;
  readonly logger: Logger;
  readonly bounds?: TableWriterBounds;
}

export interface TableWriterBounds {
  /** From a commit until the tables take it over, when nobody asks for it earlier. */
  readonly delayMs: number;
  /** After a failure. */
  readonly retryMs: number;
  /** What is taken over at once, at least one commit. */
  readonly maxRunBytes: number;
  /** What may wait. */
  readonly maxWaitingBytes: number;
}

export const defaultBounds: TableWriterBounds = {
  delayMs: 500,
  retryMs: 1_000,
  maxRunBytes: 16 * 1024 * 1024,
  maxWaitingBytes: 64 * 1024 * 1024,
};

interface WaitingCommit {
  readonly number: number;
  readonly bytes: number;
  readonly sinceMs: number;
}

export function createTableWriter({ bounds = defaultBounds, ...parts }: TableWriterParts): TableWriter {
  let waiting: WaitingCommit[] = [];
  let waitingBytes = 0;
  let takenOver = 0;
  let failure: StoreError | null = null;
  let running: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const nextRun = (): { upTo: number; commits: number; bytes: number } => {
    let commits = 0;
    let bytes = 0;
    for (const commit of waiting) {
      if (commits > 0 && bytes + commit.bytes > bounds.maxRunBytes) break;
      commits += 1;
      bytes += commit.bytes;
    }
    return { upTo: waiting[commits - 1]?.number ?? takenOver, commits, bytes };
  };

  const runOnce = async (): Promise<void> => {
    const { upTo, commits, bytes } = nextRun();
    try {
      await parts.takeOver(takenOver, upTo);
    } catch (error) {
      const next = notOfContent(storeErrorFrom(error, parts.path));
      if (failure?.code !== next.code) {
        parts.logger.error({ code: next.code, waiting: waiting.length }, `tables do not follow: ${next.message}`);
      }
      failure = next;
      return;
    }
    if (failure !== null) parts.logger.info({ takenOver: upTo }, 'the tables follow again');
    failure = null;
    takenOver = upTo;
    waiting = waiting.slice(commits);
    waitingBytes -= bytes;
    parts.onTakenOver(takenOver, bytes);
  };

  /** One run at a time: whoever wants one while one runs waits for that. */
  const run = (): Promise<void> => {
    clearTimeout(timer);
    timer = undefined;
    running ??= runOnce().finally(() => {
      running = null;
      plan();
    });
    return running;
  };

  const plan = (): void => {
    if (isStopped || running !== null || waiting.length === 0) return;
    if (failure === null && waitingBytes >= bounds.maxRunBytes) void run();
    else timer ??= setTimeout(() => void run(), failure === null ? bounds.delayMs : bounds.retryMs);
  };

  const runUntil = async (isEnough: () => boolean): Promise<void> => {
    while (!isEnough()) {
      await run();
      if (failure !== null && !isEnough()) throw failure;
    }
  };

  return {
    get takenOver() {
      return takenOver;
    },
    get waiting() {
      return waiting.length;
    },
    get behindMs() {
      const [oldest] = waiting;
      return oldest === undefined ? 0 : parts.monoMs() - oldest.sinceMs;
    },
    get isRunning() {
      return running !== null;
    },
    onAppended(number, bytes) {
      waiting.push({ number, bytes, sinceMs: parts.monoMs() });
      waitingBytes += bytes;
      plan();
    },
    catchUp() {
      const target = waiting.at(-1)?.number ?? takenOver;
      return runUntil(() => takenOver >= target);
    },
    room: () => runUntil(() => waitingBytes <= bounds.maxWaitingBytes),
    async stop() {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** Whoever commits next must not be told that it is about what he commits. */
function notOfContent(error: StoreError): StoreError {
  return error.code === 'constraint' ? new StoreError('io', error.message, { cause: error }) : error;
}
