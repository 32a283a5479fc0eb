/** The one thread of turns: the next starts when the last commit returned; idle until kicked. */
import type { Clock, Logger } from '@gatehouse/shared';
import type { StoreError } from '../ports.js';
import type { TurnRunner } from './turn-runner.js';
import type { Work, WorkSource } from './work.js';

export interface TurnLoopSettings {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export interface TurnLoopPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly runner: TurnRunner;
  readonly source: WorkSource;
  /** A small step of upkeep between two turns; answers whether there was one to do. Must not reject. */
  readonly upkeep: () => Promise<boolean>;
}

export interface TurnLoop {
  /** There may be work: a turn starts before the present task ends. */
  kick(): void;
  /** Starts no further turn; resolves when the running one is over. */
  stop(): Promise<void>;
  /** The store took a commit. */
  onStored(): void;
  /** The store's error since its last good commit, else null. */
  readonly storeError: StoreError | null;
}

export function createTurnLoop(settings: TurnLoopSettings, ports: TurnLoopPorts): TurnLoop {
  const { runner, source, logger } = ports;
  let finished: Promise<void> = Promise.resolve();
  let running = false;
  let kicked = false;
  let stopping = false;
  let storeError: StoreError | null = null;
  let pauseMs = settings.retryMinMs;
  let endPause: () => void = () => undefined;

  const pause = (durationMs: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = ports.clock.setTimer(durationMs, resolve);
      endPause = () => {
        cancel();
        resolve();
      };
    });

  const giveBack = async (undone: readonly Work[], error: StoreError): Promise<void> => {
    for (const work of undone) if (work.whenStoreFails === 'fail') work.onFailed(error);
    source.giveBack(undone.filter((work) => work.whenStoreFails === 'keep'));
    if (storeError === null) logger.error({ code: error.code, err: error }, 'the store fails; nothing is acknowledged');
    storeError = error;
    if (stopping) return;
    await pause(pauseMs);
    pauseMs = Math.min(pauseMs * 2, settings.retryMaxMs);
  };

  /** With nothing to do, nobody would learn that the store works again. */
  const probe = async (): Promise<boolean> => {
    const error = await runner.probe();
    if (error !== null) await giveBack([], error);
    return true;
  };

  /** One turn, or one step of upkeep; answers whether there was anything to do. */
  const step = async (): Promise<boolean> => {
    const group = source.take();
    if (group.length === 0 && !runner.mustReload) return storeError === null ? ports.upkeep() : probe();
    const { undone, error } = await runner.run(group);
    if (error !== null) await giveBack(undone, error);
    else if (storeError === null) await ports.upkeep();
    return true;
  };

  const loop = async (): Promise<void> => {
    while (!stopping) {
      kicked = false;
      const didSomething = await step();
      if (!didSomething && !wasKicked()) break;
    }
    running = false;
  };
  // A function, since the compiler does not see that `kick` sets the variable during an await.
  const wasKicked = (): boolean => kicked;

  return {
    kick() {
      kicked = true;
      if (running) runner.onMoreWork();
      if (stopping || running) return;
      running = true;
      finished = Promise.resolve()
        .then(loop)
        .catch((error: unknown) => {
          running = false;
          logger.error({ err: error }, 'the turn loop failed');
        });
    },
    async stop() {
      stopping = true;
      endPause();
      await finished;
    },
    onStored() {
      if (storeError !== null) logger.info({}, 'the store works again');
      storeError = null;
      pauseMs = settings.retryMinMs;
    },
    get storeError() {
      return storeError;
    },
  };
}
