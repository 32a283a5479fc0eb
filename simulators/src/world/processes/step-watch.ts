/** Makes one life of a process end at a step of its own: a call of its store or its link, before the effect or after it. */
import type { StepWatch } from '../storage/disk-faults.js';

export interface ArmedCrash {
  /** So many steps from now; 1 is the next. */
  stepsLeft: number;
  readonly when: 'before' | 'after';
}

export interface ArmableWatch extends StepWatch {
  arm(crash: ArmedCrash): void;
  disarm(): void;
  readonly isArmed: boolean;
}

export function createStepWatch(onCrash: (detail: string) => void): ArmableWatch {
  let armed: ArmedCrash | undefined;
  return {
    step() {
      if (armed === undefined) return null;
      armed.stepsLeft -= 1;
      if (armed.stepsLeft > 0) return null;
      const { when } = armed;
      armed = undefined;
      return when;
    },
    crash: onCrash,
    arm(crash) {
      armed = crash;
    },
    disarm() {
      armed = undefined;
    },
    get isArmed() {
      return armed !== undefined;
    },
  };
}

/** A link's publish as a step, too. */
export function watchedPublish<A extends readonly unknown[]>(
  watch: StepWatch,
  publish: (...values: A) => Promise<void>,
): (...values: A) => Promise<void> {
  return (...values) => {
    const crash = watch.step('publish');
    if (crash === null) return publish(...values);
    if (crash === 'after') void publish(...values);
    watch.crash(`${crash} publish`);
    return new Promise(() => undefined);
  };
}
