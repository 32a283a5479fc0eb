/**
 * Seeded demand: which vehicles want in, when, and for how long. Every hour of every site draws from a chance of its own, so the
 * plan of a range does not depend on where the range begins, and a simulation that was stopped goes on as if it had not been.
 */
import { DateTime } from 'luxon';
import type { Random, SlotClass } from '@gatehouse/shared';
import { createSeededRandom, exponential, logNormal, normal, pick, wholeBelow } from '../random.js';
import { drawPlate } from './plates.js';
import type { Behaviour, TrafficProfile } from './profile.js';

export interface PlannedVisit {
  /** The same in every plan of this seed and site. */
  readonly visitId: string;
  readonly plate: string;
  readonly slotClass: SlotClass;
  readonly arriveAtMs: number;
  readonly dwellMs: number;
  readonly behaviour: Behaviour;
  /** One of the vehicles that come on most working days. */
  readonly regular: boolean;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const shortestDwellMs = 2 * minuteMs;
/** How many vehicles come back now and then. */
const returningPool = 400;

/** The visits that arrive in [fromMs, toMs), by time of arrival. Pure: the same arguments give the same visits. */
export function planTraffic(
  seed: string,
  siteId: string,
  profile: TrafficProfile,
  fromMs: number,
  toMs: number,
): PlannedVisit[] {
  const visits: PlannedVisit[] = [];
  for (let hour = Math.floor(fromMs / hourMs); hour * hourMs < toMs; hour += 1) {
    visits.push(...visitorsOfHour(seed, siteId, profile, hour));
  }
  // A regular's habit may lie on either side of midnight UTC, so the local days around the range are looked at too.
  for (let day = localDay(fromMs, profile).minus({ days: 1 }); day.toMillis() < toMs; day = day.plus({ days: 1 })) {
    visits.push(...regularsOfDay(seed, siteId, profile, day));
  }
  return visits
    .filter(({ arriveAtMs }) => arriveAtMs >= fromMs && arriveAtMs < toMs)
    .sort((a, b) => a.arriveAtMs - b.arriveAtMs || (a.visitId < b.visitId ? -1 : 1));
}

function visitorsOfHour(seed: string, siteId: string, profile: TrafficProfile, hour: number): PlannedVisit[] {
  const random = createSeededRandom(seed, siteId, 'hour', hour);
  const local = DateTime.fromMillis(hour * hourMs, { zone: profile.timeZone });
  const rates = local.isWeekend ? profile.weekendArrivals : profile.weekdayArrivals;
  const perHour = rates[local.hour] ?? 0;
  const visits: PlannedVisit[] = [];
  if (perHour <= 0) return visits;
  let atMs = hour * hourMs + exponential(random, hourMs / perHour);
  for (; atMs < (hour + 1) * hourMs; atMs += exponential(random, hourMs / perHour)) {
    const weights = profile.dwellWeights(local.hour);
    const dwell = pick(
      random,
      profile.dwells.map((kind) => [kind, weights[kind.name]] as const),
    );
    const vehicle = drawVisitor(seed, siteId, profile, random);
    visits.push({
      ...vehicle,
      visitId: `h${String(hour)}-${String(visits.length)}`,
      arriveAtMs: Math.round(atMs),
      dwellMs: Math.max(shortestDwellMs, Math.round(logNormal(random, dwell.medianMs, dwell.spread))),
      behaviour: drawBehaviour(profile, random),
      regular: false,
    });
  }
  return visits;
}

function drawVisitor(
  seed: string,
  siteId: string,
  profile: TrafficProfile,
  random: Random,
): Pick<PlannedVisit, 'plate' | 'slotClass'> {
  const returns = random.next() < profile.returningShare;
  const identity = wholeBelow(random, returningPool);
  return drawVehicle(profile, returns ? createSeededRandom(seed, siteId, 'returning', identity) : random);
}

function regularsOfDay(seed: string, siteId: string, profile: TrafficProfile, day: DateTime): PlannedVisit[] {
  if (day.isWeekend) return [];
  const visits: PlannedVisit[] = [];
  for (let index = 0; index < profile.regulars.count; index += 1) {
    const identity = createSeededRandom(seed, siteId, 'regular', index);
    const vehicle = drawVehicle(profile, identity);
    const habitMinute = normal(identity, 8 * 60, 35);
    const habitDwellMs = normal(identity, 8.4, 0.6) * hourMs;
    const today = createSeededRandom(seed, siteId, 'regular', index, day.toISODate() ?? '');
    if (today.next() >= profile.regulars.attendance) continue;
    const minuteOfDay = Math.min(23 * 60, Math.max(4 * 60, normal(today, habitMinute, 8)));
    visits.push({
      ...vehicle,
      visitId: `r${String(index)}-${day.toISODate() ?? ''}`,
      arriveAtMs: Math.round(day.toMillis() + minuteOfDay * minuteMs),
      dwellMs: Math.max(shortestDwellMs, Math.round(normal(today, habitDwellMs, 20 * minuteMs))),
      behaviour: drawBehaviour(profile, today),
      regular: true,
    });
  }
  return visits;
}

function drawVehicle(profile: TrafficProfile, random: Random): Pick<PlannedVisit, 'plate' | 'slotClass'> {
  const shares = Object.entries(profile.classShares) as [SlotClass, number][];
  return { plate: drawPlate(random), slotClass: pick(random, shares) };
}

function drawBehaviour(profile: TrafficProfile, random: Random): Behaviour {
  const rare = Object.entries(profile.misbehaviour) as [Exclude<Behaviour, 'ordinary'>, number][];
  const share = rare.reduce((sum, [, rate]) => sum + rate, 0);
  return pick<Behaviour>(random, [...rare, ['ordinary', 1 - share]]);
}

function localDay(atMs: number, profile: TrafficProfile): DateTime {
  return DateTime.fromMillis(atMs, { zone: profile.timeZone }).startOf('day');
}
