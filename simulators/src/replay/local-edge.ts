/** One edge agent of a local system: the production agent with its real outbox and link, over simulated lanes. */
import {
  brokerSettingsSchema,
  createEdgeAgent,
  createMqttLink,
  createSimulatedBarrier,
  createSqliteOutbox,
  edgeSettingsSchema,
  simulatedLaneSettingsSchema,
} from '@gatehouse/edge-agent';
import type { EdgeAgent, GateHappening, GateVehicleReport, SimulatedBarrier } from '@gatehouse/edge-agent';
import type { Clock, GateDirection, Random } from '@gatehouse/shared';
import { silentLogger } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import type { ElasticClock } from '../clock/elastic-clock.js';
import { createSeededRandom } from '../random.js';
import { passedTo } from '../passed.js';
import type { ReplayVehicle } from './itinerary.js';
import { createQuietWatch } from './quiet.js';
import type { GateResult } from './run-replay.js';

export interface LocalEdgeOptions {
  readonly siteId: string;
  readonly edgeId: string;
  readonly gates: readonly { readonly gateId: string; readonly direction: GateDirection }[];
  readonly hasReaders: boolean;
  readonly clock: ElasticClock;
  readonly realClock: Clock;
  readonly random: Random;
  readonly seed: string;
  readonly directory: string;
  readonly mqttUrl: string;
  readonly password: string;
}

export interface LocalLane {
  readonly gateId: string;
  readonly direction: GateDirection;
  readonly load: number;
  send(vehicle: ReplayVehicle): Promise<GateResult>;
}

export interface LocalEdge {
  readonly lanes: readonly LocalLane[];
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly isUp: boolean;
  /** Nobody in a lane, every arm at rest, everything written is stored by the aggregator. */
  readonly isQuiet: boolean;
}

/** Nobody loses patience while an aggregator that is busy with many lanes answers. */
const patienceMs = 3_600_000;
const decisionTimeoutMs = 30_000;

export function createLocalEdge(options: LocalEdgeOptions): LocalEdge {
  const { siteId, edgeId, clock, realClock, random } = options;
  const watch = createQuietWatch(clock, realClock);
  const barriers = new Map(options.gates.map((gate) => [gate.gateId, createBarrier(options, gate)]));
  const lanes = [...barriers.values()].map((barrier) => createLane(barrier, watch));
  const agent: EdgeAgent = createEdgeAgent(
    {
      clock,
      linkClock: realClock,
      random,
      sha256,
      logger: silentLogger,
      outbox: watch.watchOutbox(createSqliteOutbox({ directory: options.directory, sha256, clock: realClock })),
      link: watch.watchLink(
        createMqttLink({
          siteId,
          edgeId,
          username: edgeId,
          password: options.password,
          url: options.mqttUrl,
          settings: brokerSettingsSchema.parse({}),
          clock: realClock,
          random,
          logger: silentLogger,
        }),
      ),
      barriers: new Map([...barriers].map(([gateId, { barrier }]) => [gateId, watch.watchBarrier(gateId, barrier)])),
      readers: options.hasReaders ? [...barriers.values()].map(({ reader }) => reader) : [],
      bootId: random.hex(16),
      requestRestart: () => undefined,
    },
    edgeSettingsSchema.parse({
      siteId,
      edgeId,
      gates: options.gates.map((gate) => ({ ...gate, hasReader: options.hasReaders })),
      protocol: { decisionTimeoutMs },
    }),
  );

  return {
    lanes,
    start: () => agent.start(),
    async stop() {
      await agent.stop();
      for (const barrier of barriers.values()) barrier.dispose();
    },
    get isUp() {
      return agent.status().link.up;
    },
    get isQuiet() {
      const { gates } = agent.status();
      return (
        watch.isQuiet &&
        gates.every(({ arrival, barrier }) => arrival === null && barrier === 'closed') &&
        lanes.every(({ load }) => load === 0)
      );
    },
  };
}

function createBarrier(
  { clock, seed, hasReaders }: LocalEdgeOptions,
  { gateId, direction }: LocalEdgeOptions['gates'][number],
): SimulatedBarrier {
  return createSimulatedBarrier({
    clock,
    random: createSeededRandom(seed, gateId),
    gateId,
    direction,
    hasReader: hasReaders,
    settings: simulatedLaneSettingsSchema.parse({
      maxQueuedVehicles: 100_000,
      reader: { noReadRate: 0, misreadRate: 0 },
    }),
  });
}

type Watch = ReturnType<typeof createQuietWatch>;

function createLane(barrier: SimulatedBarrier, watch: Watch): LocalLane {
  const { gateId, direction } = barrier;
  const onEnd = new Map<string, (report: GateVehicleReport) => void>();
  barrier.onHappening((happening: GateHappening) => {
    watch.noteOccupied(gateId, barrier.vehiclesInLane + barrier.queuedVehicles > 0);
    if (happening.type === 'vehicle' && happening.step === 'at-loop') watch.noteArrival(gateId);
    else if (happening.type === 'vehicle' && ['started', 'leaving'].includes(happening.step)) watch.noteMoved(gateId);
    else if (happening.type === 'ended') {
      onEnd.get(happening.report.vehicleId)?.({ gateId, ...happening.report });
      onEnd.delete(happening.report.vehicleId);
    }
  });
  return {
    gateId,
    direction,
    get load() {
      return barrier.queuedVehicles + barrier.vehiclesInLane;
    },
    send: (vehicle) =>
      new Promise((resolve, reject) => {
        const sent = barrier.send({
          plate: vehicle.plate,
          ...(vehicle.slotClass === null ? {} : { vehicleClass: vehicle.slotClass }),
          patienceMs,
        });
        if (!sent.accepted) {
          reject(new Error(`more than 100,000 vehicles wait before ${gateId}`));
          return;
        }
        onEnd.set(sent.vehicleId, (report) => {
          const passed = passedTo(direction, report) === direction;
          resolve({
            passed,
            reason: passed ? null : (watch.denialAt(gateId) ?? report.outcome),
            waitedMs: (report.arrivedAtMs ?? report.endedAtMs) - report.queuedAtMs,
          });
        });
      }),
  };
}
