/** `npm start`: the demonstration, until Ctrl-C. */
import { resolve } from 'node:path';
import { reportFatal, systemClock } from '@gatehouse/shared/node';
import { createDemo } from './demo.js';
import { createLiveLine } from './live-line.js';
import { readOptions } from './options.js';

const projectRoot = resolve(import.meta.dirname, '..', '..', '..');
/** Stopping takes a few seconds at most; then the process ends whatever is left. */
const stopTimeoutMs = 12_000;

const options = readOptions(process.argv, process.env, projectRoot);
const { stdout } = process;
const line = createLiveLine(
  {
    write: (text) => void stdout.write(text),
    isTTY: stdout.isTTY,
    get columns() {
      return stdout.columns;
    },
  },
  options.json,
);

const demo = createDemo(options, projectRoot, {
  clock: systemClock,
  environment: process.env,
  line,
  showEveryMs: stdout.isTTY && !options.json ? 1_000 : 5_000,
  onGivenUp: (sentence) => {
    line.say(sentence);
    stop(1);
  },
});
let stopping: Promise<void> | undefined;

function stop(code: number, isTold = true): void {
  if (stopping !== undefined) return;
  const deadline = setTimeout(() => process.exit(1), stopTimeoutMs);
  if (isTold) line.say('stopping …');
  stopping = demo.stop().then(
    () => {
      clearTimeout(deadline);
      if (isTold) line.say('stopped; the next start goes on from here');
      process.exit(code);
    },
    (error: unknown) => {
      reportFatal(error);
      process.exit(1);
    },
  );
}

let signals = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    signals += 1;
    // One Ctrl-C may come twice, from the terminal and through npm; somebody who insists presses it again.
    if (signals > 3) process.exit(1);
    stop(0);
  });
}

try {
  await demo.start();
} catch (error) {
  // What a stop interrupts needs no explanation.
  if (stopping === undefined) {
    reportFatal(error);
    stop(1, false);
  }
}
