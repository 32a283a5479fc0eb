/** The whole HTTP surface over memory parts and the real engine, with a key of every role. */
import { roleNames, siteLayoutSchema, silentLogger } from '@gatehouse/shared';
import type { AdmissionBasis, Logger, OnlineState, Problem, SiteLayout } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { expect } from '@jest/globals';
import type { InjectOptions } from 'fastify';
import { createMemoryHub, createMemoryLink } from '../../src/adapters/broker/memory/index.js';
import type { MemoryHub } from '../../src/adapters/broker/memory/index.js';
import { createMemoryBacking, createMemoryStore } from '../../src/adapters/store/memory/index.js';
import type { MemoryStore } from '../../src/adapters/store/memory/index.js';
import { createAggregator } from '../../src/app/aggregator.js';
import type { Aggregator } from '../../src/app/aggregator.js';
import type { Turn, WorkNeeds } from '../../src/app/committer.js';
import { createKey } from '../../src/app/operations/keys.js';
import { needsOf, typedCredential, vehicleViewOf } from '../../src/app/operations/credentials.js';
import { putLayout } from '../../src/app/operations/sites.js';
import type { Role } from '../../src/app/ports.js';
import { aggregatorSettingsSchema } from '../../src/app/settings.js';
import { createMetrics } from '../../src/http/metrics.js';
import type { Metrics } from '../../src/http/metrics.js';
import { createHttpServer } from '../../src/http/server.js';
import type { HttpServer } from '../../src/http/server.js';
import { httpSettingsSchema } from '../../src/http/settings.js';

export const siteId = 'harbour';
export const otherSiteId = 'station';
export const edgeId = 'harbour-north';
export const epoch = 'e'.repeat(32);

export interface Reply<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: T;
  readonly text: string;
}

