import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  aggregatorSettingsSchema,
  createAggregator,
  createAuthenticator,
  createEmbeddedBroker,
  createSqliteStore,
  embeddedBrokerSettingsSchema,
  openReviews,
  putLayout,
  sessionsInside,
} from '@gatehouse/aggregator';
import type { Actor, Aggregator, EmbeddedBroker } from '@gatehouse/aggregator';
import {
  brokerSettingsSchema,
  createEdgeAgent,
  createMqttLink,
  createSimulatedBarrier,
  createSqliteOutbox,
  edgeSettingsSchema,
  simulatedLaneSettingsSchema,
} from '@gatehouse/edge-agent';
import type { EdgeAgent, VehicleReport, SimulatedBarrier } from '@gatehouse/edge-agent';
import { silentLogger, siteLayoutSchema } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { createElasticClock } from '../../src/clock/elastic-clock.js';
import type { ElasticClock } from '../../src/clock/elastic-clock.js';

const siteId = 'north';
const edgeId = 'edge-1';
const gateId = 'entry-1';
const secret = 'a secret for the test';
const actor: Actor = { keyId: 'key', label: 'test', role: 'admin', siteId: null };
/** Simulated ms in a real one: a vehicle takes half a real second. */
const speed = 20;
const deadlineMs = 20_000;

interface Centre {
  readonly aggregator: Aggregator;
  readonly broker: EmbeddedBroker;
}

let directory: string;
let clock: ElasticClock;
let centre: Centre | undefined;
let agent: EdgeAgent | undefined;
let barrier: SimulatedBarrier | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-offline-'));
  clock = createElasticClock({
    base: systemClock,
    startWallMs: Date.UTC(2026, 4, 4, 8),
    speed,
    nextTurn: setImmediate,
  });
});

afterEach(async () => {
  await agent?.stop();
  barrier?.dispose();
  await centre?.aggregator.stop();
  clock.stop();
  await rm(directory, { recursive: true, force: true });
});

async function startCentre(port: number): Promise<Centre> {
  let known: Aggregator['directory'] | undefined;
  const broker = createEmbeddedBroker({
    settings: embeddedBrokerSettingsSchema.parse({ port }),
    authenticator: {
      authenticate: (username, password) =>
        known === undefined ? null : createAuthenticator(known, sha256).authenticate(username, password),
    },
    logger: silentLogger,
    clock: systemClock,
  });
  const store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
  const aggregator = createAggregator(
    { clock, linkClock: systemClock, random: systemRandom, sha256, logger: silentLogger, store, link: broker },
    aggregatorSettingsSchema.parse({ allowanceIntervalMs: 10 }),
  );
  centre = { aggregator, broker };
  await aggregator.start();
  known = aggregator.directory;
  return centre;
}

async function register({ aggregator }: Centre): Promise<void> {
  const layout = siteLayoutSchema.parse({
    siteId,
    name: 'North',
    permitRequired: true,
    zones: [{ zoneId: 'a', name: 'A' }],
    slots: Array.from({ length: 20 }, (_, index) => ({
      slotId: `a-${String(index)}`,
      zoneId: 'a',
      label: String(index),
    })),
    gates: [{ gateId, edgeId, name: 'In', direction: 'entry' }],
  });
  await aggregator.committer.execute((turn) => {
    putLayout(turn, actor, { layout, reason: 'test', exists: false, expectedVersion: null });
    turn.put('edges', {
      edgeId,
      siteId,
      name: edgeId,
      secretHash: sha256(secret),
      enrolmentCodeHash: null,
      enrolmentExpiresAtMs: null,
      registeredAtMs: turn.nowMs,
      enrolledAtMs: turn.nowMs,
      revokedAtMs: null,
    });
    const vehicle = (value: string, blockedReason: string | null): void => {
      const { credentialId } = turn.credential({ kind: 'plate', value });
      turn.put('vehicles', {
        ...{ vehicleId: turn.newId(), credentialId, slotClass: 'standard', holder: null, note: null, blockedReason },
        permits: [{ siteId, zoneId: null, slotClass: null, fromMs: null, toMs: null }],
        ...{ createdAtMs: turn.nowMs, updatedAtMs: turn.nowMs },
      });
    };
    vehicle('PERM1T', null);
    vehicle('BL0CKED', 'unpaid');
  });
}

