/**
 * A whole system in one process, for a replay: the production aggregator on SQLite with its own broker, and production edge agents
 * over simulated lanes, talking MQTT through TCP. Physical time is elastic; the protocol runs in real time.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  aggregatorSettingsSchema,
  correctCount,
  createAggregator,
  createAuthenticator,
  createEmbeddedBroker,
  createSqliteStore,
  embeddedBrokerSettingsSchema,
  enrolmentCodeHash,
  newEnrolmentCode,
  openReviews,
  putLayout,
  redeemEnrolmentCode,
  registerEdge,
  summaryOf,
} from '@gatehouse/aggregator';
import type { Actor, Aggregator, SessionRow } from '@gatehouse/aggregator';
import type { Clock, Random, SiteLayout, SlotClass } from '@gatehouse/shared';
import { silentLogger, siteLayoutSchema } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createElasticClock } from '../clock/elastic-clock.js';
import type { ElasticClock } from '../clock/elastic-clock.js';
import type { ReplayVehicle } from './itinerary.js';
import { createLocalEdge } from './local-edge.js';
import type { LocalEdge, LocalLane } from './local-edge.js';
import { countBy } from './reconcile.js';
import type { CentreBooks } from './reconcile.js';
import type { GateResult, ReplayCentre, ReplayGates } from './run-replay.js';

export interface LocalSystemOptions {
  readonly realClock: Clock;
  readonly random: Random;
  readonly seed: string;
  readonly speed: number;
  readonly startWallMs: number;
  readonly slots: ReadonlyMap<SlotClass, number>;
  readonly lanes: { readonly entry: number; readonly exit: number };
  readonly hasReaders: boolean;
  readonly antiPassback: 'off' | 'soft' | 'hard';
  /** undefined: a temporary one, deleted at the end. */
  readonly dataDirectory: string | undefined;
}

export interface LocalSystem {
  readonly clock: ElasticClock;
  readonly gates: ReplayGates;
  readonly centre: ReplayCentre;
  start(): Promise<void>;
  stop(): Promise<void>;
  books(): Promise<CentreBooks>;
}

const siteId = 'replay';
const actor: Actor = { keyId: 'replay', label: 'replay', role: 'admin', siteId: null };
/** Simulated time in which lanes come to rest after the last vehicle. */
const restMs = 60_000;
/** Real time in which everything that happened must be stored. */
const settleTimeoutMs = 60_000;
const startTimeoutMs = 30_000;
const pollMs = 2;
const waitingPace = 10;
const dayMs = 86_400_000;

