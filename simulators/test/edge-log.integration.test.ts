/** What is wrong with an edge, seen from the office: a real agent, broker, store and API between the two. */
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  aggregatorSettingsSchema,
  createAggregator,
  createAuthenticator,
  createEmbeddedBroker,
  createHttpServer,
  createMetrics,
  createSqliteStore,
  embeddedBrokerSettingsSchema,
  httpSettingsSchema,
  putLayout,
} from '@gatehouse/aggregator';
import type { Actor, Aggregator, EmbeddedBroker, HttpServer } from '@gatehouse/aggregator';
import {
  brokerSettingsSchema,
  createEdgeAgent,
  createLogLines,
  createMqttLink,
  createSimulatedBarrier,
  createSqliteOutbox,
  edgeSettingsSchema,
  simulatedLaneSettingsSchema,
} from '@gatehouse/edge-agent';
import type { BarrierDriver, EdgeAgent } from '@gatehouse/edge-agent';
import { edgeTopic, silentLogger, siteLayoutSchema } from '@gatehouse/shared';
import type { EdgeFaultResource, EdgeLogLine, Logger } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { connectClient } from '../src/bare-mqtt/client.js';

const siteId = 'north';
const secret = 'a secret for the test';
const key = 'k'.repeat(64);
const actor: Actor = { keyId: 'key', label: 'test', role: 'admin', siteId: null };
const deadlineMs = 20_000;

let directory: string;
let aggregator: Aggregator;
let broker: EmbeddedBroker;
let http: HttpServer;
let linesTold: number;
const ended: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-edge-log-'));
  await startCentre();
});

afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
  await rm(directory, { recursive: true, force: true });
});

async function startCentre(): Promise<void> {
  let known: Aggregator['directory'] | undefined;
  const around = { logger: silentLogger, clock: systemClock };
  broker = createEmbeddedBroker({
    settings: embeddedBrokerSettingsSchema.parse({ port: 0 }),
    authenticator: {
      authenticate: (username, password) =>
        known === undefined ? null : createAuthenticator(known, sha256).authenticate(username, password),
    },
    ...around,
  });
  const metrics = createMetrics({ version: 'test', processMetrics: false });
  linesTold = 0;
  aggregator = createAggregator(
    { ...around, random: systemRandom, sha256, store: createSqliteStore({ directory, ...around }), link: broker },
    aggregatorSettingsSchema.parse({}),
    {
      ...metrics.observer,
      onLogLines(...told) {
        linesTold += told[3];
        metrics.observer.onLogLines(...told);
      },
    },
  );
  metrics.attach(aggregator, { clock: systemClock, systemClock });
  await aggregator.start();
  ended.push(() => aggregator.stop());
  known = aggregator.directory;
  const ports = { ...around, aggregator, systemClock, random: systemRandom, sha256, metrics, version: '0.0.0' };
  const edges = { disconnectEdge: () => Promise.resolve(), mqttUrl: () => 'mqtt://127.0.0.1' };
  http = await createHttpServer({ ...ports, ...edges }, httpSettingsSchema.parse({}));
  ended.push(() => http.close());
  const layout = siteLayoutSchema.parse({
    ...{ siteId, name: 'North', zones: [{ zoneId: 'a', name: 'A' }] },
    slots: [{ slotId: 'a-1', zoneId: 'a', label: '1' }],
    gates: ['edge-1', 'edge-2'].map((edgeId) => ({ gateId: gateOf(edgeId), edgeId, name: 'In', direction: 'entry' })),
  });
  await aggregator.committer.execute((turn) => {
    putLayout(turn, actor, { layout, reason: 'test', exists: false, expectedVersion: null });
    const times = { registeredAtMs: turn.nowMs, enrolledAtMs: turn.nowMs, revokedAtMs: null };
    for (const edgeId of ['edge-1', 'edge-2']) {
      const credential = { secretHash: sha256(secret), enrolmentCodeHash: null, enrolmentExpiresAtMs: null };
      turn.put('edges', { edgeId, siteId, name: edgeId, ...credential, ...times });
    }
    const own = { keyId: 'office', label: 'office', role: 'auditor' as const, siteId: null, keyHash: sha256(key) };
    turn.put('keys', { ...own, createdAtMs: turn.nowMs, revokedAtMs: null });
  });
}

