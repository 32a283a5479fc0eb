/** What the agent tells whoever measures how long things take. Calls are synchronous and must not throw. */

/** Whose answer reached the gate first: the aggregator's, or the edge's own. */
export type DecidedBy = 'aggregator' | 'edge';

export interface EdgeObserver {
  /** Events became durable, this long after the commit began. */
  onCommit(durationMs: number): void;
  /** An arrival got its decision, this long after it asked for one. */
  onDecision(durationMs: number, by: DecidedBy): void;
}

/** Listens to nothing. */
export const silentObserver: EdgeObserver = {
  onCommit: () => undefined,
  onDecision: () => undefined,
};
