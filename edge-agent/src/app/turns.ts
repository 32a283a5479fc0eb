/** Asynchronous work done one piece after the other. */
export interface Turns {
  /** Runs `work` when all that was asked for before is done; its failure is the caller's, not the next one's. */
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    take(work) {
      const result = last.then(work);
      last = result.catch(() => undefined);
      return result;
    },
  };
}
