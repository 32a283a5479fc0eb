/** One site with real processes, under traffic, whose every part can be made to fail, and whose books can be checked. */
import { readFileSync } from 'node:fs';
import type { Random } from '@gatehouse/shared';
import { redeemCode, writeCredential } from '@gatehouse/edge-agent';
import { System, until } from '../processes/index.js';
import type { SiteGate, TidyUp } from '../processes/index.js';
import { createSeededRandom } from '../random.js';
import { readBooks, readOutbox } from './databases.js';
import type { Outbox } from './databases.js';
import { createMosquitto } from './mosquitto.js';
import type { Mosquitto } from './mosquitto.js';
import { reconcile } from './reconcile.js';
import type { Evidence, Reconciled } from './reconcile.js';
import { createSupervisor } from './supervisor.js';
import type { Supervisor } from './supervisor.js';
import { startLinkProxy } from './tcp-proxy.js';
import type { LinkProxy } from './tcp-proxy.js';
import { createChaosTraffic } from './traffic.js';
import type { ChaosTraffic } from './traffic.js';
import { witnessed } from './witness.js';
import type { Direction } from './witness.js';

export type BrokerKind = 'embedded' | 'mosquitto';

export interface StageOptions {
  readonly name: string;
  readonly seed: string;
  readonly edges: number;
  readonly slots: number;
  readonly broker: BrokerKind;
  readonly tidyUp: TidyUp;
  /** Members of the configuration of each edge, over those of the stage. */
  readonly edgeSettings?: Readonly<Record<string, unknown>>;
  /** Members of the aggregator's configuration, over those of the stage. */
  readonly aggregatorSettings?: Readonly<Record<string, unknown>>;
  readonly slowMs?: number;
  /** Before anything is written or started; what it answers undoes it, when everything has ended. */
  readonly prepare?: (system: System, edgeIds: readonly string[]) => () => void;
}

export interface Stage {
  readonly siteId: string;
  readonly system: System;
  readonly edgeIds: readonly string[];
  readonly gates: readonly SiteGate[];
  readonly random: Random;
  readonly supervisor: Supervisor;
  readonly traffic: ChaosTraffic;
  readonly mosquitto: Mosquitto | null;
  readonly brokerPort: number;
  link(edgeId: string): LinkProxy;
  /** Starts, or starts again after `supervisor.stop`. */
  keepAggregator(): Promise<void>;
  keepEdge(edgeId: string): void;
  /** No more vehicles there, and everything it has committed is stored; then it is stopped. Answers its outbox. */
  stopQuietly(edgeId: string): Promise<Outbox>;
  ready(): Promise<void>;
  edgeOnline(edgeId: string): Promise<void>;
  /** Everything that an edge has committed is stored. */
  drained(edgeIds?: readonly string[]): Promise<void>;
  /** The same of one process of an edge, whose lanes are empty already. */
  stopDrained(processName: string, edgeId: string): Promise<Outbox>;
  /** Its local control answers. */
  isControlled(processName: string): Promise<boolean>;
  /** Ends traffic, waits until everything is stored, stops the edges and compares. */
  settleAndReconcile(more?: Partial<Evidence>): Promise<Reconciled>;
  close(): Promise<void>;
}

/** Simulated milliseconds in a real one. */
const factor = 20;
/** For whatever has to come right by itself once nothing fails any more; the machine may be busy. */
export const healDeadlineMs = 240_000;

/** Everything that has a rhythm has a fast one, so that many faults fit into a minute. */
const aggregatorSettings = {
  http: {
    rate: {
      requestsPerKeyPerMinute: 1_000_000,
      requestsPerAddressPerMinute: 1_000_000,
      enrolmentsPerAddressPerMinute: 10_000,
    },
  },
  aggregator: { edges: { stateIntervalMs: 500 }, commit: { retryMaxMs: 1_000 } },
};
const edgeSettings = {
  protocol: { resendMinMs: 300, resendMaxMs: 2_000, stateIntervalMs: 500, epochMinIntervalMs: 500 },
  outbox: { retryMinMs: 200, retryMaxMs: 1_000 },
  log: { level: 'warn', format: 'json' },
};
/** On a busy machine a process may stand still for seconds of simulated time. */
const laneSettings = { readBeforeMs: 60_000, readAfterMs: 60_000, travelTimeMs: 60_000, leaveDelayMs: 2_000 };
const brokerSettings = {
  keepaliveMs: 2_000,
  connectTimeoutMs: 3_000,
  publishTimeoutMs: 3_000,
  reconnectMinMs: 100,
  reconnectMaxMs: 1_000,
  refusedRetryMs: 1_000,
};

