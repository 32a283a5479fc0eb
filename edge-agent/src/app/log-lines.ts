/** The last lines of the log, in memory: what the aggregator may ask for. Bounded by count and by bytes; the oldest go first. */
import type { Clock, LogFields, Logger, LogLine, LogLineLevel } from '@gatehouse/shared/edge';
import { concealedCredential, redactedLine } from './log-redaction.js';
import type { ConcealedCredential } from './log-redaction.js';

export interface LogLines {
  /** A logger that writes to `logger`, and keeps its lines here: from `info` on, whatever `logger` leaves out. */
  tap(logger: Logger): Logger;
  /** A credential was read: lines written from here on do not tell it. The last 64 are remembered. */
  conceal(credential: string): void;
  /** Lines with higher numbers, oldest first, of at most `maxBytes` of JSON together, and whether there are more. */
  after(number: number, maxBytes: number): { readonly lines: readonly LogLine[]; readonly more: boolean };
  /** Whether one of them is a warning or worse. */
  hasTroubleAfter(number: number): boolean;
  /** The number of the newest line; 0 when there is none. */
  readonly lastNumber: number;
  /** Calls `listener` after each warning or worse. There is one at most. */
  onTrouble(listener: () => void): void;
}

export interface LogLinesOptions {
  readonly clock: Pick<Clock, 'wallMs'>;
  /** Texts that no line may tell. */
  readonly secrets: readonly string[];
  readonly maxLines?: number;
  readonly maxBytes?: number;
}

const defaultMaxLines = 200;
const defaultMaxBytes = 64 * 1024;
/** Fields are left out, the last first, until a line is not longer. Without fields it never is. */
const maxLineBytes = 1_024;
const maxConcealed = 64;

interface Kept {
  readonly line: LogLine;
  readonly bytes: number;
}

export function createLogLines(options: LogLinesOptions): LogLines {
  const { clock, secrets, maxLines = defaultMaxLines, maxBytes = defaultMaxBytes } = options;
  const kept: Kept[] = [];
  const credentials = new Map<string, ConcealedCredential>();
  let keptBytes = 0;
  let lastNumber = 0;
  let tell: () => void = () => undefined;

  const keep = (level: LogLineLevel, fields: LogFields, message: string): void => {
    lastNumber += 1;
    const atMs = Math.max(0, Math.floor(clock.wallMs()));
    const added = bounded({
      number: lastNumber,
      atMs,
      ...redactedLine(level, fields, message, { secrets, credentials }),
    });
    kept.push(added);
    keptBytes += added.bytes;
    while (kept.length > maxLines || keptBytes > maxBytes) keptBytes -= kept.shift()?.bytes ?? 0;
    if (level !== 'info') tell();
  };

  const tapped = (logger: Logger, bound: LogFields): Logger => ({
    debug: (fields, message) => {
      logger.debug(fields, message);
    },
    info: (fields, message) => {
      logger.info(fields, message);
      keep('info', { ...bound, ...fields }, message);
    },
    warn: (fields, message) => {
      logger.warn(fields, message);
      keep('warn', { ...bound, ...fields }, message);
    },
    error: (fields, message) => {
      logger.error(fields, message);
      keep('error', { ...bound, ...fields }, message);
    },
    child: (fields) => tapped(logger.child(fields), { ...bound, ...fields }),
  });

  return {
    tap: (logger) => tapped(logger, {}),
    conceal(credential) {
      const concealed = concealedCredential(credential);
      if (concealed === undefined) return;
      credentials.delete(credential);
      credentials.set(credential, concealed);
      for (const oldest of credentials.keys()) {
        if (credentials.size <= maxConcealed) break;
        credentials.delete(oldest);
      }
    },
    after(number, maxReportBytes) {
      const wanted = kept.filter(({ line }) => line.number > number);
      let bytes = 0;
      const fitting = wanted.findIndex((candidate) => (bytes += candidate.bytes) > maxReportBytes);
      const lines = (fitting < 0 ? wanted : wanted.slice(0, fitting)).map(({ line }) => line);
      return { lines, more: lines.length < wanted.length };
    },
    hasTroubleAfter: (number) => kept.some(({ line }) => line.number > number && line.level !== 'info'),
    get lastNumber() {
      return lastNumber;
    },
    onTrouble(listener) {
      tell = listener;
    },
  };
}

/** With the comma that comes before it in a list. */
function bounded(line: LogLine): Kept {
  const bytes = new TextEncoder().encode(JSON.stringify(line)).byteLength + 1;
  if (bytes <= maxLineBytes) return { line, bytes };
  const fewer = Object.entries(line.fields).slice(0, -1);
  return bounded({ ...line, fields: Object.fromEntries(fewer) });
}
