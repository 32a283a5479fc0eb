/**
 * When the answers to changes leave. The next turn begins in the same step of the event loop in which the last one was stored; what
 * waits for that step to end leaves while the next turn is being stored, and the disk does not wait until everybody has been answered.
 */

/** A promise that is kept once the present step of the event loop is over; the same one for all who ask in it. */
export function createAfterTurns(): () => Promise<void> {
  let stepEnd: Promise<void> | null = null;
  return () => {
    stepEnd ??= new Promise((resolve) => {
      setImmediate(() => {
        stepEnd = null;
        resolve();
      });
    });
    return stepEnd;
  };
}
