/** What a service manager does for one process: starts it, and starts it again when it has died or could not start. */
import type { Happening, MachineId } from '../happenings.js';
import type { Timeline } from '../timeline.js';
import { createLife } from './life.js';
import type { Life, MachineTime } from './life.js';
import { createStepWatch } from './step-watch.js';
import type { ArmableWatch, ArmedCrash } from './step-watch.js';

/** One life of a program. */
export interface Program {
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ServiceOptions {
  readonly machine: MachineId;
  readonly timeline: Timeline;
  readonly time: MachineTime;
  readonly tell: (happening: Happening) => void;
  /** Puts a new life's program together. */
  readonly assemble: (life: Life, watch: ArmableWatch, lifeNumber: number) => Program;
  readonly onStarted?: () => void;
  /** The life is over, however it ended. */
  readonly onEnded?: (wasKilled: boolean) => void;
}

export interface Service {
  /** Does nothing if it is on. */
  start(): void;
  /** Kills it and starts it again after `downMs`; does nothing if it is off. */
  crash(detail: string, downMs: number): void;
  /** Kills it at a step to come; what it does when it is down is as with `crash`. */
  crashAtStep(crash: ArmedCrash, downMs: number): void;
  /** The next start dies at this step. */
  crashNextStart(crash: ArmedCrash): void;
  /** Stops it in order, then starts it again after `downMs`. */
  restart(detail: string, downMs: number): void;
  /** Kills it; it stays off until `start`. */
  turnOff(detail: string): void;
  /** Forgets crashes that have not come about, and starts it if it is off. */
  calm(): void;
  readonly isOn: boolean;
  /** Started and running. */
  readonly isRunning: boolean;
}

const failedStartPauseMs = 2_000;
const defaultDownMs = 1_000;
/** A program that was asked to stop is killed after this. */
const killAfterMs = 20_000;

export function createService(options: ServiceOptions): Service {
  const { machine, timeline, tell } = options;
  let life: Life | undefined;
  let watch: ArmableWatch | undefined;
  let program: Program | undefined;
  let isRunning = false;
  let isStopping = false;
  let lives = 0;
  let downMs = defaultDownMs;
  let nextStartCrash: ArmedCrash | undefined;
  let cancelStart: () => void = () => undefined;

  const startLater = (delayMs: number): void => {
    cancelStart();
    cancelStart = timeline.after(delayMs, start);
  };
  const end = (type: 'crashed' | 'stopped', detail: string): void => {
    const ending = life;
    if (ending === undefined) return;
    life = undefined;
    watch = undefined;
    program = undefined;
    isRunning = false;
    isStopping = false;
    tell({ type, machine, detail });
    ending.end();
    options.onEnded?.(type === 'crashed');
  };
  const crash = (detail: string, pauseMs: number): void => {
    if (life === undefined) return;
    end('crashed', detail);
    startLater(pauseMs);
  };

  function start(): void {
    if (life !== undefined) return;
    cancelStart();
    lives += 1;
    const born = createLife(timeline, options.time);
    const steps = createStepWatch((detail) => {
      if (life === born) crash(detail, downMs);
    });
    life = born;
    watch = steps;
    if (nextStartCrash !== undefined) steps.arm(nextStartCrash);
    nextStartCrash = undefined;
    tell({ type: 'started', machine, detail: `life ${String(lives)}` });
    const assembled = options.assemble(born, steps, lives);
    program = assembled;
    assembled.start().then(
      () => {
        if (life !== born) return;
        isRunning = true;
        options.onStarted?.();
      },
      (error: unknown) => {
        if (life === born) crash(`could not start: ${String(error)}`, failedStartPauseMs);
      },
    );
  }

  return {
    start,
    crash,
    crashAtStep(armed, pauseMs) {
      downMs = pauseMs;
      watch?.arm(armed);
    },
    crashNextStart(armed) {
      nextStartCrash = armed;
    },
    restart(detail, pauseMs) {
      const stopping = program;
      const born = life;
      if (stopping === undefined || !isRunning || isStopping) return;
      isStopping = true;
      const ended = (): void => {
        if (life !== born) return;
        end('stopped', detail);
        startLater(pauseMs);
      };
      stopping.stop().then(ended, ended);
      timeline.after(killAfterMs, () => {
        if (isStopping && life === born) crash(`${detail}, and did not stop in time`, pauseMs);
      });
    },
    turnOff(detail) {
      cancelStart();
      end('crashed', detail);
    },
    calm() {
      nextStartCrash = undefined;
      watch?.disarm();
      start();
    },
    get isOn() {
      return life !== undefined;
    },
    get isRunning() {
      return isRunning && !isStopping;
    },
  };
}
