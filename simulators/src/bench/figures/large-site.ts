/** Figure 7: decisions in a site of very many slots, beside one of few. */
import type { SlotClass } from '@gatehouse/shared';
import { createAsker } from '../history/ask-lists.js';
import { plateInside } from '../history/fill-store.js';
import { prepareAggregator } from '../history/prepared-aggregator.js';
import type { PreparedAggregator } from '../history/prepared-aggregator.js';
import { openStreet } from '../history/street.js';
import type { Street } from '../history/street.js';
import { atMostTimes, told } from '../figure.js';
import type { BenchContext, Figure, Line, Measured, PreparedFigure, Scale, Side } from '../figure.js';
import { median, percentile } from '../statistics.js';

export interface SiteSize {
  readonly slots: Readonly<Record<Side, number>>;
  /** Slots that are free in the site that is nearly full. */
  readonly left: number;
  /** Vehicles that come in one measurement of each site. */
  readonly vehicles: number;
  readonly warmUpVehicles: number;
}

const sizes: Readonly<Record<Scale, SiteSize>> = {
  full: { slots: { ours: 100_000, floor: 100 }, left: 12, vehicles: 400, warmUpVehicles: 200 },
  short: { slots: { ours: 20_000, floor: 100 }, left: 12, vehicles: 100, warmUpVehicles: 30 },
};

const zones = 5;
const slotClasses: readonly SlotClass[] = ['standard', 'standard', 'ev', 'large'];
/** What vehicles need, by turns: the gate tells for every third that it is electric. */
const wanted: readonly (SlotClass | undefined)[] = [undefined, undefined, 'ev'];
const floor = 'the same with 100 slots';
const slotsOfPage = 50;

function ratioLine(key: string, what: string, alarm: number): Line {
  return {
    key,
    what,
    unit: 'ms',
    floor,
    ...atMostTimes(1.3, 1.05, alarm),
  };
}

function toldLine(key: string, what: string): Line {
  return { key, what, unit: 'ms', floor, ...told };
}

export const largeSite: Figure = {
  number: 7,
  title: 'decisions in a site of 100,000 slots',
  how: 'Two aggregators as in production run at the same time and are asked in turn: one with sites of 100,000 slots, one with sites of 100, each in five zones, of three classes by turns, with two entries that know every zone by distance. In the first site half of the slots are taken, in the second all but twelve, and vehicles come and leave one after the other. Decision: from the publish of the arrival of a vehicle, every third an electric one, over MQTT to the decision with its slot; the way out is not counted.',
  lines: [
    ratioLine('halfMedianMs', 'decision at an entry, half full, median', 4),
    ratioLine('halfP99Ms', 'decision at an entry, half full, p99', 10),
    ratioLine('fullMedianMs', 'decision at an entry, nearly full, median', 4),
    ratioLine('fullP99Ms', 'decision at an entry, nearly full, p99', 10),
    toldLine('putLayoutMs', 'PUT of the layout, once'),
    toldLine('pageMs', 'one page of 50 slots, median'),
    toldLine('occupancyMs', 'the occupancy, median'),
  ],
  // Short ones and many, as in figure 6.
  rounds: { full: 15, short: 3 },
  prepare: (context) => prepareSites(context, sizes[context.scale]),
};

export interface PreparedSites extends PreparedFigure {
  readonly aggregators: Readonly<Record<Side, PreparedAggregator>>;
}

interface Running {
  readonly prepared: PreparedAggregator;
  readonly half: Traffic;
  readonly full: Traffic;
}

export async function prepareSites(
  context: Pick<BenchContext, 'say' | 'tidyUp'>,
  size: SiteSize,
): Promise<PreparedSites> {
  const prepare = (side: Side): Promise<PreparedAggregator> => {
    const slots = size.slots[side];
    const site = { slots, zones, slotClasses };
    const sites = [
      { ...site, inside: Math.floor(slots / 2) },
      { ...site, inside: slots - size.left },
    ];
    return prepareAggregator({ sites, history: { sessions: 0, vehicles: 0 } }, context.tidyUp, context.say);
  };
  const aggregators = { floor: await prepare('floor'), ours: await prepare('ours') };
  const running: Running[] = [];
  const close = async (): Promise<void> => {
    for (const { half, full } of running) for (const traffic of [half, full]) traffic.end();
    for (const side of ['floor', 'ours'] as const) await aggregators[side].system.stop();
  };
  try {
    for (const side of ['floor', 'ours'] as const) running.push(await start(aggregators[side]));
    context.say('warming up');
    for (const { half, full } of running) for (const traffic of [half, full]) await traffic.drive(size.warmUpVehicles);
    return {
      aggregators,
      async measure(side): Promise<Measured> {
        const own = running.find(({ prepared }) => prepared === aggregators[side]);
        if (own === undefined) throw new Error(`nothing runs on the side of ${side}`);
        const half = await own.half.drive(size.vehicles);
        const full = await own.full.drive(size.vehicles);
        return {
          halfMedianMs: median(half),
          halfP99Ms: percentile(half, 99),
          fullMedianMs: median(full),
          fullP99Ms: percentile(full, 99),
          putLayoutMs: own.prepared.putLayoutMs,
          ...(await askedOf(own.prepared)),
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(prepared: PreparedAggregator): Promise<Running> {
  await prepared.system.startAggregator();
  const [half, full] = prepared.sites;
  if (half === undefined || full === undefined) throw new RangeError('there are two sites');
  return {
    prepared,
    half: createTraffic(await openStreet(prepared, half), plateInside(prepared.history, 1)),
    full: createTraffic(await openStreet(prepared, full), plateInside(prepared.history, half.inside + 1)),
  };
}

interface Traffic {
  /** Milliseconds of every decision at an entry. */
  drive(vehicles: number): Promise<number[]>;
  end(): void;
}

/** One comes, then one leaves that came before it. */
function createTraffic(street: Street, firstInside: string): Traffic {
  const inside = [firstInside];
  let number = 0;
  return {
    async drive(vehicles) {
      const tookMs: number[] = [];
      for (let vehicle = 0; vehicle < vehicles; vehicle += 1) {
        number += 1;
        const plate = `VEHICLE${String(number)}`;
        tookMs.push(await street.come(plate, wanted[number % wanted.length]));
        inside.push(plate);
        await street.leave(inside.shift() ?? '');
      }
      return tookMs;
    },
    end: () => {
      street.end();
    },
  };
}

const asksOfEach = 20;

async function askedOf({ system, sites }: PreparedAggregator): Promise<Measured> {
  const asker = createAsker(system.httpPort, system.adminKey);
  const siteId = sites[0]?.siteId ?? '';
  const asked = async (items: number, path: string): Promise<number> => {
    const tookMs: number[] = [];
    for (let ask = 0; ask < asksOfEach; ask += 1) {
      tookMs.push(await asker.ask({ name: path, items, path: () => path }));
    }
    return median(tookMs);
  };
  try {
    const pageMs = await asked(slotsOfPage, `/api/v1/sites/${siteId}/slots?limit=${String(slotsOfPage)}`);
    return { pageMs, occupancyMs: await asked(0, `/api/v1/sites/${siteId}/occupancy`) };
  } finally {
    asker.end();
  }
}
