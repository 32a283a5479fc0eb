/**
 * The demonstration: starts the aggregator, puts its sites, enrols and starts the edge agents, then runs the traffic. Everything it
 * needs to go on at the next start is in the data directory.
 */
import { join } from 'node:path';
import { DateTime } from 'luxon';
import type { GateControl } from '../traffic/gate-fleet.js';
import { createSimulationControlClient } from '@gatehouse/edge-agent';
import { createScaledClock, messageOf } from '@gatehouse/shared';
import type { Clock, ScaledTime } from '@gatehouse/shared';
import { ApiError, createApiClient } from '../api-client.js';
import type { ApiClient } from '../api-client.js';
import { createSeededRandom } from '../random.js';
import { createGateFleet } from '../traffic/gate-fleet.js';
import type { GateFleet } from '../traffic/gate-fleet.js';
import { createLiveTraffic } from '../traffic/live.js';
import type { LiveTraffic } from '../traffic/live.js';
import { trafficMemorySchema } from '../traffic/memory.js';
import { bannerLines } from './banner.js';
import { createChild } from './child.js';
import type { Child } from './child.js';
import { aggregatorProgram, edgeProgram, programEnvironment } from './children.js';
import type { Places, Program } from './children.js';
import type { LiveLine } from './live-line.js';
import type { DemoOptions } from './options.js';
import { defaultFactor } from './options.js';
import { freePorts, portsFrom } from './ports.js';
import {
  DemoError,
  adminKeyPath,
  apiUrl,
  choosePorts,
  prepareDirectory,
  provideCode,
  readAdminKey,
} from './preparation.js';
import type { Ports } from './preparation.js';
import { runningPath } from './running.js';
import type { Running } from './running.js';
import { rememberEveryMs, rememberedTimeSchema, simulatedAt, timeOfStart } from './simulated-time.js';
import { demoSites, demoTimeZone } from './sites.js';
import type { DemoSite } from './sites.js';
import { readState, writeState } from './state-file.js';

export interface Demo {
  /** Resolves when traffic runs. Rejects with a DemoError or an ApiError; call `stop` then. */
  start(): Promise<void>;
  /** Within a few seconds, whatever the children do. Idempotent. */
  stop(): Promise<void>;
}

export interface DemoSurroundings {
  /** Real time. */
  readonly clock: Clock;
  readonly environment: NodeJS.ProcessEnv;
  readonly line: LiveLine;
  /** On a terminal the line is shown often, elsewhere now and then. */
  readonly showEveryMs: number;
  /** A program cannot be kept running: the demonstration has to end. */
  readonly onGivenUp: (sentence: string) => void;
}

const readyTimeoutMs = 30_000;
const pollMs = 100;
const emptyLanesTimeoutMs = 1_500;
const childStopTimeoutMs = 3_000;
const aggregatorStopTimeoutMs = 5_000;

export function createDemo(options: DemoOptions, projectRoot: string, around: DemoSurroundings): Demo {
  const places: Places = { projectRoot, dataDirectory: options.dataDirectory };
  const timePath = join(places.dataDirectory, 'demo', 'time.json');
  const sites = demoSites();
  let running: RunningDemo | undefined;

  return {
    async start() {
      await prepareDirectory(places, around.line);
      const ports = await choosePorts(options);
      const remembered = readState(timePath, rememberedTimeSchema);
      const time = timeOfStart(remembered, around.clock.wallMs(), {
        factor: options.factor,
        defaultFactor,
        timeZone: demoTimeZone,
      });
      running = createRunningDemo(places, around, time, timePath);
      const api = await running.startAggregator(ports);
      for (const { layout } of sites) await api.putSite(layout, 'Demonstration');
      const controls = await running.startEdges(sites, { ...ports, edge: options.edgePort }, api);
      await running.startTraffic(sites, controls, api, options.seed);
      const banner = bannerLines({
        api: apiUrl(ports),
        mqttPort: ports.mqtt,
        dataDirectory: places.dataDirectory,
        adminKeyPath: adminKeyPath(places),
        edgePages: running.edgePages(),
        sites,
        factor: time.factor,
        simulatedAt: DateTime.fromMillis(time.simulatedBaseMs, { zone: demoTimeZone }).toFormat(
          "cccc d LLLL yyyy, HH:mm 'in' z",
        ),
        goesOn: remembered !== undefined,
      });
      if (!options.json) for (const sentence of banner) around.line.say(sentence);
      running.show(api);
    },
    stop: () => running?.stop() ?? Promise.resolve(),
  };
}

