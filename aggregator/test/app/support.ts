/** An aggregator over memory parts and a virtual clock, and an edge that speaks the wire by hand. */
import {
  canonicalJson,
  createVirtualClock,
  edgeTopic,
  genesisHash,
  nextHash,
  silentLogger,
  siteLayoutSchema,
} from '@gatehouse/shared';
import type {
  Ack,
  Allowance,
  Clock,
  Command,
  Decision,
  EdgeToCentreChannel,
  LogLine,
  LogRequest,
  OnlineState,
  Random,
  SiteLayout,
  VirtualClock,
} from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createMemoryHub, createMemoryLink } from '../../src/adapters/broker/memory/index.js';
import type { HubEnd, HubMessage, MemoryHub } from '../../src/adapters/broker/memory/index.js';
import { createMemoryBacking, createMemoryStore } from '../../src/adapters/store/memory/index.js';
import type { MemoryBacking, MemoryStore } from '../../src/adapters/store/memory/index.js';
import { createAggregator } from '../../src/app/aggregator.js';
import type { Aggregator } from '../../src/app/aggregator.js';
import { silentObserver } from '../../src/app/observer.js';
import type { AggregatorObserver } from '../../src/app/observer.js';
import type { AggregatorStore, CentreLink, EdgeRow, EventRow, NoticeRow, QuarantineRow } from '../../src/app/ports.js';
import { aggregatorSettingsSchema } from '../../src/app/settings.js';
import type { AggregatorSettings } from '../../src/app/settings.js';

export const startMs = Date.UTC(2026, 4, 4, 8);
export const siteId = 'north';

export interface World {
  readonly clock: VirtualClock;
  readonly hub: MemoryHub;
  readonly backing: MemoryBacking;
  readonly store: MemoryStore;
  readonly link: CentreLink;
  readonly aggregator: Aggregator;
  readonly settings: AggregatorSettings;
  readonly notices: NoticeRow[];
  /** Lets everything that can happen now happen. */
  settle(): Promise<void>;
  advance(durationMs: number): Promise<void>;
  edge(edgeId: string, options?: EdgeOptions): Edge;
  events(): Promise<EventRow[]>;
  quarantine(): Promise<QuarantineRow[]>;
  reviews(): Promise<string[]>;
}

export interface WorldOptions {
  readonly settings?: Parameters<typeof aggregatorSettingsSchema.parse>[0];
  readonly observer?: Partial<AggregatorObserver>;
  readonly backing?: MemoryBacking;
  readonly clock?: VirtualClock;
  readonly hub?: MemoryHub;
  readonly edges?: readonly string[];
  /** Leave the site and its edges unregistered. */
  readonly isBare?: boolean;
  /** Draws ids as no other world of the same test does. */
  readonly seed?: string;
  readonly wrapLink?: (link: CentreLink) => CentreLink;
  readonly wrapStore?: (store: MemoryStore) => AggregatorStore;
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const clock = options.clock ?? createVirtualClock({ wallMs: startMs, monoMs: 1_000 });
  const hub = options.hub ?? createMemoryHub(clock);
  const backing = options.backing ?? createMemoryBacking();
  const store = createMemoryStore(backing);
  const settings = aggregatorSettingsSchema.parse(options.settings ?? {});
  const memoryLink = createMemoryLink(hub);
  const link = options.wrapLink?.(memoryLink) ?? memoryLink;
  const ports = {
    clock,
    random: countingRandom(options.seed ?? 'a'),
    sha256,
    logger: silentLogger,
    store: options.wrapStore?.(store) ?? store,
    link,
  };
  const aggregator = createAggregator(ports, settings, { ...silentObserver, ...options.observer });
  const notices: NoticeRow[] = [];
  aggregator.onNotices((rows) => notices.push(...rows));
  await aggregator.start();
  const edges = options.edges ?? ['edge-1'];
  if (options.isBare !== true && options.backing === undefined) await register(aggregator, edges);
  const page = { limit: 1_000, cursor: null };
  return {
    clock,
    hub,
    backing,
    store,
    link,
    aggregator,
    settings,
    notices,
    settle,
    advance: (durationMs) => clock.advanceSettled(durationMs, settle),
    edge: (edgeId, edgeOptions) => createEdge(hub, clock, edgeId, edgeOptions),
    events: async () => (await store.listEvents({}, page)).items.toReversed(),
    quarantine: async () => (await store.listQuarantine({}, page)).items.toReversed(),
    reviews: async () => (await store.listReviews({}, page)).items.map(({ kind }) => kind).toReversed(),
  };
}

