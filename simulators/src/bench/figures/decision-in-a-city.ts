/** Figure 2: the way from the loop to the open request while a whole city reports. */
import { createDecisionStage } from '../decision/stage.js';
import { createLoadSites, enrolmentSettings } from '../edge-load/load-sites.js';
import type { LoadSize } from '../edge-load/load-sites.js';
import { atMostTimes, measuredTogether, told } from '../figure.js';
import type { BenchContext, Figure, Measured, PreparedFigure, Scale, Side } from '../figure.js';
import type { CityLoadOptions, CityLoadResult } from '../programs/city-load.js';
import { median, percentile } from '../statistics.js';

export interface CitySize extends LoadSize {
  readonly eventsPerSecond: number;
  /** Vehicles, and requests of the floor, in one round. */
  readonly vehicles: number;
}

const sizes: Readonly<Record<Scale, CitySize>> = {
  full: { sites: 50, edgesPerSite: 20, eventsPerSecond: 200, vehicles: 200 },
  short: { sites: 5, edgesPerSite: 20, eventsPerSecond: 200, vehicles: 60 },
};
/** So many vehicles, then so many requests: the disk is slower at times. */
const block = 20;
const warmUpVehicles = 40;
/** After the load has begun again. */
const settleMs = 500;
/** Addresses of loopback that the connections come from: each has its bound. */
const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'];

const floor = 'two commits of one row and one request and reply, without load';

export const decisionInACity: Figure = {
  number: 2,
  title: 'from the sensor to the open request, in a city',
  how:
    'As figure 1, while 1,000 other edges of 50 sites are connected and send 200 events a second in all, one a message, at random times: vehicles that arrive, want a ' +
    'decision and pass; each edge tells its state every 10 s, too. They are light connections in one process, from four addresses of loopback. The load rests while the floor is ' +
    'measured. Raised: enrolments a minute from one address.',
  lines: [
    { key: 'median', what: 'a vehicle that shows nothing, median', unit: 'ms', floor, ...atMostTimes(3, 1.5) },
    { key: 'p99', what: 'the same, 99th percentile', unit: 'ms', floor, ...told },
    {
      key: 'events',
      what: 'events of the others meanwhile, stored and acknowledged',
      unit: '1/s',
      floor: null,
      ...told,
      better: 'higher',
    },
  ],
  rounds: { full: 3, short: 2 },
  prepare: (context) => prepareCity(context, sizes[context.scale]),
};

export async function prepareCity(context: Omit<BenchContext, 'scale'>, size: CitySize): Promise<PreparedFigure> {
  const stage = await createDecisionStage(context, enrolmentSettings);
  const { system, entrance } = stage;
  try {
    context.say(`enrols ${String(size.sites * size.edgesPerSite)} edges`);
    const edges = await createLoadSites(system, size);
    const options: CityLoadOptions = {
      eventsPerSecond: size.eventsPerSecond,
      edges: edges.map((edge, index) => ({
        ...edge,
        target: { host: '127.0.0.1', port: system.mqttPort, from: addresses[index % addresses.length] ?? '' },
        answeredBy: 'acks',
        windowMessages: 1,
      })),
    };
    const load = await stage.start('city-load', options);
    const underLoad = async (vehicles: number): Promise<{ tookMs: number[]; load: CityLoadResult }> => {
      await load.ask('go');
      await new Promise((resolve) => setTimeout(resolve, settleMs));
      const tookMs = await entrance.anonymous(vehicles);
      const result = await load.ask<CityLoadResult>('pause');
      if (result.acknowledged !== result.sent) {
        throw new Error(`${String(result.acknowledged)} of ${String(result.sent)} events were acknowledged`);
      }
      return { tookMs, load: result };
    };
    context.say('warms up');
    const atATime = Math.min(block, size.vehicles);
    for (let warm = 0; warm < Math.min(warmUpVehicles, size.vehicles); warm += atATime) {
      await stage.floor.requests(atATime);
      await underLoad(atATime);
    }
    const measureRound = async (): Promise<Record<Side, Measured>> => {
      const ours: number[] = [];
      const asked: number[] = [];
      let events = 0;
      let durationS = 0;
      while (asked.length < size.vehicles) {
        asked.push(...(await stage.floor.requests(atATime)));
        const result = await underLoad(atATime);
        ours.push(...result.tookMs);
        events += result.load.acknowledged;
        durationS += result.load.durationS;
      }
      return { ours: { ...valuesOf(ours), events: events / durationS }, floor: valuesOf(asked) };
    };
    return { measure: measuredTogether(measureRound), close: () => stage.close() };
  } catch (error) {
    await stage.close();
    throw error;
  }
}

function valuesOf(tookMs: readonly number[]): Measured {
  return { median: median(tookMs), p99: percentile(tookMs, 99) };
}
