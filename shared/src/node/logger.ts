/** Logs through pino: JSON lines for machines, coloured text when a person watches. */
import { pino } from 'pino';
import type { DestinationStream, Logger as PinoLogger } from 'pino';
import type { Logger } from '../ports.js';

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly name: string;
  readonly level: LogLevel;
  /** `pretty` for people, `json` for machines, `auto`: pretty on a terminal. */
  readonly format: 'auto' | 'pretty' | 'json';
}

/** A logger that writes to standard error, so that standard output stays for reports. */
export function createLogger(options: LoggerOptions): Logger {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && process.stderr.isTTY);
  const settings = { name: options.name, level: options.level, base: { name: options.name } };
  if (!pretty) return wrap(pino(settings, pino.destination({ dest: 2, sync: true })));
  const transport = pino.transport({
    target: 'pino-pretty',
    options: { destination: 2, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' },
  }) as DestinationStream;
  return wrap(pino(settings, transport));
}

function wrap(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => {
      logger.debug(fields, message);
    },
    info: (fields, message) => {
      logger.info(fields, message);
    },
    warn: (fields, message) => {
      logger.warn(fields, message);
    },
    error: (fields, message) => {
      logger.error(fields, message);
    },
    child: (fields) => wrap(logger.child(fields)),
  };
}