const gateOf = (edgeId: string): string => `${edgeId}-in`;
const brokerUrl = (): string => `mqtt://127.0.0.1:${String(broker.address()?.port ?? 0)}`;

interface Cabinet {
  readonly agent: EdgeAgent;
  /** As the agent’s parts write to it. */
  readonly logger: Logger;
  /** The driver of its barrier can do no more. */
  breakDown(detail: string): void;
  send(plate: string): void;
}

async function install(edgeId: string): Promise<Cabinet> {
  const gateId = gateOf(edgeId);
  const lines = createLogLines({ clock: systemClock, secrets: [secret] });
  const logger = lines.tap(silentLogger);
  const around = { clock: systemClock, random: systemRandom };
  const simulated = createSimulatedBarrier({
    ...{ ...around, gateId, direction: 'entry', hasReader: true },
    settings: simulatedLaneSettingsSchema.parse({ reader: { noReadRate: 0, misreadRate: 0 } }),
  });
  let breakDown: (detail: string) => void = () => undefined;
  const barrier: BarrierDriver = {
    ...simulated.barrier,
    start(listener) {
      breakDown = (detail) => {
        listener.onTrouble(detail);
      };
      return simulated.barrier.start(listener);
    },
  };
  const identity = { siteId, edgeId };
  const agent = createEdgeAgent(
    {
      ...{ ...around, linkClock: systemClock, sha256, logger, log: lines },
      outbox: createSqliteOutbox({ directory: join(directory, edgeId), sha256, clock: systemClock }),
      link: createMqttLink({
        ...{ ...identity, ...around, username: edgeId, password: secret, url: brokerUrl() },
        settings: brokerSettingsSchema.parse({}),
        logger: logger.child({ part: 'link' }),
      }),
      barriers: new Map([[gateId, barrier]]),
      readers: [simulated.reader],
      bootId: systemRandom.hex(16),
      requestRestart: () => undefined,
    },
    edgeSettingsSchema.parse({
      ...{ ...identity, gates: [{ gateId, direction: 'entry', hasReader: true }] },
      protocol: { stateIntervalMs: 200 },
    }),
  );
  await agent.start();
  ended.push(async () => {
    await agent.stop();
    simulated.dispose();
  });
  await until(() => aggregator.edgeStatus(edgeId)?.presence === 'online', `${edgeId} is online`);
  const send = (plate: string): void => {
    simulated.send({ plate, patienceMs: 10_000 });
  };
  return {
    agent,
    logger,
    breakDown: (detail) => {
      breakDown(detail);
    },
    send,
  };
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const endMs = systemClock.monoMs() + deadlineMs;
  while (!(await condition())) {
    if (systemClock.monoMs() > endMs) throw new Error(`${what}: not within ${String(deadlineMs)} ms`);
    await new Promise((resolve) => void systemClock.setTimer(25, () => resolve(undefined)));
  }
}

interface Log {
  readonly items: EdgeLogLine[];
  readonly upToDate: boolean;
}

async function get<T>(url: string): Promise<T> {
  const response = await http.app.inject({ url, headers: { authorization: `Bearer ${key}` } });
  expect(response.statusCode).toBe(200);
  return response.json();
}

const logOf = (edgeId: string, query = ''): Promise<Log> => get<Log>(`/api/v1/edges/${edgeId}/log${query}`);