/** Everything in memory runs in promises: a few turns of the event loop and it has come to rest. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 6; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

export function layoutFor(edges: readonly string[], slots = 20): SiteLayout {
  return siteLayoutSchema.parse({
    siteId,
    name: 'North',
    zones: [{ zoneId: 'a', name: 'A' }],
    slots: Array.from({ length: slots }, (_, index) => ({
      slotId: `a-${String(index + 1)}`,
      zoneId: 'a',
      label: `A${String(index + 1)}`,
    })),
    gates: edges.flatMap((edgeId) => [
      { gateId: `${edgeId}-in`, edgeId, name: 'In', direction: 'entry' },
      { gateId: `${edgeId}-out`, edgeId, name: 'Out', direction: 'exit' },
    ]),
  });
}

export function edgeRow(edgeId: string, change: Partial<EdgeRow> = {}): EdgeRow {
  return {
    edgeId,
    siteId,
    name: edgeId,
    secretHash: sha256(`secret of ${edgeId}`),
    enrolmentCodeHash: null,
    enrolmentExpiresAtMs: null,
    registeredAtMs: startMs,
    enrolledAtMs: startMs,
    revokedAtMs: null,
    ...change,
  };
}

async function register(aggregator: Aggregator, edges: readonly string[]): Promise<void> {
  await aggregator.committer.execute((turn) => {
    turn.apply(siteId, { type: 'put-layout', layout: layoutFor(edges), by: 'test', reason: 'test' });
    for (const edgeId of edges) turn.put('edges', edgeRow(edgeId));
  });
}

function countingRandom(seed: string): Random {
  let count = 0;
  return {
    next: () => 0.5,
    hex(byteCount) {
      count += 1;
      return sha256(`${seed}/${String(count)}`).slice(0, byteCount * 2);
    },
  };
}

// ---------------------------------------------------------------- the edge

export interface EdgeOptions {
  readonly instance?: string;
  readonly epoch?: string;
  /** The clock the edge goes by. */
  readonly clock?: Pick<Clock, 'wallMs' | 'monoMs'>;
}

/** A hand-driven edge agent: it numbers and chains events, and remembers what it is told. */
export interface Edge {
  readonly edgeId: string;
  readonly instance: string;
  epoch: string;
  readonly acks: Ack[];
  readonly decisions: Decision[];
  readonly commands: Command[];
  readonly logRequests: LogRequest[];
  /** Messages of the `allowance` channel. */
  readonly allowances: Allowance[];
  readonly kept: { json: Record<string, unknown>; hash: string }[];
  /** Adds an event to the outbox; answers its seq. */
  write(kind: string, members?: Record<string, unknown>): number;
  arrive(plate: string | null, members?: Record<string, unknown>): number;
  pass(arrival: number, slotId: string | null, members?: Record<string, unknown>): number;
  /** The vehicle leaves unserved; answers the seq of the event. */
  leave(arrival: number): number;
  /** Accepts the set that came last, and returns `returned`; answers the seq of the event. */
  accept(returned?: readonly string[], remaining?: number): number;
  /** Announces events `first` to `last`, all by default. */
  send(options?: SendOptions): void;
  sendRaw(payload: string | Uint8Array, channel?: EdgeToCentreChannel): void;
  /** Reports log lines. */
  log(lines: readonly LogLine[], change?: Record<string, unknown>): void;
  state(change?: Partial<OnlineState>): void;
  offline(instance?: string): void;
  /** A new outbox under a new epoch. */
  beginEpoch(epoch: string): void;
  hashAt(seq: number): string;
}

export interface SendOptions {
  readonly first?: number;
  readonly last?: number;
  readonly waiting?: readonly number[];
  readonly change?: Record<string, unknown>;
}

export function hex128(text: string): string {
  return sha256(text).slice(0, 32);
}

