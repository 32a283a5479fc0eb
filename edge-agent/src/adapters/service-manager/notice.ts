/** Notices in the words of sd_notify(3): one `VARIABLE=VALUE` a line. */
import type { ServiceNotice } from '../../app/ports.js';

const maxStatusChars = 200;

/** Empty when there is nothing to tell. */
export function noticeText({ ready, alive, stopping, startTakesMs, status }: ServiceNotice): string {
  return [
    ...(ready === true ? ['READY=1'] : []),
    ...(stopping === true ? ['STOPPING=1'] : []),
    ...(alive === true ? ['WATCHDOG=1'] : []),
    ...(startTakesMs === undefined ? [] : [`EXTEND_TIMEOUT_USEC=${String(Math.round(startTakesMs * 1_000))}`]),
    ...(status === undefined ? [] : [`STATUS=${oneLine(status)}`]),
  ].join('\n');
}

function oneLine(text: string): string {
  // A line break would begin another variable.
  return text.replace(/\p{Cc}+/gu, ' ').slice(0, maxStatusChars);
}
