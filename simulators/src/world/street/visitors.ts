/** Who comes to a site: plates, vehicles and manners. */
import type { VehicleOrderInput } from '@gatehouse/edge-agent';
import type { Random } from '@gatehouse/shared';
import { createSeededRandom, pick, wholeBelow } from '../../random.js';
import { drawPlate } from '../../traffic/plates.js';
import type { SitePlan } from '../scenario.js';

export interface Visitor {
  /** As happenings name it. */
  readonly vehicle: string;
  readonly plate: string | null;
  readonly body: Pick<VehicleOrderInput, 'lengthM' | 'trailer' | 'vehicleClass'>;
}

/** Vehicles that come again and again, for each slot. */
const regularsPerSlot = 2;
const regularShare = 0.7;

/** The plate of one of a site's regular visitors, the same for all who ask; any whole number names one. */
export function regularPlate(site: Pick<SitePlan, 'siteId' | 'slots'>, index: number): string {
  const regulars = Math.max(1, site.slots.length * regularsPerSlot);
  return drawPlate(createSeededRandom('regulars', site.siteId, index % regulars));
}

/** @param isAbout whether a vehicle with this plate is at a gate or inside now: there is only one of each. */
export function drawVisitor(
  random: Random,
  site: SitePlan,
  vehicle: string,
  isAbout: (plate: string) => boolean,
): Visitor {
  return { vehicle, plate: drawFreePlate(random, site, isAbout), body: drawBody(random) };
}

function drawFreePlate(random: Random, site: SitePlan, isAbout: (plate: string) => boolean): string | null {
  if (random.next() < site.plateless) return null;
  if (random.next() < regularShare) {
    const regular = regularPlate(site, wholeBelow(random, 1_000_000));
    if (!isAbout(regular)) return regular;
  }
  const fresh = drawPlate(random);
  return isAbout(fresh) ? null : fresh;
}

function drawBody(random: Random): Visitor['body'] {
  const kind = pick(random, [
    ['car', 80],
    ['motorcycle', 8],
    ['short', 3],
    ['lorry', 5],
    ['trailer', 4],
  ] as const);
  switch (kind) {
    case 'car':
      return {};
    case 'motorcycle':
      return { vehicleClass: 'motorcycle' };
    case 'short':
      return { lengthM: 1.5 };
    case 'lorry':
      return { vehicleClass: 'large' };
    case 'trailer':
      return { trailer: true };
  }
}

export type Manners = NonNullable<VehicleOrderInput['behaviour']>;

/** What the model of a lane knows of vehicles from its far side. */
export function farSideManners(manners: Manners): Manners {
  return manners === 'back-out' ? manners : 'pass';
}

/** How its driver goes through a lane of the right direction. */
export function drawManners(random: Random, habits: SitePlan['habits']): Manners {
  const { backsOut, tailgates, wrongWay } = habits;
  const forces = wrongWay / 4;
  const polite = Math.max(0, 1 - backsOut - tailgates - forces);
  return pick(random, [
    ['pass', polite],
    ['back-out', backsOut / 2],
    ['reverse-half-way', backsOut / 4],
    ['reverse-between', backsOut / 4],
    ['tailgate', tailgates],
    ['force', forces],
  ] as const);
}
