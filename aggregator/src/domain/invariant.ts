/** What must never happen inside the engine. */

/** A fact that contradicts the state: the engine's own mistake, never a visitor's. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** The row, or an InvariantError: a fact never names what is not there. */
export function known<T>(row: T | undefined, kind: string, id: string): T {
  if (row === undefined) throw new InvariantError(`no ${kind} ${id}`);
  return row;
}