type RunningDemo = ReturnType<typeof createRunningDemo>;

function createRunningDemo(places: Places, around: DemoSurroundings, time: ScaledTime, timePath: string) {
  const { clock, line } = around;
  const children: Child[] = [];
  const traffic: LiveTraffic[] = [];
  const repeating = new Set<() => void>();
  let fleet: GateFleet | undefined;
  let stopped: Promise<void> | undefined;
  let isStopping = false;
  const controlledEdges: Running['edges'] = [];

  const say = (sentence: string): void => {
    line.say(sentence);
  };
  const startProgram = (program: Program): Child => {
    if (isStopping) throw new DemoError('stopped while starting');
    const child = createChild({
      ...program,
      environment: programEnvironment(around.environment),
      clock,
      onTrouble: say,
      onGivenUp: around.onGivenUp,
    });
    children.push(child);
    child.start();
    return child;
  };
  const every = (intervalMs: number, act: () => Promise<void> | void): void => {
    let cancel: () => void = () => undefined;
    const again = (): void => {
      cancel = clock.setTimer(intervalMs, () => {
        Promise.resolve()
          .then(act)
          .catch((error: unknown) => {
            say(messageOf(error));
          })
          .finally(() => {
            if (!isStopping) again();
          });
      });
    };
    again();
    repeating.add(() => {
      cancel();
    });
  };
  const rememberTime = (): void => {
    writeState(timePath, { simulatedMs: Math.round(simulatedAt(time, clock.wallMs())), factor: time.factor });
  };
  const writeRunning = (api: string): void => {
    const pids = Object.fromEntries(children.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])));
    const running: Running = { supervisorPid: process.pid, pids, api, time, edges: controlledEdges };
    writeState(runningPath(places.dataDirectory), running);
  };
  const until = async (condition: () => Promise<boolean>, what: string): Promise<void> => {
    const deadlineMs = clock.monoMs() + readyTimeoutMs;
    while (!(await condition())) {
      if (isStopping) throw new DemoError('stopped while starting');
      if (clock.monoMs() > deadlineMs) {
        throw new DemoError(`${what} within ${String(readyTimeoutMs / 1000)} s; see ${places.dataDirectory}/logs`);
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(pollMs, resolve);
      });
    }
  };

  const stop = async (): Promise<void> => {
    isStopping = true;
    for (const cancel of repeating) cancel();
    for (const one of traffic) one.stop();
    if (fleet !== undefined) await letLanesEmpty(fleet);
    await fleet?.stop();
    const aggregators = children.filter(({ name }) => name === 'aggregator');
    const edges = children.filter(({ name }) => name !== 'aggregator');
    await Promise.all(edges.map((edge) => edge.stop(childStopTimeoutMs)));
    await Promise.all(aggregators.map((aggregator) => aggregator.stop(aggregatorStopTimeoutMs)));
    rememberTime();
  };

  /** A vehicle between the loops would be an arrival that nobody knows the end of. */
  const letLanesEmpty = async (gates: GateFleet): Promise<void> => {
    const gateIds = controlledEdges.flatMap((edge) => edge.gates.map(({ gateId }) => gateId));
    const deadlineMs = clock.monoMs() + emptyLanesTimeoutMs;
    while (clock.monoMs() < deadlineMs && gateIds.some((gateId) => gates.pending(gateId) > 0)) {
      await new Promise<void>((resolve) => {
        clock.setTimer(pollMs, resolve);
      });
    }
  };

  return {
    async startAggregator(ports: Ports): Promise<ApiClient> {
      rememberTime();
      every(rememberEveryMs, rememberTime);
      startProgram(aggregatorProgram(places, ports, time));
      writeRunning(apiUrl(ports));
      let api: ApiClient | undefined;
      await until(async () => {
        const key = readAdminKey(places, around.environment);
        api = key === undefined ? undefined : createApiClient(apiUrl(ports), key);
        return (await api?.isReady()) ?? false;
      }, 'the aggregator did not become ready');
      if (api === undefined) throw new DemoError('the aggregator is not there');
      return api;
    },
    async startEdges(
      sites: readonly DemoSite[],
      ports: Ports & { readonly edge: number },
      api: ApiClient,
    ): Promise<ReadonlyMap<string, GateControl[]>> {
      const all = sites.flatMap((site) => site.edges.map((edge) => ({ site, edge })));
      const free = await freePorts(2 * all.length);
      const controlPorts = free.slice(all.length);
      const httpPorts = await portsFrom(ports.edge, free.slice(0, all.length));
      const controls = new Map<string, GateControl[]>();
      for (const [index, { site, edge }] of all.entries()) {
        await provideCode(places, site, edge, api);
        const controlPort = controlPorts[index] ?? 0;
        const httpPort = httpPorts[index] ?? 0;
        const mqttUrl = `mqtt://127.0.0.1:${String(ports.mqtt)}`;
        const addresses = { mqttUrl, apiUrl: apiUrl(ports), httpPort, controlPort };
        startProgram(edgeProgram(places, site, edge, addresses, time));
        const control = `http://127.0.0.1:${String(controlPort)}`;
        const page = `http://127.0.0.1:${String(httpPort)}`;
        controlledEdges.push({ edgeId: edge.edgeId, siteId: site.siteId, control, page, gates: [...edge.gates] });
        const gateIds = edge.gates.map(({ gateId }) => gateId);
        const client = createSimulationControlClient(control);
        controls.set(site.siteId, [...(controls.get(site.siteId) ?? []), { gateIds, client }]);
      }
      writeRunning(apiUrl(ports));
      every(rememberEveryMs, () => {
        writeRunning(apiUrl(ports));
      });
      await until(async () => {
        const online = (await api.edges()).filter((edge) => edge.online).map(({ edgeId }) => edgeId);
        return all.every(({ edge }) => online.includes(edge.edgeId));
      }, 'the edge agents did not connect');
      return controls;
    },
    edgePages: () => controlledEdges.flatMap(({ edgeId, page }) => (page === undefined ? [] : [{ edgeId, page }])),
    async startTraffic(
      sites: readonly DemoSite[],
      controls: ReadonlyMap<string, readonly GateControl[]>,
      api: ApiClient,
      seed: string,
    ): Promise<void> {
      const scaled = createScaledClock(clock, time);
      const running = createGateFleet([...controls.values()].flat(), clock);
      fleet = running;
      running.start();
      for (const site of sites) {
        const live = liveTrafficOf(site, { places, clock: scaled, fleet: running, api, seed, say });
        traffic.push(live);
        await live.start();
      }
    },
    show(api: ApiClient): void {
      every(around.showEveryMs, async () => {
        try {
          const simulatedMs = simulatedAt(time, clock.wallMs());
          line.show({ simulatedMs, factor: time.factor, sites: await api.occupancy() });
        } catch (error) {
          // The aggregator is being started again, which has been told already.
          if (!(error instanceof ApiError) || error.status !== undefined) throw error;
        }
      });
    },
    stop(): Promise<void> {
      stopped ??= stop();
      return stopped;
    },
  };
}

