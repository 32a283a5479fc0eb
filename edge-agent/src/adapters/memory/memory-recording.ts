/** A recording in memory: the file that is written, and the one before it. */
import type { RecordingSink } from '../../app/ports.js';

export interface MemoryRecording {
  readonly sink: RecordingSink;
  readonly current: string;
  readonly former: string | undefined;
}

export function createMemoryRecording(): MemoryRecording {
  let current = '';
  let former: string | undefined;
  let started = false;
  return {
    get current() {
      return current;
    },
    get former() {
      return former;
    },
    sink: {
      start() {
        started = true;
        return Promise.resolve(new TextEncoder().encode(current).length);
      },
      append(text) {
        if (started) current += text;
        return started;
      },
      nextFile() {
        if (!started) return;
        former = current;
        current = '';
      },
      stop() {
        started = false;
        return Promise.resolve();
      },
    },
  };
}
