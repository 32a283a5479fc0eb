/**
 * The time of a demonstration: one scaled clock for all its processes. While nothing runs it stands still, so that a second start
 * goes on where the first one stopped.
 */
import { DateTime } from 'luxon';
import { z } from 'zod';
import type { ScaledTime } from '@gatehouse/shared';

/** What is remembered between starts: when simulated time was last seen, and how far it was. */
export const rememberedTimeSchema = z.strictObject({
  simulatedMs: z.int().min(0),
  factor: z.number().positive(),
});
export type RememberedTime = z.infer<typeof rememberedTimeSchema>;

/** How often the time is remembered; a sudden end costs at most this much real time. */
export const rememberEveryMs = 1_000;

/**
 * The time a start goes by. The first begins on the last Monday before `realNowMs` at 07:00 in `timeZone`, at the beginning of the
 * morning peak; a later one goes on, a little later than what was remembered, for the case that the end was sudden.
 */
export function timeOfStart(
  remembered: RememberedTime | undefined,
  realNowMs: number,
  options: { readonly factor: number | undefined; readonly defaultFactor: number; readonly timeZone: string },
): ScaledTime {
  const factor = options.factor ?? remembered?.factor ?? options.defaultFactor;
  const simulatedBaseMs =
    remembered === undefined
      ? lastMonday(realNowMs, options.timeZone)
      : Math.round(remembered.simulatedMs + 2 * rememberEveryMs * remembered.factor);
  return { simulatedBaseMs, realBaseMs: Math.round(realNowMs), factor };
}

/** Simulated wall-clock time at a moment of real time. */
export function simulatedAt(time: ScaledTime, realMs: number): number {
  return time.simulatedBaseMs + (realMs - time.realBaseMs) * time.factor;
}

function lastMonday(realNowMs: number, timeZone: string): number {
  const now = DateTime.fromMillis(realNowMs, { zone: timeZone });
  const start = now.startOf('week').set({ hour: 7, minute: 0 });
  return (start < now ? start : start.minus({ weeks: 1 })).toMillis();
}