export interface CallOptions {
  /** Default: the admin's. null: none. */
  readonly key?: string | null;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Api {
  readonly aggregator: Aggregator;
  readonly store: MemoryStore;
  readonly hub: MemoryHub;
  readonly http: HttpServer;
  readonly metrics: Metrics;
  readonly disconnected: string[];
  /** A key of each role, good for all sites. */
  readonly keys: Readonly<Record<Role, string>>;
  /** Answers the body as JSON where it is JSON. */
  call<T = Record<string, unknown>>(method: string, url: string, options?: CallOptions): Promise<Reply<T>>;
  newKey(role: Role, siteId: string | null): Promise<string>;
  /** A vehicle arrives at a gate: what ingest makes of an edge's event. Answers the arrival's id. */
  arrive(gateId: string, direction: 'entry' | 'exit', plate: string | null): Promise<string>;
  /** It went through. */
  pass(gateId: string, direction: 'entry' | 'exit', arrivalId: string, basis?: AdmissionBasis): Promise<void>;
  /** The edge connects and reports its state. */
  connectEdge(): Promise<void>;
  stop(): Promise<void>;
}

export interface ApiOptions {
  readonly http?: Record<string, unknown>;
  readonly slots?: number;
  readonly logger?: Logger;
}

export function harbourLayout(slots = 4): SiteLayout {
  return siteLayoutSchema.parse({
    siteId,
    name: 'Harbour',
    zones: [
      { zoneId: 'a', name: 'A' },
      { zoneId: 'b', name: 'B' },
    ],
    slots: Array.from({ length: slots }, (_, index) => ({
      slotId: `a-${String(index + 1)}`,
      zoneId: index % 2 === 0 ? 'a' : 'b',
      label: `A${String(index + 1)}`,
      slotClass: index === 3 ? 'ev' : 'standard',
    })),
    gates: [
      { gateId: 'entry-1', edgeId, name: 'Entry', direction: 'entry' },
      { gateId: 'exit-1', edgeId, name: 'Exit', direction: 'exit' },
    ],
  });
}

export async function openApi(options: ApiOptions = {}): Promise<Api> {
  const store = createMemoryStore(createMemoryBacking());
  const hub = createMemoryHub();
  const metrics = createMetrics({ version: 'test', processMetrics: false });
  const logger = options.logger ?? silentLogger;
  const aggregator = createAggregator(
    { clock: systemClock, random: systemRandom, sha256, logger, store, link: createMemoryLink(hub) },
    aggregatorSettingsSchema.parse({}),
    metrics.observer,
  );
  metrics.attach(aggregator, { clock: systemClock, systemClock });
  await aggregator.start();
  const disconnected: string[] = [];
  const http = await createHttpServer(
    {
      aggregator,
      clock: systemClock,
      systemClock,
      random: systemRandom,
      sha256,
      logger,
      metrics,
      version: '0.0.0',
      disconnectEdge: async (edge) => {
        disconnected.push(edge);
        await Promise.resolve();
      },
      mqttUrl: (host) => `mqtt://${host}:1883`,
    },
    httpSettingsSchema.parse({ rate: { failedKeysPerAddressPerMinute: 10_000 }, ...options.http }),
  );
  const keys = await prepare(aggregator, options.slots);
  return createApi({ store, hub, metrics, aggregator, http, disconnected, keys });
}

const tester = { keyId: 'test', label: 'test', role: 'admin', siteId: null } as const;

async function prepare(aggregator: Aggregator, slots: number | undefined): Promise<Record<Role, string>> {
  await aggregator.committer.execute((turn) => {
    const layout = harbourLayout(slots);
    const request = { reason: 'test', exists: false, expectedVersion: null };
    putLayout(turn, tester, { layout, ...request });
    putLayout(turn, tester, {
      layout: { ...layout, siteId: otherSiteId, name: 'Station', gates: [] },
      ...request,
    });
    turn.put('edges', {
      edgeId,
      siteId,
      name: 'North',
      secretHash: sha256('secret'),
      enrolmentCodeHash: null,
      enrolmentExpiresAtMs: null,
      registeredAtMs: turn.nowMs,
      enrolledAtMs: turn.nowMs,
      revokedAtMs: null,
    });
    turn.apply(siteId, { type: 'edge-currency', edgeId, current: true });
  });
  const keys: Partial<Record<Role, string>> = {};
  for (const role of roleNames) keys[role] = await newKey(aggregator, role, null);
  return keys as Record<Role, string>;
}

async function newKey(aggregator: Aggregator, role: Role, site: string | null): Promise<string> {
  const key = systemRandom.hex(32);
  await aggregator.committer.execute((turn) =>
    createKey(turn, tester, { label: `the ${role}`, role, siteId: site, keyHash: sha256(key) }),
  );
  return key;
}

function createApi(parts: Omit<Api, 'call' | 'newKey' | 'arrive' | 'pass' | 'connectEdge' | 'stop'>): Api {
  const { aggregator, http, hub, keys } = parts;
  let seq = 0;
  const event = async (work: (turn: Turn, seq: number) => void, needs?: WorkNeeds): Promise<string> => {
    seq += 1;
    const own = seq;
    await aggregator.committer.execute((turn) => {
      work(turn, own);
    }, needs);
    return `${edgeId}:${epoch}:${String(own)}`;
  };
  const common = (turn: Turn) => ({ atMs: turn.nowMs, monoMs: 1, bootId: '0'.repeat(32) });
  return {
    ...parts,
    async call<T>(method: string, url: string, options: CallOptions = {}): Promise<Reply<T>> {
      const key = options.key === undefined ? keys.admin : options.key;
      const request: InjectOptions = {
        method: method,
        url,
        headers: { ...(key === null ? {} : { authorization: `Bearer ${key}` }), ...options.headers },
        ...(options.body === undefined ? {} : { payload: options.body as object }),
      };
      const response = await http.app.inject(request);
      const isJson = String(response.headers['content-type']).includes('json');
      return {
        status: response.statusCode,
        headers: response.headers as Record<string, string>,
        text: response.body,
        body: (isJson && response.body !== '' ? response.json() : {}) as T,
      };
    },
    newKey: (role, site) => newKey(aggregator, role, site),
    async arrive(gateId, direction, plate) {
      const typed = plate === null ? null : typedCredential({ kind: 'plate', value: plate });
      return event((turn, own) => {
        const credential = typed === null ? null : turn.credential(typed);
        const vehicle = credential === null ? undefined : turn.directory.vehicleByCredential(credential.credentialId);
        turn.apply(siteId, {
          type: 'edge-event',
          edgeId,
          epoch,
          seq: own,
          atMs: turn.nowMs,
          waiting: true,
          credential,
          vehicle: vehicle === undefined ? null : vehicleViewOf(vehicle),
          event: {
            kind: 'vehicle-arrived',
            gateId,
            direction,
            credential: plate === null ? null : { kind: 'plate', value: plate, source: 'camera', confidence: 0.9 },
            vehicleClass: null,
            supersedes: null,
            ...common(turn),
          },
        });
      }, needsOf(typed));
    },
    async pass(gateId, direction, arrivalId, basis = 'decision') {
      await event((turn, own) => {
        turn.apply(siteId, {
          type: 'edge-event',
          edgeId,
          epoch,
          seq: own,
          atMs: turn.nowMs,
          waiting: false,
          credential: null,
          vehicle: null,
          event: {
            kind: 'vehicle-passed',
            gateId,
            direction,
            arrival: Number(arrivalId.split(':')[2]),
            slotId: null,
            basis,
            flags: [],
            ...common(turn),
          },
        });
      });
    },
    async connectEdge() {
      const state: OnlineState = onlineState();
      const end = hub.connect({ clientId: edgeId, onMessage: () => undefined });
      end.publish(`gatehouse/v1/${siteId}/${edgeId}/state`, JSON.stringify(state), { retain: true });
      await until(() => aggregator.edgeStatus(edgeId)?.presence === 'online');
    },
    async stop() {
      await http.close();
      await aggregator.stop();
    },
  };
}

function onlineState(): OnlineState {
  const gate = (gateId: string, direction: 'entry' | 'exit') => ({
    gateId,
    direction,
    barrier: 'closed' as const,
    mode: 'automatic' as const,
    sensors: { arming: false },
    faults: [],
    arrival: null,
    vehicleClass: null,
  });
  return {
    presence: 'online',
    instance: 'c'.repeat(32),
    version: '0.1.0',
    epoch,
    oldest: 1,
    next: 1,
    acked: 0,
    allowanceVersion: 0,
    clock: { atMs: Date.now(), monoMs: 1_000, bootId: '0'.repeat(32) },
    outboxBytes: 0,
    faults: ['clock-jumped'],
    gates: [gate('entry-1', 'entry'), { ...gate('exit-1', 'exit'), faults: ['loop-stuck'] }],
  };
}

/** Waits until `condition` holds; fails after five seconds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = systemClock.monoMs() + 5_000;
  while (!(await condition())) {
    if (systemClock.monoMs() > deadlineMs) throw new Error('it did not happen within five seconds');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Checks that a reply is a problem of this kind, in the shape every problem has. */
export function expectProblem(reply: Reply<unknown>, status: number, code: string, field?: string): void {
  const problem = reply.body as Problem;
  expect({ status: reply.status, type: problem.type }).toEqual({ status, type: `/problems/${code}` });
  expect(reply.headers['content-type']).toBe('application/problem+json; charset=utf-8');
  expect(problem.status).toBe(status);
  expect(problem.title).not.toBe('');
  expect(problem.detail).not.toBe('');
  expect(problem.instance).toBe(`urn:gatehouse:request:${String(reply.headers['x-request-id'])}`);
  if (field !== undefined) expect(problem.errors?.map((error) => error.field)).toContain(field);
}
