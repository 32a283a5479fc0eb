/** What a run leaves behind unless somebody undoes it: processes, mounts, directories. Undone at the end, however it comes. */

export interface TidyUp {
  /** `undo` must not wait for anything: it also runs while the process exits. Answers how to take it back. */
  later(undo: () => void): () => void;
  /** The latest first. What fails is told and does not keep the others from being undone. */
  now(): void;
}

export function createTidyUp(onTrouble: (sentence: string) => void): TidyUp {
  const undone: (() => void)[] = [];
  return {
    later(undo) {
      undone.push(undo);
      return () => {
        const index = undone.indexOf(undo);
        if (index >= 0) undone.splice(index, 1);
      };
    },
    now() {
      for (let undo = undone.pop(); undo !== undefined; undo = undone.pop()) {
        try {
          undo();
        } catch (error) {
          onTrouble(`not tidied up: ${String(error)}`);
        }
      }
    },
  };
}

/** Undoes everything when this program ends, also when a signal or a closed terminal ends it. */
export function tidyUpAtExit(onTrouble: (sentence: string) => void): TidyUp {
  const tidyUp = createTidyUp(onTrouble);
  process.on('exit', () => {
    tidyUp.now();
  });
  for (const [signal, code] of [
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    // Stays: a second one, which would end this program by itself, must not come between.
    process.on(signal, () => {
      process.exit(code);
    });
  }
  return tidyUp;
}
