/** Figure 6: decisions and lists over a store that has kept two years of stays, beside one that has kept few. */
import { createAsker } from '../history/ask-lists.js';
import type { Asker } from '../history/ask-lists.js';
import { plateInside, plateOf, platesSeen } from '../history/fill-store.js';
import { prepareAggregator } from '../history/prepared-aggregator.js';
import type { PreparedAggregator } from '../history/prepared-aggregator.js';
import { questionsOf } from '../history/questions.js';
import type { Question, Questions } from '../history/questions.js';
import { openStreet } from '../history/street.js';
import { atMostTimes, told } from '../figure.js';
import type { BenchContext, Figure, Line, Measured, PreparedFigure, Scale, Side } from '../figure.js';
import { median, percentile } from '../statistics.js';

export interface HistorySize {
  readonly sessions: Readonly<Record<Side, number>>;
  readonly inside: number;
  readonly vehicles: number;
  readonly slotsPerSite: number;
  /** Items of a page of a list. */
  readonly page: number;
  /** Of each: two vehicles come, two leave. */
  readonly cycles: number;
  /** How often each question is asked. */
  readonly asks: number;
  readonly warmUpCycles: number;
}

const siteCount = 4;
const maxSeenLongAgo = 5_000;

const sizes: Readonly<Record<Scale, HistorySize>> = {
  full: {
    sessions: { ours: 10_000_000, floor: 10_000 },
    inside: 300,
    vehicles: 1_000,
    slotsPerSite: 500,
    page: 20,
    cycles: 100,
    asks: 30,
    warmUpCycles: 100,
  },
  short: {
    sessions: { ours: 100_000, floor: 1_000 },
    inside: 100,
    vehicles: 100,
    slotsPerSite: 200,
    page: 5,
    cycles: 25,
    asks: 8,
    warmUpCycles: 6,
  },
};

const floor = 'the same with 10,000 sessions';
const groups = ['sessions', 'vehicles', 'records', 'csv'] as const;
const names: Readonly<Record<(typeof groups)[number], string>> = {
  sessions: 'sessions: newest, by plate, vehicle, slot, gate, state, entry and exit time, a page far down; p99',
  vehicles: 'vehicles: all, by plate, holder, block; p99',
  records: 'events, reviews and audit: by site, gate, edge, kind, time, a page far down; p99',
  csv: 'sessions as CSV, the first 500 lines; p99',
};

function ratioLine(key: string, what: string, alarm: number): Line {
  return {
    key,
    what,
    unit: 'ms',
    floor,
    ...atMostTimes(1.3, 1.05, alarm),
  };
}

export const storedHistory: Figure = {
  number: 6,
  title: 'decisions and lists with 10,000,000 stored sessions',
  how: 'Two aggregators as in production (but for http.rate.requestsPerKeyPerMinute, which is raised to its maximum) run at the same time and are asked in turn. Their stores were made by the program and filled by SQL with the stays of two years at four sites, as the default retention leaves them: all sessions with reviews and audit, of the last 90 days events and arrivals, of the last week notices. Both have the same layouts, the same 300 vehicles inside and the same 1,000 registered ones. Decision: from the publish of an arrival over MQTT to its decision, of vehicles never seen, seen long ago and inside now. Lists: one request after the other over one connection, in pages of 20, each with other values (sessions of a plate, a vehicle, a slot: fewer, as the small store has no more). The p99 of a group is over all its questions, each asked as often as the others.',
  lines: [
    ratioLine('decisionMedianMs', 'decision, median', 4),
    ratioLine('decisionP99Ms', 'decision, p99', 10),
    ...groups.map((group) => ratioLine(`${group}P99Ms`, names[group], 10)),
    {
      key: 'megabytesPerMillion',
      what: 'database, MB a million sessions with what belongs to them',
      unit: 'MB',
      floor: null,
      ...told,
    },
  ],
  // Short ones and many: a 99th percentile is made of pauses, and the machine is quicker in one minute than in the next.
  rounds: { full: 15, short: 3 },
  prepare: (context) => prepareHistory(context, sizes[context.scale]),
};

export interface PreparedHistory extends PreparedFigure {
  readonly aggregators: Readonly<Record<Side, PreparedAggregator>>;
}

interface Running {
  readonly prepared: PreparedAggregator;
  readonly asker: Asker;
  readonly questions: Questions;
  readonly traffic: Traffic;
}

