/** What the demand of one car park looks like over a week. */
import type { SlotClass } from '@gatehouse/shared';

/** Arrivals an hour for each of the 24 local hours. */
export type HourlyRates = readonly number[];

/** A share of the visitors and how long they stay. */
export interface DwellKind {
  readonly name: 'short' | 'working-day' | 'long';
  readonly medianMs: number;
  /** Spread of the logarithm of the stay. */
  readonly spread: number;
}

/** What a driver does at a gate. All but `ordinary` are rare. */
export type Behaviour = 'ordinary' | 'back-out' | 'tailgate' | 'wrong-way';

export interface TrafficProfile {
  /** IANA time zone whose clock people live by. */
  readonly timeZone: string;
  readonly weekdayArrivals: HourlyRates;
  readonly weekendArrivals: HourlyRates;
  /** Weights of the kinds of stay by local hour of arrival: people who come at eight stay longer than those who come at noon. */
  readonly dwellWeights: (localHour: number) => Readonly<Record<DwellKind['name'], number>>;
  readonly dwells: readonly DwellKind[];
  readonly classShares: Readonly<Record<SlotClass, number>>;
  /** Vehicles that come on most working days, besides the arrivals above. */
  readonly regulars: { readonly count: number; readonly attendance: number };
  /** Share of the other arrivals that are vehicles which have been here before. */
  readonly returningShare: number;
  /** Share of arrivals that misbehave. */
  readonly misbehaviour: Readonly<Record<Exclude<Behaviour, 'ordinary'>, number>>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Weekday shape: morning peak, lunch, evening. Sums to 1 over the day. */
const weekdayShape = shape([1, 1, 1, 1, 2, 6, 20, 62, 84, 48, 34, 40, 58, 46, 34, 32, 40, 52, 44, 26, 14, 8, 4, 2]);
/** Weekend shape: later, flatter, one long afternoon. */
const weekendShape = shape([2, 1, 1, 1, 1, 2, 5, 12, 24, 42, 58, 64, 60, 56, 54, 50, 42, 34, 28, 22, 16, 10, 6, 4]);

/**
 * A profile scaled to a site: `dailyVisitors` come on a working day besides the regulars, and about `weekendShare` of them on a
 * day of the weekend.
 */
export function commuterProfile(options: {
  readonly timeZone: string;
  readonly dailyVisitors: number;
  readonly regulars: number;
  readonly weekendShare?: number;
}): TrafficProfile {
  const weekendVisitors = options.dailyVisitors * (options.weekendShare ?? 0.55);
  return {
    timeZone: options.timeZone,
    weekdayArrivals: weekdayShape.map((share) => share * options.dailyVisitors),
    weekendArrivals: weekendShape.map((share) => share * weekendVisitors),
    dwells: [
      { name: 'short', medianMs: 45 * minuteMs, spread: 0.6 },
      { name: 'working-day', medianMs: 8 * hourMs, spread: 0.12 },
      { name: 'long', medianMs: 30 * hourMs, spread: 0.5 },
    ],
    dwellWeights: (localHour) => ({
      short: localHour >= 6 && localHour < 9 ? 40 : 88,
      'working-day': localHour >= 6 && localHour < 9 ? 57 : 9,
      long: 3,
    }),
    classShares: { standard: 82, ev: 10, accessible: 3, motorcycle: 3, large: 2 },
    regulars: { count: options.regulars, attendance: 0.82 },
    returningShare: 0.3,
    misbehaviour: { 'back-out': 0.01, tailgate: 0.004, 'wrong-way': 0.002 },
  };
}

function shape(weights: readonly number[]): readonly number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}
