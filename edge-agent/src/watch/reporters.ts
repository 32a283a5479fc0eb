/** How a watch tells what it sees: a picture on a terminal, lines of text, or lines of JSON. */
import type { Clock } from '@gatehouse/shared/edge';
import type { ChangeView, GateView } from './contract.js';
import { describeChange, drawPicture, timeOfDay } from './render.js';
import type { Frame, Paint, WiringOf } from './render.js';

export interface WatchReporter {
  begin(): void;
  change(change: ChangeView): void;
  trouble(problem: string | null): void;
  end(): void;
}

export interface ReporterOptions {
  readonly tells: string;
  readonly gates: () => readonly GateView[];
  readonly print: (text: string) => void;
  readonly wiringOf: WiringOf;
  /** Whoever reads what is printed does not keep up: changes are left out then, and counted. */
  readonly isSlow: () => boolean;
}

/** Often enough to look alive, seldom enough for a slow serial console. */
const drawEveryMs = 200;
const maxRecentChanges = 6;
/** For what is not drawn on a terminal. */
const wholePage: Frame = { columns: 160, rows: 1_000 };
const plainText = (text: string): string => text;
const plain: Paint = { strong: plainText, good: plainText, bad: plainText, dim: plainText };

export function createPictureReporter(
  options: ReporterOptions & {
    readonly clock: Clock;
    readonly paint: Paint;
    readonly frame: () => Frame;
    readonly draw: (lines: readonly string[]) => void;
    /** Gives the terminal back; what is printed after it stays. */
    readonly leave: () => void;
  },
): WatchReporter {
  const { clock, tells, gates, wiringOf } = options;
  const recent: string[] = [];
  let trouble: string | null = null;
  let cancelTimer: () => void = () => undefined;
  const drawNow = (): void => {
    const picture = { source: `${tells}; Ctrl-C ends it`, trouble, gates: gates(), recent };
    options.draw(drawPicture(picture, options.frame(), options.paint, wiringOf));
    cancelTimer = clock.setTimer(drawEveryMs, drawNow);
  };
  return {
    begin: drawNow,
    change(change) {
      recent.push(`${timeOfDay(change.atMs)}  ${describeChange(change)}`);
      if (recent.length > maxRecentChanges) recent.shift();
    },
    trouble(problem) {
      trouble = problem;
    },
    end() {
      cancelTimer();
      options.leave();
      options.print(wholePicture(options, plain));
    },
  };
}

/** Answers how many changes were left out before this one; undefined when this one is to be left out as well. */
function createSieve({ isSlow }: ReporterOptions): () => number | undefined {
  let leftOut = 0;
  return () => {
    if (isSlow()) {
      leftOut += 1;
      return undefined;
    }
    const before = leftOut;
    leftOut = 0;
    return before;
  };
}

/** The whole picture first and last, and one line for every change between. */
export function createLineReporter(options: ReporterOptions): WatchReporter {
  const sieve = createSieve(options);
  let told: string | null = null;
  return {
    begin() {
      options.print(wholePicture(options, plain));
    },
    change(change) {
      const leftOut = sieve();
      if (leftOut === undefined) return;
      if (leftOut > 0) options.print(`${String(leftOut)} changes are left out: they came faster than they were read`);
      options.print(`${timeOfDay(change.atMs)}  ${describeChange(change)}`);
    },
    trouble(problem) {
      if (problem !== told) options.print(problem ?? 'the agent answers again');
      told = problem;
    },
    end() {
      options.print(wholePicture(options, plain));
    },
  };
}

export function createJsonReporter(options: ReporterOptions): WatchReporter {
  const print = (line: object): void => {
    options.print(JSON.stringify(line));
  };
  const sieve = createSieve(options);
  let told: string | null = null;
  return {
    begin() {
      print({ event: 'watching', tells: options.tells, gates: options.gates() });
    },
    change(change) {
      const leftOut = sieve();
      if (leftOut === undefined) return;
      if (leftOut > 0) print({ event: 'left-out', changes: leftOut });
      print({ event: 'change', ...change });
    },
    trouble(problem) {
      if (problem !== told) print({ event: 'trouble', problem });
      told = problem;
    },
    end() {
      print({ event: 'ended', gates: options.gates() });
    },
  };
}

function wholePicture({ tells, gates, wiringOf }: ReporterOptions, paint: Paint): string {
  return drawPicture({ source: tells, trouble: null, gates: gates(), recent: [] }, wholePage, paint, wiringOf).join(
    '\n',
  );
}
