/** Follows the allowance through the outbox: what is durable, and what the commit under way would make of it. */
import { noAllowance } from '../domain/admission/allowance.js';
import type { AllowanceState } from '../domain/admission/allowance.js';

/** One change of the allowance, from when it is wished for until it is durable or lost. */
export interface AllowanceChange {
  readonly apply: (state: AllowanceState, seq: number) => AllowanceState;
}

export interface AllowanceLedger {
  /** What survives a power cut at this moment. */
  readonly durable: AllowanceState;
  /**
   * The change is being written with the event `seq`; answers the state to write with it, all that is written before included.
   * A commit that is tried again numbers anew: what was numbered from `seq` on does not count any more.
   */
  number(change: AllowanceChange, seq: number): AllowanceState;
  /** The change is durable, and with it everything numbered before. */
  recorded(change: AllowanceChange): void;
  /** The change is not durable and will not be. */
  lost(change: AllowanceChange): void;
  /** Begins with another state; changes under way come to nothing here. */
  reset(state: AllowanceState): void;
}

export function createAllowanceLedger(): AllowanceLedger {
  let durable = noAllowance;
  let numbered: { readonly change: AllowanceChange; readonly seq: number; readonly after: AllowanceState }[] = [];
  return {
    get durable() {
      return durable;
    },
    number(change, seq) {
      numbered = numbered.filter((entry) => entry.change !== change && entry.seq < seq);
      const after = change.apply(numbered.at(-1)?.after ?? durable, seq);
      numbered.push({ change, seq, after });
      return after;
    },
    recorded(change) {
      const entry = numbered.find((candidate) => candidate.change === change);
      if (entry === undefined) return;
      durable = entry.after;
      numbered = numbered.filter((candidate) => candidate.seq > entry.seq);
    },
    lost(change) {
      numbered = numbered.filter((entry) => entry.change !== change);
    },
    reset(state) {
      durable = state;
      numbered = [];
    },
  };
}