export function createLocalSystem(options: LocalSystemOptions): LocalSystem {
  const { realClock, random } = options;
  const clock = createElasticClock({
    base: realClock,
    startWallMs: options.startWallMs,
    speed: options.speed,
    nextTurn: setImmediate,
  });
  const running: { aggregator: Aggregator | undefined; edges: LocalEdge[]; temporary: string | undefined } = {
    aggregator: undefined,
    edges: [],
    temporary: undefined,
  };
  const centre = (): Aggregator => {
    if (running.aggregator === undefined) throw new Error('the system is not started');
    return running.aggregator;
  };
  /** At high speeds weeks would go by while something is waited for that takes real time. */
  const slowly = async <T>(work: () => Promise<T>): Promise<T> => {
    const release = clock.slowTo(waitingPace);
    try {
      return await work();
    } finally {
      release();
    }
  };
  const until = async (condition: () => boolean, timeoutMs: number, what: string): Promise<void> => {
    const deadlineMs = realClock.monoMs() + timeoutMs;
    await slowly(async () => {
      while (!condition()) {
        if (realClock.monoMs() > deadlineMs) throw new Error(`${what} within ${String(timeoutMs / 1000)} s`);
        await pause(realClock, pollMs);
      }
    });
  };
  const settled = async (): Promise<void> => {
    await pause(clock, restMs);
    await until(
      () => running.edges.every(({ isQuiet }) => isQuiet),
      settleTimeoutMs,
      'the aggregator did not take everything',
    );
  };

  const startParts = async (): Promise<void> => {
    if (options.dataDirectory === undefined) running.temporary = await mkdtemp(join(tmpdir(), 'gatehouse-replay-'));
    const directory = options.dataDirectory ?? running.temporary ?? tmpdir();
    if (existsSync(join(directory, 'gatehouse.db'))) {
      throw new Error(`${directory} holds a database already: a replay begins in a directory of its own`);
    }
    const { aggregator, mqttUrl } = await startAggregator(directory, clock, realClock, random, (started) => {
      running.aggregator = started;
    });
    const plan = edgePlan(options.lanes);
    await putSite(aggregator, layoutOf(options, plan));
    for (const { edgeId, gates } of plan) {
      const password = await enrol(aggregator, edgeId, random);
      const edge = createLocalEdge({
        ...options,
        siteId,
        edgeId,
        gates,
        clock,
        directory: join(directory, edgeId),
        mqttUrl,
        password,
      });
      running.edges.push(edge);
      await edge.start();
    }
    await until(
      () => running.edges.every((edge) => edge.isUp && edge.isQuiet),
      startTimeoutMs,
      'the edge agents did not connect and find their arms closed',
    );
  };

  const send = (direction: 'entry' | 'exit', vehicle: ReplayVehicle): Promise<GateResult> => {
    const lanes = running.edges.flatMap((edge) => edge.lanes).filter((lane) => lane.direction === direction);
    return shortest(lanes).send(vehicle);
  };

  return {
    clock,
    gates: { enter: (vehicle) => send('entry', vehicle), leave: (vehicle) => send('exit', vehicle) },
    centre: {
      settled,
      async setCount(count) {
        await slowly(() =>
          centre().committer.execute((turn) =>
            correctCount(turn, actor, { siteId, count, reason: 'Correction in the recording' }),
          ),
        );
      },
    },
    start: () => slowly(startParts),
    async stop() {
      await Promise.all(running.edges.map((edge) => edge.stop()));
      await running.aggregator?.stop();
      clock.stop();
      if (running.temporary !== undefined) await rm(running.temporary, { recursive: true, force: true });
    },
    books: () => readBooks(centre()),
  };
}

function shortest(lanes: readonly LocalLane[]): LocalLane {
  const [first, ...others] = lanes;
  if (first === undefined) throw new RangeError('there is no such lane');
  return others.reduce((best, lane) => (lane.load < best.load ? lane : best), first);
}

async function startAggregator(
  directory: string,
  clock: ElasticClock,
  realClock: Clock,
  random: Random,
  onCreated: (aggregator: Aggregator) => void,
): Promise<{ aggregator: Aggregator; mqttUrl: string }> {
  let directoryOf: Aggregator['directory'] | undefined;
  const broker = createEmbeddedBroker({
    settings: embeddedBrokerSettingsSchema.parse({ port: 0 }),
    authenticator: {
      authenticate: (username, password) =>
        directoryOf === undefined ? null : createAuthenticator(directoryOf, sha256).authenticate(username, password),
    },
    logger: silentLogger,
    clock: realClock,
  });
  const store = createSqliteStore({ directory, logger: silentLogger, clock: realClock });
  const aggregator = createAggregator(
    { clock, linkClock: realClock, random, sha256, logger: silentLogger, store, link: broker },
    aggregatorSettingsSchema.parse({
      // Of simulated time: what is meant for real minutes must not come round many times a second.
      tickIntervalMs: 3_600_000,
      occupancyIntervalMs: 60_000,
      retention: {
        intervalMs: dayMs,
        eventsDays: 36_500,
        arrivalsDays: 36_500,
        sessionsDays: 36_500,
        reviewsDays: 36_500,
      },
    }),
  );
  onCreated(aggregator);
  await aggregator.start();
  directoryOf = aggregator.directory;
  const address = broker.address();
  if (address === null) throw new Error('the broker does not listen');
  return { aggregator, mqttUrl: `mqtt://127.0.0.1:${String(address.port)}` };
}

