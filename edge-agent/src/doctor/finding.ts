/** What a check found, and what the person at the cabinet can do about it. */

/** `warn`: the agent runs, and something deserves a look. `fail`: a gate or an event is at risk. */
export type Verdict = 'pass' | 'warn' | 'fail';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly says: string;
  /** What to do; not there when all is well. */
  readonly remedy?: string;
}

/** One check's findings under its name. */
export function findingsOf(check: string) {
  const make =
    (verdict: Verdict) =>
    (says: string, remedy?: string): Finding => ({ check, verdict, says, ...(remedy === undefined ? {} : { remedy }) });
  return { pass: make('pass'), warn: make('warn'), fail: make('fail') };
}
