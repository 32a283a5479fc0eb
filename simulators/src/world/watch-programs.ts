/** Notices what a program says or does only when it is itself at fault, whatever the world does to it. */
import type { LogFields, Logger } from '@gatehouse/shared';

/** What the production code logs where it has come upon a mistake of its own. */
const mistakes: ReadonlySet<string> = new Set([
  'the turn loop failed',
  'an action after a commit failed',
  'a follower of notices failed',
  'a message could not be taken',
  'events that should be kept are not there',
]);

export interface ProgramWatch {
  readonly logger: Logger;
  /** Until it is ended, promises that are rejected with nobody to hear it are mistakes, too. */
  start(): void;
  end(): void;
}

export function watchPrograms(onMistake: (detail: string) => void): ProgramWatch {
  const hear = (fields: LogFields, message: string): void => {
    if (mistakes.has(message)) onMistake(`${message}: ${detailOf(fields.err)}`);
  };
  const logger: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: hear,
    child: () => logger,
  };
  const onRejection = (reason: unknown): void => {
    onMistake(`a rejection nobody heard: ${detailOf(reason)}`);
  };
  return {
    logger,
    start() {
      process.on('unhandledRejection', onRejection);
    },
    end() {
      process.off('unhandledRejection', onRejection);
    },
  };
}

function detailOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
