/**
 * Runs a group of works as one turn with one commit. When that fails, memory is thrown away and reloaded, and unless the store
 * itself is failing the group is tried again work by work, then piece by piece, so that only what cannot be stored is refused.
 */
import { messageOf } from '@gatehouse/shared';
import type { Clock, Logger } from '@gatehouse/shared';
import { ledgerOf } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import type { AggregatorStore, ChangeSet } from '../ports.js';
import { StoreError } from '../ports.js';
import { countRows, emptyChangeSet } from './change-collector.js';
import type { Memory } from './memory.js';
import { reloadMemory } from './memory.js';
import { openTurn } from './open-turn.js';
import type { OpenTurn, TurnOutcome, TurnPorts } from './open-turn.js';
import { readFor } from './turn-reads.js';
import type { TurnReads, Work } from './work.js';

export interface TurnListener {
  /** Called first after a commit: somebody waits at a gate. */
  onDecisions(outcome: TurnOutcome): void;
  /** Called after a commit and what the works wanted done after it, before they are told. */
  onOutcome(outcome: TurnOutcome): void;
  onCommit(durationMs: number, rows: number): void;
  onStoreFailed(error: StoreError): void;
  onReloaded(): void;
}

export interface TurnRunnerPorts extends TurnPorts {
  /** The time of records. */
  readonly clock: Clock;
  /** The time that passes here. */
  readonly linkClock: Clock;
  readonly logger: Logger;
  readonly store: AggregatorStore;
  /** Reads some of what the next turn will take; false when there is nothing to read. */
  readonly readAhead: () => boolean;
  /** Whether something waits that may have to be read. */
  readonly hasWaiting: () => boolean;
}

/** Why a turn did not happen. */
export type TurnFailure =
  { readonly cause: 'content'; readonly error: unknown } | { readonly cause: 'store'; readonly error: StoreError };

export interface TurnResult {
  /** Works that were not done because the store failed, in order; empty when all are settled. */
  readonly undone: readonly Work[];
  readonly error: StoreError | null;
}

export interface TurnRunner {
  run(group: readonly Work[]): Promise<TurnResult>;
  /** What is in memory was never stored: another turn, even an empty one, begins by reading the store. */
  readonly mustReload: boolean;
  /** Stores something that is stored already; answers why that failed, null when it did not. */
  probe(): Promise<StoreError | null>;
  /** Throws memory away and reads it from the store. Rejects with a StoreError. */
  reload(): Promise<void>;
  /** More work waits: while a turn is being stored it is read already. */
  onMoreWork(): void;
}