interface TrafficParts {
  readonly places: Places;
  readonly clock: Clock;
  readonly fleet: GateFleet;
  readonly api: ApiClient;
  readonly seed: string;
  readonly say: (sentence: string) => void;
}

function liveTrafficOf(site: DemoSite, { places, clock, fleet, api, seed, say }: TrafficParts): LiveTraffic {
  const { siteId } = site;
  const memoryPath = join(places.dataDirectory, 'demo', `traffic-${siteId}.json`);
  const gatesOf = (direction: 'entry' | 'exit'): string[] =>
    site.edges
      .flatMap(({ gates }) => gates)
      .filter((gate) => gate.direction === direction)
      .map(({ gateId }) => gateId);
  return createLiveTraffic({
    site: {
      siteId,
      profile: site.traffic,
      entryGates: gatesOf('entry'),
      exitGates: gatesOf('exit'),
      hasReaders: site.hasReaders,
    },
    seed,
    clock,
    random: createSeededRandom(seed, siteId, 'live', Math.round(clock.wallMs())),
    fleet,
    memory: readState(memoryPath, trafficMemorySchema),
    remember: (memory) => {
      writeState(memoryPath, memory);
    },
    askCentre: async () => {
      const occupancy = (await api.occupancy()).find((one) => one.siteId === siteId);
      const plates = site.hasReaders ? await api.platesInside(siteId) : null;
      return { vehiclesInside: occupancy?.vehiclesInside ?? 0, plates };
    },
    onTrouble: say,
  });
}