it('shows in the office why a gate does not open, and still does when the edge is gone', async () => {
  const cabinet = await install('edge-1');
  cabinet.send('QX77ZRT');
  await until(() => cabinet.agent.status().lastDecisionMs !== null, 'the decision on a vehicle');
  const brokenAtMs = systemClock.wallMs();
  cabinet.breakDown('line 17 is gone');
  await until(() => linesTold > 0, 'lines that nobody asked for');
  const before = await logOf('edge-1');
  expect(before.upToDate).toBe(true);
  const fault = before.items.find(({ message }) => message === 'a fault was raised');
  expect(fault).toMatchObject({
    ...{ level: 'warn', gateId: 'edge-1-in', instance: cabinet.agent.status().instance },
    fields: { fault: 'driver-failed', detail: 'line 17 is gone' },
  });
  expect(Math.abs(Date.parse(fault?.at ?? '') - brokenAtMs)).toBeLessThan(5_000);
  expect(before.items.find(({ message }) => message === 'connected')).toMatchObject({ level: 'info', part: 'link' });
  expect(JSON.stringify(before)).not.toContain('QX77ZRT');
  await until(() => cabinet.agent.status().outbox.unacknowledged === 0, 'the event of the fault');
  const { items } = await get<{ items: EdgeFaultResource[] }>('/api/v1/edges/edge-1/faults');
  expect(items).toMatchObject([{ gateId: 'edge-1-in', fault: 'driver-failed', detail: 'line 17 is gone' }]);
  expect(Math.abs(Date.parse(items[0]?.since ?? '') - brokenAtMs)).toBeLessThan(5_000);

  await cabinet.agent.stop();
  await until(() => aggregator.edgeStatus('edge-1')?.presence === 'offline', 'the edge is away');
  const after = await logOf('edge-1', '?level=warn');
  expect(after.upToDate).toBe(false);
  expect(after.items).toContainEqual(fault);
}, 60_000);

it('shows what was logged this very moment, and does without the lines of a flood', async () => {
  const cabinet = await install('edge-1');
  cabinet.logger.info({ count: 1 }, 'only just');
  const { items, upToDate } = await logOf('edge-1');
  expect(upToDate).toBe(true);
  expect(items[0]).toMatchObject({ level: 'info', message: 'only just', fields: { count: 1 } });
  for (let count = 0; count < 5_000; count += 1) cabinet.logger.warn({ count, error: 'x'.repeat(100) }, 'again');
  let last = await logOf('edge-1', '?limit=500');
  await until(async () => {
    if (last.items[0]?.fields.count !== 4_999) last = await logOf('edge-1', '?limit=500');
    return last.items[0]?.fields.count === 4_999;
  }, 'the last line of the flood');
  expect(last.items.length).toBeLessThanOrEqual(200);
  expect(cabinet.agent.status().link.up).toBe(true);
}, 60_000);

it('lets no edge write in the log of another', async () => {
  const good = await install('edge-2');
  good.logger.warn({}, 'mine');
  const target = { host: '127.0.0.1', port: broker.address()?.port ?? 0 };
  const account = { clientId: 'edge-1', username: 'edge-1', password: secret };
  const client = await connectClient(target, account, [], () => undefined);
  const line = { number: 9_999, atMs: 0, level: 'error', part: null, gateId: null, message: 'forged', fields: {} };
  const forged = JSON.stringify({ instance: good.agent.status().instance, lines: [line], more: false });
  client.publish(edgeTopic(siteId, 'edge-1', 'log'), Buffer.from(forged));
  client.publish(edgeTopic(siteId, 'edge-2', 'log'), Buffer.from(forged));
  await client.closed;
  expect(broker.counters().refusedTotal['publish-topic']).toBe(1);
  await until(() => aggregator.health().dropped['log-refused'] === 1, 'the report of an agent that does not run');
  const messages = async (edgeId: string) => (await logOf(edgeId)).items.map(({ message }) => message);
  expect(await messages('edge-1')).toEqual([]);
  expect(await messages('edge-2')).toContain('mine');
  expect(await messages('edge-2')).not.toContain('forged');
}, 60_000);