export function createTurnRunner(memory: Memory, ports: TurnRunnerPorts, listener: TurnListener): TurnRunner {
  const { store, logger } = ports;
  let mustReload = false;
  /** What is done about work that comes while a turn is being stored. */
  let onMore = (): void => undefined;

  const reload = async (): Promise<void> => {
    mustReload = true;
    reloadMemory(memory, await store.load());
    mustReload = false;
    listener.onReloaded();
  };

  /** Until the next try, which may be far off, nobody must read from memory what was not stored. */
  const forgetUnstored = async (): Promise<void> => {
    if (!mustReload) return;
    try {
      await reload();
    } catch (error) {
      logger.warn({ err: error }, 'the store cannot be read either; tried again before the next turn');
    }
  };

  /** One turn. Nothing of it happened when it answers a failure. */
  const attempt = async (group: readonly Work[]): Promise<TurnFailure | null> => {
    const startedMs = ports.linkClock.monoMs();
    let reads: TurnReads;
    try {
      if (mustReload) await reload();
      reads = await readFor(group, memory.directory, store);
    } catch (error) {
      return { cause: 'store', error: asStoreError(error) };
    }
    const turn = openTurn(memory, ports, Math.round(ports.clock.wallMs()));
    const ran = runAll(group, turn, reads);
    if ('failure' in ran) return failed({ cause: 'content', error: ran.failure });
    const failure = await commit(ran.outcome.changes, startedMs);
    if (failure !== null) return failed(failure);
    answer(ran.outcome);
    // What was written for the edges leaves now, before everybody else hears of it: somebody waits at a gate.
    await Promise.resolve();
    settle(group, ran);
    return null;
  };

  const failed = (failure: TurnFailure): TurnFailure => {
    mustReload = true;
    return failure;
  };

  const commit = async (changes: ChangeSet, startedMs: number): Promise<TurnFailure | null> => {
    const rows = countRows(changes);
    if (rows === 0) return null;
    const stopReading = readAhead();
    try {
      await store.commit(changes);
    } catch (error) {
      const storeError = asStoreError(error);
      return storeError.code === 'constraint'
        ? { cause: 'content', error: storeError }
        : { cause: 'store', error: storeError };
    } finally {
      stopReading();
    }
    listener.onCommit(ports.linkClock.monoMs() - startedMs, rows);
    return null;
  };

  /** While a worker thread stores a turn, this one reads what comes next: piece by piece, so that whatever else happens is not kept waiting. */
  const readAhead = (): (() => void) => {
    let cancel = (): void => undefined;
    let isDue = false;
    const readSoon = (): void => {
      // Not with each operation of a person: a timer costs more than what it would find.
      if (isDue || !ports.hasWaiting()) return;
      isDue = true;
      cancel = ports.linkClock.setTimer(0, () => {
        isDue = false;
        if (ports.readAhead()) readSoon();
      });
    };
    onMore = readSoon;
    readSoon();
    return () => {
      onMore = () => undefined;
      cancel();
    };
  };

  const answer = (outcome: TurnOutcome): void => {
    guarded(() => {
      listener.onDecisions(outcome);
    });
    for (const action of outcome.afterCommit) guarded(action);
  };

  const settle = (group: readonly Work[], ran: Ran): void => {
    for (const action of ran.outcome.whenAnswered) guarded(action);
    guarded(() => {
      listener.onOutcome(ran.outcome);
    });
    for (const work of group) {
      const refusal = ran.refusals.get(work);
      guarded(() => {
        if (refusal === undefined) work.onCommitted();
        else work.onFailed(refusal);
      });
    }
  };

  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      logger.error({ err: error }, 'an action after a commit failed');
    }
  };

  const run: TurnRunner['run'] = async (group) => {
    const failure = await attempt(group);
    if (failure === null) return { undone: [], error: null };
    if (failure.cause === 'store') {
      listener.onStoreFailed(failure.error);
      await forgetUnstored();
      return { undone: group, error: failure.error };
    }
    const [only] = group;
    const pieces = group.length > 1 ? group : (only?.split(failure.error) ?? null);
    if (pieces === null) {
      logger.warn({ err: failure.error }, 'work cannot be done');
      guarded(() => only?.onFailed(failure.error));
      return { undone: [], error: null };
    }
    for (const [index, piece] of pieces.entries()) {
      const { undone, error } = await run([piece]);
      // Pieces of one batch are not kept: the batch is tried again as a whole, and what is stored of it is known by then.
      if (error !== null) return { undone: group.length > 1 ? [...undone, ...group.slice(index + 1)] : group, error };
    }
    return { undone: [], error: null };
  };

  return {
    run,
    reload,
    onMoreWork() {
      onMore();
    },
    async probe() {
      const [site] = memory.sites.values();
      const ledgers = site === undefined ? [] : [ledgerOf(site)];
      const failure = await commit({ ...emptyChangeSet(), ledgers }, ports.linkClock.monoMs());
      // Without a site there is nothing to store, and nothing that waits for the store.
      if (failure === null && site === undefined) listener.onCommit(0, 0);
      return failure === null ? null : asStoreError(failure.error);
    },
    get mustReload() {
      return mustReload;
    },
  };
}

interface Ran {
  readonly outcome: TurnOutcome;
  readonly refusals: ReadonlyMap<Work, Refusal>;
}

/** Runs every work of the group in the open turn. */
function runAll(group: readonly Work[], turn: OpenTurn, reads: TurnReads): Ran | { readonly failure: unknown } {
  const refusals = new Map<Work, Refusal>();
  try {
    for (const work of group) {
      const before = turn.changeCount();
      try {
        work.run(turn, reads);
      } catch (error) {
        if (!(error instanceof Refusal) || turn.changeCount() !== before) throw error;
        refusals.set(work, error);
      }
    }
    return { outcome: turn.finish(), refusals };
  } catch (error) {
    return { failure: error };
  }
}

/** What is no StoreError is a fault of the adapter: it must not be taken for bad content. */
function asStoreError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  return new StoreError('io', messageOf(error), { cause: error });
}