export async function createStage(options: StageOptions): Promise<Stage> {
  const siteId = options.name;
  const random = createSeededRandom(options.seed, options.name);
  const edgeIds = Array.from({ length: options.edges }, (_, index) => `${options.name}-${String(index + 1)}`);
  const gates = edgeIds.flatMap((edgeId): SiteGate[] => [
    { gateId: `${edgeId}-in`, edgeId, direction: 'entry' },
    { gateId: `${edgeId}-out`, edgeId, direction: 'exit' },
  ]);
  const links = new Map<string, LinkProxy>();
  const supervisor = createSupervisor(createSeededRandom(options.seed, options.name, 'restarts'));
  const plan = { settings: { ...aggregatorSettings, ...options.aggregatorSettings } as Record<string, unknown> };
  const system = new System(factor, plan.settings);
  options.tidyUp.later(() => {
    system.remove();
  });
  options.tidyUp.later(() => {
    system.killAll();
  });
  const undo = options.prepare?.(system, edgeIds) ?? (() => undefined);
  options.tidyUp.later(undo);
  const mosquitto = options.broker === 'mosquitto' ? await createMosquitto(system) : null;
  await system.choosePorts();
  if (mosquitto !== null) {
    plan.settings.externalBroker = {
      url: `mqtt://127.0.0.1:${String(mosquitto.port)}`,
      username: mosquitto.username,
      password: mosquitto.password,
      connectTimeoutMs: 3_000,
      publishTimeoutMs: 3_000,
      reconnectMaxMs: 1_000,
      keepaliveSeconds: 2,
    };
  }
  const brokerPort = mosquitto?.port ?? system.mqttPort;

  const enrol = async (edgeId: string): Promise<void> => {
    await system.prepareEdge(siteId, edgeId, gates);
    const link = await startLinkProxy(brokerPort, options.slowMs ?? 250);
    links.set(edgeId, link);
    const mqttUrl = `mqtt://127.0.0.1:${String(link.port)}`;
    const credential = await redeemCode(system.url, readFileSync(system.edgeFile(edgeId, 'code'), 'utf8'), false);
    await writeCredential(system.edgeFile(edgeId, 'data'), { ...credential, mqttUrl });
    await mosquitto?.addEdge(edgeId, credential.password);
    system.reconfigureEdge(edgeId, (file) => ({
      ...edgeSettings,
      gates: file.gates.map((gate) => ({ ...gate, lane: laneSettings })),
      broker: { ...brokerSettings, url: mqttUrl },
      ...options.edgeSettings,
    }));
  };
  const keepAggregator = async (): Promise<void> => {
    supervisor.keep('aggregator', () => system.launchAggregator());
    await ready();
  };
  const ready = async (): Promise<void> => {
    const isReady = async (): Promise<boolean> => {
      const response = await fetch(`${system.url}/readyz`);
      if (!response.ok) throw new Error(await response.text());
      return true;
    };
    await until('the aggregator is ready', isReady, healDeadlineMs);
  };

  if (mosquitto !== null) {
    supervisor.keep('broker', () => mosquitto.launch());
    await until('Mosquitto runs', () => supervisor.isRunning('broker'));
    await mosquitto.listening();
  }
  await keepAggregator();
  await system.createSite(siteId, options.slots, gates);
  for (const edgeId of edgeIds) await enrol(edgeId);
  mosquitto?.reload();
  const traffic = createChaosTraffic(
    gates.map((gate) => ({ ...gate, processName: gate.edgeId })),
    (name) => system.controlUrl(name),
    createSeededRandom(options.seed, options.name, 'traffic'),
    'C',
  );

  const stage: Stage = {
    siteId,
    system,
    edgeIds,
    gates,
    random,
    supervisor,
    traffic,
    mosquitto,
    brokerPort,
    link(edgeId) {
      const link = links.get(edgeId);
      if (link === undefined) throw new RangeError(`no link of ${edgeId}`);
      return link;
    },
    keepAggregator,
    keepEdge(edgeId) {
      supervisor.keep(edgeId, () => system.startEdge(edgeId));
    },
    ready,
    async edgeOnline(edgeId) {
      await until(`${edgeId} is online`, async () => (await edgeOf(system, edgeId)).online, healDeadlineMs);
    },
    async drained(names = edgeIds) {
      await Promise.all(names.map((edgeId) => drained(system, edgeId)));
    },
    async stopQuietly(edgeId) {
      await traffic.pause(edgeId);
      return stopDrained(stage, edgeId, edgeId);
    },
    stopDrained: (processName, edgeId) => stopDrained(stage, processName, edgeId),
    async isControlled(processName) {
      if (!supervisor.isRunning(processName)) return false;
      return Array.isArray((await system.control(processName, 'GET', '/gates')).gates);
    },
    async settleAndReconcile(more = {}) {
      for (const link of links.values()) await link.set('healthy');
      await ready();
      await traffic.stop();
      const outboxes = await Promise.all(
        edgeIds
          .filter((name) => supervisor.isKept(name))
          .map(async (edgeId) => ({ edgeId, outbox: await stopDrained(stage, edgeId, edgeId) })),
      );
      return reconcile(await evidenceOf(stage, options.slots, [...outboxes, ...(more.outboxes ?? [])], more));
    },
    async close() {
      await traffic.stop().catch(() => undefined);
      await supervisor.stopAll();
      for (const link of links.values()) await link.stop();
      undo();
      await system.stop();
    },
  };
  for (const edgeId of edgeIds) stage.keepEdge(edgeId);
  for (const edgeId of edgeIds) await stage.edgeOnline(edgeId);
  return stage;
}

