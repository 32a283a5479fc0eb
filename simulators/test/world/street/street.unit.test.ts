import { describe, expect, it } from '@jest/globals';
import { createRig, sitePlan } from './support/rig.js';
import type { Rig } from './support/rig.js';

const minuteMs = 60_000;

async function running(options: Parameters<typeof createRig>[0]): Promise<Rig> {
  const rig = createRig(options);
  for (const site of options.sites) for (const { edgeId } of site.edges) await rig.start(edgeId);
  rig.street.open();
  return rig;
}

/** By the happenings: who is inside; throws where somebody comes out who is not, or goes in twice. */
function insideAfter(rig: Rig): Set<string> {
  const inside = new Set<string>();
  for (const { vehicle, direction } of rig.ofType('vehicle-through')) {
    if (inside.has(vehicle) !== (direction === 'exit')) throw new Error(`${vehicle} passed ${direction} from nowhere`);
    if (direction === 'entry') inside.add(vehicle);
    else inside.delete(vehicle);
  }
  return inside;
}

describe('the street', () => {
  it('lets vehicles come, park and leave: nobody is in two places, and nobody is lost', async () => {
    const rig = await running({ seed: 1, sites: [sitePlan()] });
    await rig.advance(60 * minuteMs);
    expect(rig.street.passages).toBeGreaterThan(200);
    rig.street.close();
    await rig.advance(10 * minuteMs);
    expect(rig.street.vehiclesAtGates).toBe(0);
    const entries = rig.ofType('vehicle-through').filter(({ direction }) => direction === 'entry').length;
    const exits = rig.ofType('vehicle-through').length - entries;
    expect(insideAfter(rig).size).toBe(entries - exits);
    expect(entries + exits).toBe(rig.street.passages);
  });

  it('is the same again with the same seed, and another with another', async () => {
    const habits = { misread: 0.2, noRead: 0.2, backsOut: 0.1, tailgates: 0.1, wrongWay: 0.1 };
    const stories = [];
    for (const seed of [3, 3, 4]) {
      const rig = await running({ seed, sites: [sitePlan({ habits })] });
      await rig.advance(20 * minuteMs);
      stories.push(JSON.stringify(rig.told));
    }
    expect(stories[1]).toBe(stories[0]);
    expect(stories[2]).not.toBe(stories[0]);
  });

  it('sends nobody to a closed lane, and those who wait behind it elsewhere', async () => {
    const rig = await running({ seed: 5, sites: [sitePlan({ vehiclesPerHour: 600 })], admits: () => false });
    await rig.advance(5 * minuteMs);
    rig.street.removeGate('in-1');
    await rig.advance(5 * minuteMs);
    expect(rig.street.vehiclesAtGates).toBe(0);
    const stood = rig.ofType('vehicle-stands').length;
    await rig.advance(5 * minuteMs);
    expect(rig.ofType('vehicle-stands')).toHaveLength(stood);
    rig.street.addGate('site-1', { gateId: 'in-1', direction: 'entry', hasReader: true });
    await rig.advance(5 * minuteMs);
    expect(rig.ofType('vehicle-stands').length).toBeGreaterThan(stood);
  });

  it('lets those who are turned away go, and come again or not', async () => {
    const rig = await running({ seed: 6, sites: [sitePlan()], admits: () => false });
    await rig.advance(60 * minuteMs);
    expect(rig.street.passages).toBe(0);
    expect(rig.ofType('open-requested')).toEqual([]);
    const stands = rig.ofType('vehicle-stands').map(({ vehicle }) => vehicle);
    expect(new Set(stands).size).toBeLessThan(stands.length);
    expect(rig.ofType('vehicle-back').length).toBeGreaterThan(50);
  });

  it('takes a flood, and lets it drain', async () => {
    const rig = await running({ seed: 7, sites: [sitePlan({ vehiclesPerHour: 1, stayMinutes: 600 })] });
    rig.street.flood('in-1', 50);
    expect(rig.street.vehiclesAtGates).toBe(50);
    await rig.advance(30 * minuteMs);
    expect(rig.street.vehiclesAtGates).toBe(0);
    expect(rig.street.passages).toBeGreaterThanOrEqual(50);
  });

  it('once everything is mended, everybody behaves and every passage is healthy', async () => {
    const habits = { misread: 1, noRead: 0.5, backsOut: 0.3, tailgates: 0.3, wrongWay: 0.3 };
    const rig = await running({ seed: 8, sites: [sitePlan({ habits })] });
    rig.fault('in-1', 'arming-stuck', true);
    await rig.advance(20 * minuteMs);
    rig.street.mendAll();
    await rig.advance(5 * minuteMs);
    const healedAtMs = rig.clock.monoMs();
    await rig.advance(60 * minuteMs);
    const later = rig.ofType('vehicle-through').filter(({ atMs }) => atMs > healedAtMs);
    expect(new Set(later.map(({ way }) => way))).toEqual(new Set(['as-let-in']));
    expect(later.length).toBeGreaterThan(100);
  });
});
