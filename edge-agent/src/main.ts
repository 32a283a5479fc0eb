#!/usr/bin/env node
/** The edge agent's process: `edge --config FILE` runs it, `edge enroll CODE --url URL` gets its credential, other commands look. */
import { parseArgs } from 'node:util';
import { ConfigurationError, exitCodes, reportFatal } from '@gatehouse/shared/node';
import type { RunFlags } from './compose-run.js';

/** What `edge` is asked for when it is only to run, as by a service manager; undefined for everything else. */
function flagsToRun(): RunFlags | undefined {
  try {
    const options = { config: { type: 'string', short: 'c' }, json: { type: 'boolean' } } as const;
    return parseArgs({ options }).values;
  } catch {
    // Another command or a mistake: the reader of commands knows, and has the words for it.
    return undefined;
  }
}

try {
  const flags = flagsToRun();
  // A service lives for months: what commands need is not to lie in its memory.
  if (flags === undefined) await (await import('./compose-commands.js')).runCommand();
  else await (await import('./compose-run.js')).run(flags);
  // A handle that a library leaves open must not keep a stopped agent alive.
  process.exit();
} catch (error) {
  reportFatal(error);
  process.exit(error instanceof ConfigurationError ? exitCodes.configuration : exitCodes.failure);
}
