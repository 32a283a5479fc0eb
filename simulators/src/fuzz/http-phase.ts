/** Requests of every kind by every role; each answer is held against the documentation, and what nobody may learn or do. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestedAggregator } from './aggregator.js';
import { count, createTally } from './account.js';
import { createDice } from './dice.js';
import { createHostileEdge } from './hostile-edge.js';
import type { HostileEdge } from './hostile-edge.js';
import { createPool, lots } from './http-pool.js';
import { buildRequest, malformedHttp } from './http-requests.js';
import type { BuiltRequest, Caller } from './http-requests.js';
import { createHttpConnection } from './http-wire.js';
import type { HttpAnswer } from './http-wire.js';
import type { Target } from '../bare-mqtt/client.js';
import { prepareEdges } from './mqtt-phase.js';
import { readDocument, roles } from './openapi.js';

export interface HttpReport {
  readonly sent: number;
  readonly durationMs: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Requests that were granted, by operation: which doors were gone through. */
  readonly granted: Readonly<Record<string, number>>;
  readonly malformed: number;
  /** Requests that were answered by closing the connection. */
  readonly closed: number;
  /** The same for the same requests: those of the same seed and number. */
  readonly drawn: string;
  readonly problems: readonly string[];
}

export interface HttpPhaseOptions {
  readonly aggregator: TestedAggregator;
  readonly seed: string;
  readonly requests: number;
  readonly onProgress: (sent: number) => void;
}