export async function prepareHistory(
  context: Pick<BenchContext, 'say' | 'tidyUp'>,
  size: HistorySize,
): Promise<PreparedHistory> {
  const prepare = (side: Side): Promise<PreparedAggregator> => {
    const { inside, vehicles, slotsPerSite: slots } = size;
    const sites = Array.from({ length: siteCount }, (_, index) => ({ slots, inside: index === 0 ? inside : 0 }));
    const history = { sessions: size.sessions[side], vehicles };
    return prepareAggregator({ sites, history }, context.tidyUp, context.say);
  };
  return compareHistories({ floor: await prepare('floor'), ours: await prepare('ours') }, context, size);
}

/** @param aggregators stopped; they are started, and removed in the end */
export async function compareHistories(
  aggregators: PreparedHistory['aggregators'],
  context: Pick<BenchContext, 'say'>,
  size: HistorySize,
): Promise<PreparedHistory> {
  const running: Partial<Record<Side, Running>> = {};
  const close = async (): Promise<void> => {
    for (const side of ['floor', 'ours'] as const) {
      running[side]?.asker.end();
      running[side]?.traffic.end();
      await aggregators[side].system.stop();
    }
  };
  try {
    const sides: Readonly<Record<Side, Running>> = {
      floor: (running.floor = await start(aggregators.floor, size.page)),
      ours: (running.ours = await start(aggregators.ours, size.page)),
    };
    context.say('warming up');
    for (const { traffic, asker, questions } of [sides.floor, sides.ours]) {
      await traffic.drive(size.warmUpCycles);
      for (const group of groups) await askAll(asker, questions[group], 5);
    }
    return {
      aggregators,
      async measure(side): Promise<Measured> {
        const { prepared, asker, questions, traffic } = sides[side];
        const decided = await traffic.drive(size.cycles);
        const lists: [string, number][] = [];
        for (const group of groups) {
          lists.push([`${group}P99Ms`, percentile(await askAll(asker, questions[group], size.asks), 99)]);
        }
        return {
          decisionMedianMs: median(decided),
          decisionP99Ms: percentile(decided, 99),
          ...Object.fromEntries(lists),
          megabytesPerMillion: prepared.bytes / prepared.history.sessions,
        };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function start(prepared: PreparedAggregator, page: number): Promise<Running> {
  const { system, sites, history } = prepared;
  await system.startAggregator();
  return {
    prepared,
    asker: createAsker(system.httpPort, system.adminKey),
    questions: questionsOf(sites, history, page),
    traffic: await openTraffic(prepared),
  };
}

/** In turn, so that a moment of noise does not fall on one question alone. */
async function askAll(asker: Asker, questions: readonly Question[], times: number): Promise<number[]> {
  const tookMs: number[] = [];
  for (let time = 0; time < times; time += 1) {
    for (const question of questions) tookMs.push(await asker.ask(question));
  }
  return tookMs;
}

/** Two vehicles come to the first site and two leave it, again and again. */
interface Traffic {
  /** Milliseconds of every decision. */
  drive(cycles: number): Promise<number[]>;
  end(): void;
}

async function openTraffic(prepared: PreparedAggregator): Promise<Traffic> {
  const { sites, history } = prepared;
  const [site] = sites;
  if (site === undefined) throw new RangeError('there is no site');
  const street = await openStreet(prepared, site);
  const inside = Array.from({ length: site.inside }, (_, index) => plateInside(history, 1 + index));
  // Each comes once, so that none is inside already; and none is of the registered vehicles, of which some are blocked.
  const seenLongAgo = someOf(history.vehicles, platesSeen(history));
  let neverSeen = 0;
  const come = (plate: string): Promise<number> => {
    inside.push(plate);
    return street.come(plate);
  };
  const leave = (): Promise<number> => street.leave(inside.shift() ?? '');
  return {
    async drive(cycles) {
      const tookMs: number[] = [];
      for (let cycle = 0; cycle < cycles; cycle += 1) {
        neverSeen += 1;
        tookMs.push(await come(`NEW${String(neverSeen)}`));
        tookMs.push(await leave());
        tookMs.push(await come(plateOf(seenLongAgo.pop() ?? 0)));
        tookMs.push(await leave());
      }
      return tookMs;
    },
    end: () => {
      street.end();
    },
  };
}

/** Numbers above `above`, at most `last`, in an order of chance; no more of them than will be wanted. */
function someOf(above: number, last: number): number[] {
  const count = last - above;
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, maxSeenLongAgo)) chosen.add(above + 1 + Math.floor(Math.random() * count));
  return [...chosen];
}
