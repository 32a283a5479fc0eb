import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DateTime } from 'luxon';
import { planTraffic } from '../../src/traffic/plan.js';
import type { PlannedVisit } from '../../src/traffic/plan.js';
import { commuterProfile } from '../../src/traffic/profile.js';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const zone = 'Europe/Berlin';
const profile = commuterProfile({ timeZone: zone, dailyVisitors: 400, regulars: 40 });
const monday = DateTime.fromISO('2024-03-04T00:00:00', { zone }).toMillis();
const saturday = monday + 5 * dayMs;

const plan = (fromMs: number, toMs: number, seed = 'seed-1'): PlannedVisit[] =>
  planTraffic(seed, 'city-hall', profile, fromMs, toMs);
const between = (visits: PlannedVisit[], fromHour: number, toHour: number): number =>
  visits.filter(({ arriveAtMs }) => {
    const { hour } = DateTime.fromMillis(arriveAtMs, { zone });
    return hour >= fromHour && hour < toHour;
  }).length;

describe('planned traffic', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(plan(monday, monday + dayMs)).toEqual(plan(monday, monday + dayMs));
    expect(plan(monday, monday + dayMs, 'seed-2')).not.toEqual(plan(monday, monday + dayMs));
  });

  it('does not depend on where the range begins or is cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 * dayMs - 1 }), (cutMs) => {
        const whole = plan(monday, monday + 3 * dayMs);
        const parts = [...plan(monday, monday + cutMs), ...plan(monday + cutMs, monday + 3 * dayMs)];
        expect(parts).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('comes in order, within the range, with a stay above nothing and names of its own', () => {
    const visits = plan(monday, monday + 7 * dayMs);
    const times = visits.map(({ arriveAtMs }) => arriveAtMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(times.every((atMs) => atMs >= monday && atMs < monday + 7 * dayMs)).toBe(true);
    expect(visits.every(({ dwellMs }) => dwellMs >= 120_000)).toBe(true);
    expect(new Set(visits.map(({ visitId }) => visitId)).size).toBe(visits.length);
  });

  it('has a morning peak, a busy lunch, an evening and a quiet night on a working day', () => {
    const visits = Array.from({ length: 5 }, (_, day) => plan(monday + day * dayMs, monday + (day + 1) * dayMs)).flat();
    const [night, morning, midMorning, lunch, evening] = [
      between(visits, 1, 5),
      between(visits, 7, 9),
      between(visits, 10, 11) * 2,
      between(visits, 12, 14),
      between(visits, 16, 18),
    ] as const;
    expect(morning).toBeGreaterThan(2 * midMorning);
    expect(lunch).toBeGreaterThan(midMorning);
    expect(evening).toBeGreaterThan(midMorning);
    expect(night).toBeLessThan(evening / 10);
  });

  it('brings fewer vehicles at the weekend, later, and none of the regulars', () => {
    const weekend = plan(saturday, saturday + 2 * dayMs);
    const weekdays = plan(monday, monday + 2 * dayMs);
    expect(weekend.length).toBeLessThan(0.8 * weekdays.length);
    expect(between(weekend, 10, 12)).toBeGreaterThan(between(weekend, 7, 9));
    expect(weekend.some(({ regular }) => regular)).toBe(false);
  });

  it('brings about as many vehicles as the profile says', () => {
    const visitors = plan(monday, monday + 5 * dayMs).filter(({ regular }) => !regular).length;
    // Five days of 400: a Poisson count of 2000, here within four standard deviations.
    expect(Math.abs(visitors - 2000)).toBeLessThan(4 * Math.sqrt(2000));
  });

  it('brings the same regulars back with the same plates, most working days', () => {
    const days = Array.from({ length: 5 }, (_, day) =>
      plan(monday + day * dayMs, monday + (day + 1) * dayMs).filter(({ regular }) => regular),
    );
    const plates = new Map<string, number>();
    for (const { plate } of days.flat()) plates.set(plate, (plates.get(plate) ?? 0) + 1);
    expect(plates.size).toBeLessThanOrEqual(40);
    expect([...plates.values()].filter((times) => times >= 3).length).toBeGreaterThan(30);
  });

  it('mixes short stays, working days and long ones', () => {
    const stays = plan(monday, monday + 5 * dayMs).map(({ dwellMs }) => dwellMs);
    const share = (fromMs: number, toMs: number): number =>
      stays.filter((dwellMs) => dwellMs >= fromMs && dwellMs < toMs).length / stays.length;
    expect(share(0, 3 * hourMs)).toBeGreaterThan(0.4);
    expect(share(6 * hourMs, 11 * hourMs)).toBeGreaterThan(0.15);
    expect(share(14 * hourMs, 10 * dayMs)).toBeGreaterThan(0.005);
    expect(share(14 * hourMs, 10 * dayMs)).toBeLessThan(0.08);
  });

  it('keeps the shares of the classes and lets few misbehave', () => {
    const visits = plan(monday, monday + 28 * dayMs);
    const share = (wanted: (visit: PlannedVisit) => boolean): number => visits.filter(wanted).length / visits.length;
    expect(share(({ slotClass }) => slotClass === 'ev')).toBeGreaterThan(0.08);
    expect(share(({ slotClass }) => slotClass === 'standard')).toBeGreaterThan(0.7);
    const odd = share(({ behaviour }) => behaviour !== 'ordinary');
    expect(odd).toBeGreaterThan(0.003);
    expect(odd).toBeLessThan(0.04);
  });

  it('gives plates that look like plates, seldom the same to two vehicles', () => {
    const visits = plan(monday, monday + 28 * dayMs);
    expect(visits.every(({ plate }) => /^[A-Z]{2}\d\d[A-Z]{3}$/.test(plate))).toBe(true);
    expect(new Set(visits.map(({ plate }) => plate)).size).toBeGreaterThan(0.5 * visits.length);
  });

  it('follows the clocks of the site through a change to summer time', () => {
    // Sunday 31 March 2024 has 23 hours in Berlin; the plan covers each of them once.
    const from = DateTime.fromISO('2024-03-31T00:00:00', { zone });
    const visits = plan(from.toMillis(), from.plus({ days: 1 }).toMillis());
    expect(between(visits, 2, 3)).toBe(0);
    expect(visits.length).toBeGreaterThan(100);
  });
});