interface EdgeView {
  readonly online: boolean;
  readonly lastSeenAt: string | null;
  readonly outboxEvents: number | null;
}

function edgeOf(system: System, edgeId: string): Promise<EdgeView> {
  return system.api<EdgeView & Record<string, unknown>>('GET', `/api/v1/edges/${edgeId}`);
}

/** A state that was sent after this began says that nothing is left. */
async function drained(system: System, edgeId: string): Promise<void> {
  const seen = new Set<string | null>();
  await until(
    `the outbox of ${edgeId} is drained`,
    async () => {
      const { online, outboxEvents, lastSeenAt } = await edgeOf(system, edgeId);
      seen.add(lastSeenAt);
      return online && outboxEvents === 0 && seen.size > 1;
    },
    healDeadlineMs,
  );
}

/** Stops an edge when everything it has committed is stored; starts it again for what it wrote last. */
async function stopDrained(stage: Stage, processName: string, edgeId: string): Promise<Outbox> {
  const { system, supervisor } = stage;
  for (let attempt = 1; ; attempt += 1) {
    await drained(system, edgeId);
    await supervisor.stop(processName);
    const outbox = await readOutbox(system.edgeFile(processName, 'data'));
    if (outbox === undefined) throw new Error(`${processName} has no outbox`);
    if (outbox.acked >= outbox.next - 1 || attempt === 3) return outbox;
    supervisor.keep(processName, () => system.startEdge(processName));
    await stage.edgeOnline(edgeId);
  }
}

async function evidenceOf(
  { system, siteId, gates, edgeIds }: Stage,
  slots: number,
  outboxes: Evidence['outboxes'],
  more: Partial<Evidence>,
): Promise<Evidence> {
  const directions = new Map<string, Direction>(gates.map(({ gateId, direction }) => [gateId, direction]));
  const lines = [...edgeIds, ...(more.twins ?? [])].flatMap((edgeId) => system.happenings(edgeId));
  return {
    ...more,
    witnessed: witnessed(lines, (gateId) => directions.get(gateId) ?? 'entry'),
    books: await readBooks(system.aggregatorDirectory, siteId),
    outboxes,
    slots,
  };
}