function createEdge(port: number): { agent: EdgeAgent; barrier: SimulatedBarrier } {
  const lane = createSimulatedBarrier({
    clock,
    random: systemRandom,
    gateId,
    direction: 'entry',
    hasReader: true,
    settings: simulatedLaneSettingsSchema.parse({ reader: { noReadRate: 0, misreadRate: 0 } }),
  });
  const created = createEdgeAgent(
    {
      clock,
      linkClock: systemClock,
      random: systemRandom,
      sha256,
      logger: silentLogger,
      outbox: createSqliteOutbox({ directory: join(directory, edgeId), sha256, clock: systemClock }),
      link: createMqttLink({
        siteId,
        edgeId,
        username: edgeId,
        password: secret,
        url: `mqtt://127.0.0.1:${String(port)}`,
        settings: brokerSettingsSchema.parse({}),
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
      }),
      barriers: new Map([[gateId, lane.barrier]]),
      readers: [lane.reader],
      bootId: systemRandom.hex(16),
      requestRestart: () => undefined,
    },
    edgeSettingsSchema.parse({
      siteId,
      edgeId,
      gates: [{ gateId, direction: 'entry', hasReader: true }],
      protocol: { decisionTimeoutMs: 50 },
    }),
  );
  return { agent: created, barrier: lane };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const endMs = systemClock.monoMs() + deadlineMs;
  while (!condition()) {
    if (systemClock.monoMs() > endMs) throw new Error(`${what}: not within ${String(deadlineMs)} ms`);
    await new Promise((resolve) => void systemClock.setTimer(5, () => resolve(undefined)));
  }
}

async function drive(lane: SimulatedBarrier, plate: string): Promise<VehicleReport> {
  let ended: VehicleReport | undefined;
  const forget = lane.onHappening((happening) => {
    if (happening.type === 'ended') ended = happening.report;
  });
  expect(lane.send({ plate, patienceMs: 5_000 }).accepted).toBe(true);
  await until(() => ended !== undefined, `the end of ${plate}`);
  forget();
  if (ended === undefined) throw new Error('no report');
  return ended;
}

it('turns a blocked and an unlisted vehicle away and admits a permitted one while the aggregator is gone', async () => {
  const first = await startCentre(0);
  await register(first);
  const port = first.broker.address()?.port ?? 0;
  const edge = createEdge(port);
  ({ agent, barrier } = edge);
  await edge.agent.start();
  await until(() => {
    const { slots, accessVersion } = edge.agent.status().allowance;
    return slots > 0 && accessVersion !== null && accessVersion > 0;
  }, 'slots and the access list at the edge');
  const { slots: before } = edge.agent.status().allowance;
  await until(() => edge.agent.status().outbox.unacknowledged === 0, 'the acknowledgement');

  await first.aggregator.stop();
  await until(() => !edge.agent.status().link.up, 'the loss of the link');
  const outcomes = [
    (await drive(edge.barrier, 'BL0CKED')).outcome,
    (await drive(edge.barrier, 'STRANGE')).outcome,
    (await drive(edge.barrier, 'PERM1T')).outcome,
  ];
  expect(outcomes).toEqual(['denied-left', 'denied-left', 'passed']);
  expect(edge.agent.status().allowance.slots).toBe(before - 1);

  const { aggregator } = await startCentre(port);
  await until(() => edge.agent.status().link.up, 'the link');
  await until(() => edge.agent.status().outbox.unacknowledged === 0, 'the events');
  const site = aggregator.site(siteId);
  if (site === undefined) throw new Error('the site is gone');
  const inside = [...sessionsInside(site)];
  expect(inside.map(({ entryBasis }) => entryBasis)).toEqual(['allowance']);
  expect(inside[0]?.slotId).not.toBeNull();
  expect([...openReviews(site)].map(({ kind }) => kind)).toEqual([]);
  const { items } = await aggregator.store.listEvents({ siteId, kind: 'vehicle-denied' }, { limit: 10, cursor: null });
  const reasons = items.map(({ body }) => (JSON.parse(body) as { reason: string }).reason);
  expect(reasons.toReversed()).toEqual(['blocked', 'no-permit']);
}, 60_000);