const connections = 12;
const pauseOfUnrestMs = 100;
const likelihoodOfMalformed = 0.02;
/** Faults of one kind that are told. */
const toldPerKind = 3;
/** Traces of the program's inside, and of files and tables. */
const inside =
  /node_modules|\bat \S+ \(|\.[jt]s:\d+|\/dist\/|SQLITE_|sqlite3|no such (?:table|column)|Cannot read propert/;

export async function runHttpPhase(options: HttpPhaseOptions): Promise<HttpReport> {
  const { aggregator, seed } = options;
  for (const lot of lots) await openLot(aggregator, lot);
  const unrest = await startUnrest(aggregator, seed);
  const { callers, protectedIds, secrets } = await createCallers(aggregator);
  const document = readDocument(await (await fetch(`${aggregator.url}/openapi.json`)).text());
  const pool = createPool(protectedIds);
  const target: Target = { host: '127.0.0.1', port: aggregator.httpPort };
  const found = createFindings();
  const byStatus = new Map<string, number>();
  const granted = new Map<string, number>();
  let sent = 0;
  let malformed = 0;
  let closed = 0;
  const startedMs = performance.now();

  /** A stream of its own: what it asks for depends on the seed alone, however the streams overtake each other. */
  const worker = async (index: number): Promise<string> => {
    const drawn = createHash('sha256');
    const connection = createHttpConnection(target);
    const share = Math.floor(options.requests / connections) + (index < options.requests % connections ? 1 : 0);
    for (let number = 0; number < share && aggregator.program.end === undefined; number += 1) {
      const dice = createDice(seed, 'http', index, number);
      sent += 1;
      options.onProgress(sent);
      if (dice.happens(likelihoodOfMalformed)) {
        malformed += 1;
        const bytes = malformedHttp(dice);
        drawn.update(bytes);
        const answer = await askOnce(target, bytes);
        if (answer !== undefined) judgeMalformed(bytes, answer);
        continue;
      }
      const request = buildRequest(document, pool, callers, dice);
      drawn.update(`${request.intended}\n`);
      try {
        const answer = await connection.ask(request.bytes, request.isHead);
        if (answer === undefined) closed += 1;
        else judge(request, answer);
      } catch (error) {
        found.add('no answer', `${String(error)}: ${request.summary}`);
      }
    }
    connection.close();
    return drawn.digest('hex');
  };

  const judge = (request: BuiltRequest, answer: HttpAnswer): void => {
    count(byStatus, String(answer.status));
    const { operation, caller, summary } = request;
    if (operation !== undefined && answer.status < 300) count(granted, operation.operationId);
    const body = answer.body.toString('utf8');
    const tell = (kind: string, detail = ''): void => {
      found.add(kind, `${detail} — ${summary} → ${String(answer.status)} ${body.slice(0, 400)}`);
    };
    if (answer.status >= 500) tell(`status ${String(answer.status)} of ${operation?.operationId ?? 'no operation'}`);
    if (answer.status === 503 && !answer.headers.has('retry-after')) tell('503 without Retry-After');
    if (request.mustBeRefused && answer.status < 300) tell(`granted ${operation?.operationId ?? ''} to ${caller.name}`);
    const fault = request.isHead
      ? undefined
      : answer.endless
        ? undefined
        : document.faultOf(operation, answer.status, answer.headers.get('content-type') ?? '', body);
    if (fault !== undefined) tell(`${operation?.operationId ?? 'no operation'}: ${fault}`);
    if (inside.test(body)) tell('shows its inside');
    for (const secret of secrets) if (body.includes(secret)) tell('shows a secret');
    if (caller.siteId !== null && body.includes('"siteId":"witness"')) tell(`shows another site to ${caller.name}`);
    const maySeePlates = caller.role !== null && roles.indexOf(caller.role) >= roles.indexOf('auditor');
    if (!maySeePlates && /WITNESS\dX/.test(body)) tell(`shows plates to ${caller.name}`);
    if (answer.status < 300 && answer.headers.get('content-type')?.startsWith('application/json') === true) {
      pool.learn(operation?.operationId ?? '', parsed(body));
    }
  };

  const judgeMalformed = (bytes: Buffer, answer: HttpAnswer): void => {
    count(byStatus, String(answer.status));
    const body = answer.body.toString('utf8');
    const tell = (kind: string): void => {
      found.add(
        kind,
        `${JSON.stringify(bytes.toString('latin1', 0, 120))} → ${String(answer.status)} ${body.slice(0, 300)}`,
      );
    };
    if (answer.status >= 500) tell(`status ${String(answer.status)} for what is malformed`);
    // Node itself answers a request without Host, and has nothing to say to it.
    const isBare = answer.status === 400 && body === '';
    const fault = document.faultOf(undefined, answer.status, answer.headers.get('content-type') ?? '', body);
    if (fault !== undefined && !isBare) tell(`malformed: ${fault}`);
    if (inside.test(body)) tell('shows its inside');
  };

  const streams = await Promise.all(Array.from({ length: connections }, (_, index) => worker(index)));
  await unrest.stop();
  const missed = document.operations.filter(({ operationId }) => !granted.has(operationId)).map((it) => it.operationId);
  return {
    sent,
    durationMs: performance.now() - startedMs,
    byStatus: Object.fromEntries([...byStatus].sort()),
    granted: { ...Object.fromEntries(missed.map((name) => [name, 0])), ...Object.fromEntries([...granted].sort()) },
    malformed,
    closed,
    drawn: createHash('sha256').update(streams.join()).digest('hex').slice(0, 16),
    problems: found.list(),
  };
}

/** Edges of one lot report whatever comes to their mind, so that there is something to ask about and to decide. */
async function startUnrest(aggregator: TestedAggregator, seed: string): Promise<{ stop(): Promise<void> }> {
  const [siteId] = lots;
  const target: Target = { host: '127.0.0.1', port: aggregator.mqttPort };
  const edges = (await prepareEdges(aggregator, { siteId, count: 2, slots: 40 })).map((edge) =>
    createHostileEdge({
      ...edge,
      target,
      siteId,
      slotIds: Array.from({ length: 40 }, (_, index) => `z-${String(index)}`),
      dice: createDice(seed, 'unrest', edge.edgeId),
      tally: createTally(),
      epochChanges: false,
    }),
  );
  await Promise.all(edges.map((edge) => edge.start()));
  let isOver = false;
  const rage = async (edge: HostileEdge): Promise<void> => {
    while (!isOver) {
      await edge.burst();
      await delay(pauseOfUnrestMs);
    }
  };
  // An edge may be revoked, or lose its gates, by what is asked of the API: that ends it, and is as it should be.
  const raging = Promise.allSettled(edges.map(rage));
  return {
    async stop() {
      isOver = true;
      for (const edge of edges) edge.stop();
      await raging;
    },
  };
}

/** Sends, says that there is no more, and reads what comes. */
async function askOnce(target: Target, bytes: Buffer): Promise<HttpAnswer | undefined> {
  const connection = createHttpConnection(target);
  const asked = connection.ask(bytes, false).catch(() => undefined);
  const answer = await Promise.race([asked, delay(3_000, undefined)]);
  connection.close();
  return answer;
}

function createFindings() {
  const byKind = new Map<string, { count: number; told: string[] }>();
  return {
    add(kind: string, detail: string): void {
      const kept = byKind.get(kind) ?? { count: 0, told: [] };
      kept.count += 1;
      if (kept.told.length < toldPerKind) kept.told.push(detail);
      byKind.set(kind, kept);
    },
    list: (): string[] =>
      [...byKind].map(([kind, { count: times, told }]) => `${kind} (${String(times)} times): ${told.join(' || ')}`),
  };
}

async function openLot(aggregator: TestedAggregator, siteId: string): Promise<void> {
  const known = await aggregator.list<{ siteId: string }>('/api/v1/sites');
  if (known.some((site) => site.siteId === siteId)) return;
  await aggregator.api('PUT', `/api/v1/sites/${siteId}`, {
    siteId,
    name: siteId,
    zones: [{ zoneId: 'z', name: 'Z' }],
    slots: Array.from({ length: 30 }, (_, index) => ({ slotId: `z-${String(index)}`, zoneId: 'z', label: 'Z' })),
    gates: [{ gateId: `${siteId}-in`, edgeId: `${siteId}-edge-9`, name: 'In', direction: 'entry' }],
  });
}

async function createCallers(
  aggregator: TestedAggregator,
): Promise<{ callers: Caller[]; protectedIds: Set<string>; secrets: string[] }> {
  const protectedIds = new Set<string>();
  const secrets = [aggregator.adminKey];
  const create = async (name: string, role: Caller['role'], siteId: string | null): Promise<Caller> => {
    const { keyId, key } = await aggregator.api<{ keyId: string; key: string }>('POST', '/api/v1/keys', {
      label: name,
      role,
      ...(siteId === null ? {} : { siteId }),
    });
    protectedIds.add(keyId);
    secrets.push(key);
    return { name, authorization: `Bearer ${key}`, role, siteId };
  };
  for (const { keyId } of await aggregator.list<{ keyId: string }>('/api/v1/keys')) protectedIds.add(keyId);
  const revoked = await create('revoked', 'admin', null);
  const revokedId = [...protectedIds].at(-1) ?? '';
  await aggregator.api('POST', `/api/v1/keys/${revokedId}/revoke`);
  const everywhere = await Promise.all(roles.map((role) => create(role, role, null)));
  const local = await Promise.all(
    (['viewer', 'operator', 'admin'] as const).map((role) => create(`${role} of lot-1`, role, 'lot-1')),
  );
  const admin = everywhere.at(-1);
  const operator = everywhere.at(-2);
  if (admin === undefined || operator === undefined) throw new Error('there is no admin');
  const nobody = (name: string, authorization: string | undefined): Caller => ({
    name,
    authorization,
    role: null,
    siteId: null,
  });
  return {
    protectedIds,
    secrets,
    callers: [
      ...everywhere,
      ...local,
      // The others are stopped early; who may do everything goes deepest.
      ...Array.from({ length: 8 }, () => admin),
      ...Array.from({ length: 3 }, () => operator),
      { ...revoked, role: null },
      nobody('nobody', undefined),
      nobody('a stranger', `Bearer ${'0'.repeat(64)}`),
      nobody('no bearer', 'Basic YWRtaW46YWRtaW4='),
      nobody('a long key', `Bearer ${'x'.repeat(5_000)}`),
      nobody('an odd key', 'Bearer \u00e9\u00ff '),
    ],
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
