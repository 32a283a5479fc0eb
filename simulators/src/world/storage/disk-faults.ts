/** What can be wrong with a disk, and where a process that uses it may be made to die. */

export interface DiskFaults {
  /** How many reasons there are for it to be full. */
  full: number;
  /** Share of calls that end with an error. */
  errorRate: number;
  /** Mean of what a call takes longer. */
  slowMs: number;
}

export function noDiskFaults(): DiskFaults {
  return { full: 0, errorRate: 0, slowMs: 0 };
}

/** Counts the steps of one life, and ends it at the one it was told. */
export interface StepWatch {
  /** A call begins: whether the process dies before it has an effect, or after it and before the answer. */
  step(operation: string): 'before' | 'after' | null;
  crash(detail: string): void;
}
