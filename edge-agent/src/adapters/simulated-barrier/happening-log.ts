/** An append-only file of what physically happened, one JSON object a line, bounded by rotation. */
import { closeSync, existsSync, fstatSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Logger } from '@gatehouse/shared/edge';
import type { GateHappening } from './driver.js';

export interface HappeningLogOptions {
  readonly path: string;
  /** A file that has grown to this is put aside as `PATH.1`, the former one as `PATH.2`, and so on. */
  readonly maxFileBytes: number;
  /** How many are kept beside the current one. */
  readonly keptFiles: number;
  readonly logger: Logger;
}

export interface HappeningLog {
  open(): void;
  /** Written at once, so that a killed process loses nothing. Sensor edges are left out. */
  write(happening: GateHappening): void;
  close(): void;
}

export function createHappeningLog(options: HappeningLogOptions): HappeningLog {
  let file: number | undefined;
  let bytes = 0;

  const open = (): void => {
    mkdirSync(dirname(options.path), { recursive: true });
    file = openSync(options.path, 'a', 0o640);
    bytes = fstatSync(file).size;
  };
  const close = (): void => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  const rotate = (): void => {
    close();
    rmSync(`${options.path}.${String(options.keptFiles)}`, { force: true });
    for (let index = options.keptFiles - 1; index >= 1; index -= 1) {
      const from = `${options.path}.${String(index)}`;
      if (existsSync(from)) renameSync(from, `${options.path}.${String(index + 1)}`);
    }
    if (options.keptFiles > 0) renameSync(options.path, `${options.path}.1`);
    else rmSync(options.path, { force: true });
    open();
  };

  return {
    open,
    write(happening) {
      if (file === undefined || happening.type === 'input') return;
      const line = `${JSON.stringify(happening)}\n`;
      try {
        if (bytes > 0 && bytes + line.length > options.maxFileBytes) rotate();
        bytes += writeSync(file, line);
      } catch (error) {
        // The truth of a simulation is worth a warning, not the agent that is being tried out.
        options.logger.warn({ path: options.path, error: String(error) }, 'the simulation log cannot be written');
        close();
      }
    },
    close,
  };
}
