/** What will happen in the model, in order of time and, at one time, in order of scheduling. */

export interface Agenda {
  /** The time of the model. */
  readonly nowMs: number;
  /** When the next thing happens; undefined if nothing will. */
  readonly nextMs: number | undefined;
  /** Schedules; a time that is past means now. Answers how to cancel. */
  at(atMs: number, run: () => void): () => void;
  /** Lets everything happen that is due by `untilMs`, then sets the time to it. */
  advanceTo(untilMs: number): void;
}

/** More steps than this in one advance mean a model that runs in circles. */
const maxStepsPerAdvance = 1_000_000;

export function createAgenda(startMs: number): Agenda {
  const entries: { readonly atMs: number; readonly run: () => void }[] = [];
  let nowMs = startMs;

  return {
    get nowMs() {
      return nowMs;
    },
    get nextMs() {
      return entries[0]?.atMs;
    },
    at(atMs, run) {
      const entry = { atMs: Math.max(atMs, nowMs), run };
      let index = entries.length;
      while (index > 0 && (entries[index - 1]?.atMs ?? 0) > entry.atMs) index -= 1;
      entries.splice(index, 0, entry);
      return () => {
        const found = entries.indexOf(entry);
        if (found >= 0) entries.splice(found, 1);
      };
    },
    advanceTo(untilMs) {
      for (let steps = 0; ; steps += 1) {
        const first = entries[0];
        if (first === undefined || first.atMs > untilMs) break;
        if (steps >= maxStepsPerAdvance) throw new Error('the lane model does not come to rest');
        entries.shift();
        nowMs = Math.max(nowMs, first.atMs);
        first.run();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}