function createEdge(hub: MemoryHub, time: VirtualClock, edgeId: string, options: EdgeOptions = {}): Edge {
  const instance = options.instance ?? hex128(`instance of ${edgeId}`);
  const clock = options.clock ?? time;
  const bootId = hex128(`boot of ${edgeId}`);
  const acks: Ack[] = [];
  const decisions: Decision[] = [];
  const commands: Command[] = [];
  const logRequests: LogRequest[] = [];
  const allowances: Allowance[] = [];
  const onMessage = ({ topic, payload }: HubMessage): void => {
    const message: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (topic.endsWith('/allowance')) allowances.push(message as Allowance);
    if ((message as Ack).instance !== instance) return;
    if (topic.endsWith('/acks')) acks.push(message as Ack);
    if (topic.endsWith('/decisions')) decisions.push(message as Decision);
    if (topic.endsWith('/commands')) commands.push(message as Command);
    if (topic.endsWith('/log-requests')) logRequests.push(message as LogRequest);
  };
  const end: HubEnd = hub.connect({ clientId: `${edgeId}/${instance}`, onMessage });
  for (const channel of ['acks', 'decisions', 'commands', 'allowance', 'log-requests'] as const)
    end.subscribe(edgeTopic(siteId, edgeId, channel));

  const publish = (channel: EdgeToCentreChannel, payload: string | Uint8Array): void => {
    end.publish(edgeTopic(siteId, edgeId, channel), payload, { retain: channel === 'state' });
  };

  const edge: Edge = {
    edgeId,
    instance,
    epoch: options.epoch ?? hex128(`epoch of ${edgeId}`),
    acks,
    decisions,
    commands,
    logRequests,
    allowances,
    kept: [],
    write(kind, members = {}) {
      const json = { kind, atMs: Math.round(clock.wallMs()), monoMs: Math.round(clock.monoMs()), bootId, ...members };
      edge.kept.push({ json, hash: nextHash(sha256, edge.hashAt(edge.kept.length), json) });
      return edge.kept.length;
    },
    arrive: (plate, members = {}) =>
      edge.write('vehicle-arrived', {
        gateId: `${edgeId}-in`,
        direction: 'entry',
        credential: plate === null ? null : { kind: 'plate', value: plate, source: 'camera', confidence: 0.9 },
        vehicleClass: null,
        supersedes: null,
        ...members,
      }),
    pass: (arrival, slotId, members = {}) =>
      edge.write('vehicle-passed', {
        gateId: `${edgeId}-in`,
        direction: 'entry',
        arrival,
        slotId,
        basis: 'decision',
        flags: [],
        ...members,
      }),
    leave: (arrival) =>
      edge.write('arrival-void', { gateId: `${edgeId}-in`, arrival, slotId: null, basis: 'none', reason: 'left' }),
    accept: (returned = [], remaining = 0) =>
      edge.write('allowance-accepted', { version: allowances.at(-1)?.version ?? 0, returned, remaining }),
    send({ first = 1, last = edge.kept.length, waiting = [], change = {} } = {}) {
      const events = edge.kept.slice(first - 1, last).map(({ json }) => json);
      const batch = {
        instance,
        epoch: edge.epoch,
        first,
        prevHash: edge.hashAt(first - 1),
        waiting,
        events,
        ...change,
      };
      publish('events', JSON.stringify(batch));
    },
    sendRaw(payload, channel = 'events') {
      publish(channel, payload);
    },
    log(lines, change = {}) {
      publish('log', JSON.stringify({ instance, lines, more: false, ...change }));
    },
    state(change = {}) {
      const state: OnlineState = {
        presence: 'online',
        instance,
        version: '1',
        epoch: edge.epoch,
        oldest: 1,
        next: edge.kept.length + 1,
        acked: 0,
        allowanceVersion: 0,
        clock: { atMs: Math.round(clock.wallMs()), monoMs: Math.round(clock.monoMs()), bootId },
        outboxBytes: 0,
        faults: [],
        gates: [],
        ...change,
      };
      publish('state', JSON.stringify(state));
    },
    offline(of = instance) {
      publish('state', JSON.stringify({ presence: 'offline', instance: of }));
    },
    beginEpoch(epoch) {
      edge.epoch = epoch;
      edge.kept.length = 0;
    },
    hashAt: (seq) => (seq === 0 ? genesisHash(sha256, edge.epoch) : (edge.kept[seq - 1]?.hash ?? '')),
  };
  return edge;
}

/** Everything that is stored, as one text, without the table where plates may stand. */
export function storedText(world: World, exceptTables: readonly string[] = ['credentials']): string {
  const tables = [...world.backing.tables].filter(([name]) => !exceptTables.includes(name));
  return tables.map(([name, rows]) => canonicalJson([name, [...rows.values()]])).join('\n');
}
