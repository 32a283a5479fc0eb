/** Work of operators and of the aggregator itself, in the order it came. */
import type { Committer, Turn, WorkNeeds } from './committer.js';
import { OverloadError } from './committer.js';
import { StoreError } from './ports.js';
import type { OpenTurn } from './turn/open-turn.js';
import type { Work } from './turn/work.js';

export interface OperationQueueSettings {
  readonly maxQueuedOperations: number;
  readonly maxTurnOperations: number;
}

export interface OperationQueue {
  readonly committer: Committer;
  /** Work of the aggregator itself: never refused, so that whoever queues it keeps it few. */
  readonly enqueue: (work: Work) => void;
  /** Work that nobody waits for: of the aggregator itself, and kept when the store fails. */
  enqueueUpkeep(work: (turn: OpenTurn) => void, onEnd: () => void): void;
  take(): Work[];
  giveBack(work: readonly Work[]): void;
  /** Refuses what waits and what is still to come. */
  close(): void;
  readonly pending: number;
}

export interface OperationQueueListener {
  onWork(): void;
  onFailed(error: unknown): void;
}

export function createOperationQueue(
  settings: OperationQueueSettings,
  listener: OperationQueueListener,
): OperationQueue {
  let own: Work[] = [];
  let operations: Work[] = [];
  let isClosed = false;
  const taken = new WeakSet<Work>();

  const closedError = (): StoreError => new StoreError('closed', 'the aggregator is stopping');

  const execute = <T>(work: (turn: Turn) => T, needs: WorkNeeds = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      if (isClosed) {
        reject(closedError());
        return;
      }
      if (operations.length >= settings.maxQueuedOperations) {
        reject(new OverloadError(`${String(operations.length)} operations wait already; try again later`));
        return;
      }
      operations.push(operationWork(work, needs, resolve, reject));
      listener.onWork();
    });

  const enqueue = (work: Work): void => {
    if (isClosed) return;
    own.push(work);
    taken.add(work);
    listener.onWork();
  };

  return {
    committer: { execute },
    enqueue,
    enqueueUpkeep(work, onEnd) {
      enqueue({
        payloadBytes: 0,
        needs: {},
        whenStoreFails: 'keep',
        run: work,
        onCommitted: onEnd,
        onFailed(error) {
          listener.onFailed(error);
          onEnd();
        },
        split: () => null,
      });
    },
    take() {
      const group = [...own, ...operations.slice(0, settings.maxTurnOperations)];
      own = [];
      operations = operations.slice(settings.maxTurnOperations);
      return group;
    },
    giveBack(work) {
      own = [...work.filter((item) => taken.has(item)), ...own];
    },
    close() {
      isClosed = true;
      const waiting = operations;
      operations = [];
      own = [];
      for (const work of waiting) work.onFailed(closedError());
    },
    get pending() {
      return operations.length;
    },
  };
}

function operationWork<T>(
  work: (turn: Turn) => T,
  needs: WorkNeeds,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): Work {
  // Set by each run, so that a run that was thrown away leaves nothing behind.
  let result: { readonly value: T } | null = null;
  return {
    payloadBytes: 0,
    needs,
    whenStoreFails: 'fail',
    run(turn) {
      result = null;
      result = { value: work(turn) };
    },
    onCommitted() {
      if (result !== null) resolve(result.value);
      else reject(new Error('work was stored and has no result'));
    },
    onFailed: reject,
    split: () => null,
  };
}