interface PlannedEdge {
  readonly edgeId: string;
  readonly gates: readonly { readonly gateId: string; readonly direction: 'entry' | 'exit' }[];
}

/** One edge for each pair of an entry and an exit lane. */
function edgePlan({ entry, exit }: LocalSystemOptions['lanes']): PlannedEdge[] {
  return Array.from({ length: Math.max(entry, exit) }, (_, index) => {
    const number = String(index + 1);
    return {
      edgeId: `edge-${number}`,
      gates: [
        ...(index < entry ? [{ gateId: `entry-${number}`, direction: 'entry' as const }] : []),
        ...(index < exit ? [{ gateId: `exit-${number}`, direction: 'exit' as const }] : []),
      ],
    };
  });
}

function layoutOf({ slots, antiPassback }: LocalSystemOptions, plan: readonly PlannedEdge[]): SiteLayout {
  return siteLayoutSchema.parse({
    siteId,
    name: 'Replay',
    antiPassback,
    zones: [{ zoneId: 'all', name: 'All' }],
    slots: [...slots]
      .flatMap(([slotClass, count]) => Array.from({ length: count }, () => slotClass))
      .map((slotClass, index) => {
        const number = String(index + 1);
        return { slotId: `s-${number}`, zoneId: 'all', label: number, slotClass };
      }),
    gates: plan.flatMap(({ edgeId, gates }) => gates.map((gate) => ({ ...gate, edgeId, name: gate.gateId }))),
  });
}

async function putSite(aggregator: Aggregator, layout: SiteLayout): Promise<void> {
  const exists = aggregator.site(siteId) !== undefined;
  await aggregator.committer.execute((turn) =>
    putLayout(turn, actor, { layout, reason: 'Replay', exists, expectedVersion: null }),
  );
}

/** Registers the edge and redeems its code, as an installer would. Answers its secret. */
async function enrol(aggregator: Aggregator, edgeId: string, random: Random): Promise<string> {
  const codeHash = enrolmentCodeHash(sha256, newEnrolmentCode(random));
  const secret = random.hex(32);
  await aggregator.committer.execute((turn) => {
    registerEdge(turn, actor, { edgeId, siteId, name: edgeId, codeHash, codeLifetimeMs: dayMs });
  });
  await aggregator.committer.execute((turn) => redeemEnrolmentCode(turn, { codeHash, secretHash: sha256(secret) }));
  return secret;
}

async function readBooks(aggregator: Aggregator): Promise<CentreBooks> {
  const site = aggregator.site(siteId);
  if (site === undefined) throw new Error('the site is gone');
  const summary = summaryOf(site);
  const sessions = await allSessions(aggregator);
  const closed = sessions.filter(({ state }) => state === 'closed');
  return {
    entriesTotal: summary.entriesTotal,
    exitsTotal: summary.exitsTotal,
    vehiclesInside: summary.vehiclesInside,
    sessionsOpened: sessions.length,
    sessionsOpen: summary.sessionsOpen,
    sessionsUncertain: summary.sessionsUncertain,
    closedByBasis: countBy(closed, ({ exitBasis }) => exitBasis ?? 'unknown'),
    drift: summary.drift,
    openReviews: countBy(openReviews(site), ({ kind }) => kind),
  };
}

async function allSessions(aggregator: Aggregator): Promise<SessionRow[]> {
  const sessions: SessionRow[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Aggregator['store']['listSessions']>> = await aggregator.store.listSessions(
      { siteId },
      { limit: 500, cursor },
    );
    sessions.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return sessions;
}

function pause(clock: Clock, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(durationMs, resolve);
  });
}
