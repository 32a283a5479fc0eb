/** Times as recordings write them: ISO 8601, seconds or milliseconds since 1970, or any pattern of Luxon's. */
import { DateTime, IANAZone } from 'luxon';

export interface TimeFormat {
  /** `iso`, `unix` (seconds), `unix-ms`, or a Luxon pattern such as `dd.MM.yyyy HH:mm`. */
  readonly pattern: string;
  /** IANA zone of times that carry no offset. */
  readonly timeZone: string;
  /** What separates the decimals of a number. */
  readonly decimal: '.' | ',';
}

/** @returns null when usable, else what is wrong with it. */
export function checkTimeFormat(format: TimeFormat): string | null {
  if (!IANAZone.isValidZone(format.timeZone)) {
    return `"${format.timeZone}" is not an IANA time zone, such as Europe/Oslo`;
  }
  if (['iso', 'unix', 'unix-ms'].includes(format.pattern)) return null;
  return /[yHhdMLTX]/.test(format.pattern)
    ? null
    : `"${format.pattern}" is not iso, unix, unix-ms or a pattern such as dd.MM.yyyy HH:mm`;
}

/**
 * The moment a text names, ms since the Unix epoch, or undefined if it names none. A local time that the clocks went through twice
 * means the first of the two that is not before `notBeforeMs`.
 */
export function parseTime(text: string, format: TimeFormat, notBeforeMs = -Infinity): number | undefined {
  if (format.pattern === 'unix' || format.pattern === 'unix-ms') return parseNumber(text, format);
  const options = { zone: format.timeZone };
  const time =
    format.pattern === 'iso' ? DateTime.fromISO(text, options) : DateTime.fromFormat(text, format.pattern, options);
  if (!time.isValid) return undefined;
  const moments = time.getPossibleOffsets().map((possible) => possible.toMillis());
  moments.sort((a, b) => a - b);
  return inRange(moments.find((moment) => moment >= notBeforeMs) ?? time.toMillis());
}

function parseNumber(text: string, format: TimeFormat): number | undefined {
  const normal = format.decimal === ',' ? text.replace(',', '.') : text;
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(normal)) return undefined;
  return inRange(Math.round(Number(normal) * (format.pattern === 'unix' ? 1000 : 1)));
}

/** What the wire can carry: 1970 to the end of 9999. */
function inRange(moment: number): number | undefined {
  return moment >= 0 && moment <= 253_402_300_799_999 ? moment : undefined;
}
