/** A street with production edge agents at its lanes, and a test in the place of the aggregator that answers at once. */
import {
  createEdgeAgent,
  createMemoryEdgeLink,
  createMemoryOutbox,
  createMemoryOutboxBacking,
  edgeSettingsSchema,
} from '@gatehouse/edge-agent';
import type { EdgeAgent, MemoryOutboxBacking, SimulatedFault } from '@gatehouse/edge-agent';
import { createVirtualClock, genesisHash, silentLogger } from '@gatehouse/shared';
import type { CancelTimer, Clock, CommandKind, EdgeEvent, EventBatch, VirtualClock } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createSeededRandom } from '../../../../src/random.js';
import type { Happening, HappeningOf } from '../../../../src/world/happenings.js';
import type { EdgePlan, SitePlan } from '../../../../src/world/scenario.js';
import { createStreet } from '../../../../src/world/street/street.js';
import type { AttachedLane, Street } from '../../../../src/world/street-port.js';

export interface Told {
  readonly atMs: number;
  readonly happening: Happening;
}

export interface Rig {
  readonly clock: VirtualClock;
  readonly street: Street;
  readonly told: readonly Told[];
  ofType<T extends Happening['type']>(type: T): (HappeningOf<T> & { readonly atMs: number })[];
  /** What the edge's outbox holds, over all its lives. */
  events(edgeId: string): EdgeEvent[];
  start(edgeId: string): Promise<void>;
  /** The agent dies; the lane lives on. */
  crash(edgeId: string): void;
  command(edgeId: string, gateId: string, kind: CommandKind): void;
  fault(gateId: string, fault: SimulatedFault, active: boolean): void;
  advance(durationMs: number): Promise<void>;
}

export interface RigOptions {
  readonly seed: number;
  readonly sites: readonly SitePlan[];
  /** Whether an arrival is let in; default: always. */
  readonly admits?: (gateId: string) => boolean;
}

interface Life {
  readonly agent: EdgeAgent;
  readonly lanes: readonly AttachedLane[];
  readonly timers: Set<CancelTimer>;
  command(gateId: string, kind: CommandKind): void;
  dead: boolean;
}

export function sitePlan(change: Partial<SitePlan> = {}): SitePlan {
  return {
    siteId: 'site-1',
    slots: Array.from({ length: 20 }, (_unused, index) => ({ slotId: `s-${String(index)}`, slotClass: 'standard' })),
    edges: [
      {
        edgeId: 'edge-1',
        gates: [
          { gateId: 'in-1', direction: 'entry', hasReader: true },
          { gateId: 'out-1', direction: 'exit', hasReader: false },
        ],
      },
    ],
    vehiclesPerHour: 200,
    stayMinutes: 5,
    plateless: 0.1,
    habits: { misread: 0.1, noRead: 0.1, backsOut: 0, tailgates: 0, wrongWay: 0 },
    allowance: { sharePercent: 50, maxSlotsPerEdge: 5 },
    openWhenNoAllowance: false,
    ...change,
  };
}

export function createRig(options: RigOptions): Rig {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000 });
  const told: Told[] = [];
  const street = createStreet({
    clock,
    random: createSeededRandom(options.seed, 'street'),
    tell: (happening) => {
      told.push({ atMs: clock.monoMs(), happening });
    },
    sites: options.sites,
  });
  const backings = new Map<string, MemoryOutboxBacking>();
  const lives = new Map<string, Life>();
  const kept = new Map<string, EdgeEvent[]>();
  const planOf = (edgeId: string): { site: SitePlan; edge: EdgePlan } => {
    for (const site of options.sites) {
      const edge = site.edges.find((one) => one.edgeId === edgeId);
      if (edge !== undefined) return { site, edge };
    }
    throw new Error(`no edge ${edgeId}`);
  };
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
  };

  return {
    clock,
    street,
    told,
    ofType: <T extends Happening['type']>(type: T) =>
      told.flatMap(({ atMs, happening }) =>
        happening.type === type ? [{ ...(happening as HappeningOf<T>), atMs }] : [],
      ),
    events(edgeId) {
      return [
        ...(kept.get(edgeId) ?? []),
        ...(backings.get(edgeId)?.events ?? []).map(({ json }) => JSON.parse(json) as EdgeEvent),
      ];
    },
    async start(edgeId) {
      const { site, edge } = planOf(edgeId);
      const backing = backings.get(edgeId) ?? createMemoryOutboxBacking();
      backings.set(edgeId, backing);
      const life = createLife({ site, edge, backing, clock, street, seed: options.seed, admits: options.admits });
      lives.set(edgeId, life);
      await life.agent.start();
      await settle();
    },
    crash(edgeId) {
      const life = lives.get(edgeId);
      if (life === undefined) return;
      life.dead = true;
      for (const cancel of life.timers) cancel();
      for (const lane of life.lanes) lane.detach();
      const backing = backings.get(edgeId);
      if (backing !== undefined) backing.holder = undefined;
      lives.delete(edgeId);
    },
    command(edgeId, gateId, kind) {
      lives.get(edgeId)?.command(gateId, kind);
    },
    fault: (gateId, fault, active) => {
      street.setFault(gateId, fault, active);
    },
    advance: (durationMs) => clock.advanceSettled(durationMs, settle),
  };
}

function createLife(options: {
  readonly site: SitePlan;
  readonly edge: EdgePlan;
  readonly backing: MemoryOutboxBacking;
  readonly clock: Clock;
  readonly street: Street;
  readonly seed: number;
  readonly admits: ((gateId: string) => boolean) | undefined;
}): Life {
  const { site, edge, backing, street } = options;
  const timers = new Set<CancelTimer>();
  const clock: Clock = {
    wallMs: () => options.clock.wallMs(),
    monoMs: () => options.clock.monoMs(),
    setTimer(delayMs, callback) {
      const cancel = options.clock.setTimer(delayMs, () => {
        timers.delete(cancel);
        callback();
      });
      timers.add(cancel);
      return cancel;
    },
  };
  const lanes = edge.gates.map(({ gateId }) => street.attach({ gateId, machine: edge.edgeId, clock }));
  const link = createMemoryEdgeLink();
  const agent = createEdgeAgent(
    {
      clock,
      linkClock: clock,
      random: createSeededRandom(options.seed, edge.edgeId, backing.next),
      sha256,
      logger: silentLogger,
      outbox: createMemoryOutbox({ backing, sha256 }),
      link,
      barriers: new Map(edge.gates.map(({ gateId }, index) => [gateId, known(lanes[index]).driver])),
      readers: lanes.flatMap(({ reader }) => (reader === null ? [] : [reader])),
      bootId: 'b'.repeat(32),
      requestRestart: () => undefined,
    },
    edgeSettingsSchema.parse({ siteId: site.siteId, edgeId: edge.edgeId, gates: edge.gates }),
  );
  let commands = 0;
  const life: Life = {
    agent,
    lanes,
    timers,
    dead: false,
    command(gateId, kind) {
      commands += 1;
      link.peer.deliver(
        'commands',
        JSON.stringify({
          instance: agent.status().instance,
          id: commands.toString(16).padStart(32, '0'),
          gateId,
          kind,
          deadlineMono: Math.ceil(clock.monoMs()) + 5_000,
          by: 'test',
          reason: 'test',
        }),
      );
    },
  };
  link.peer.onPublished(({ channel, payload }) => {
    if (channel !== 'events' || life.dead) return;
    answer(JSON.parse(payload) as EventBatch);
  });
  const answer = (batch: EventBatch): void => {
    const { instance } = agent.status();
    const { epoch } = batch;
    const upTo = batch.first + batch.events.length - 1;
    const hash = backing.events.find(({ seq }) => seq === upTo)?.hash ?? genesisHash(sha256, epoch);
    link.peer.deliver('acks', JSON.stringify({ instance, epoch, upTo, hash, conflict: null }));
    for (const [index, event] of batch.events.entries()) {
      const seq = batch.first + index;
      if (event.kind !== 'vehicle-arrived' || !batch.waiting.includes(seq)) continue;
      const admits = options.admits?.(String(event.gateId)) ?? true;
      link.peer.deliver(
        'decisions',
        JSON.stringify({
          instance,
          epoch,
          arrival: seq,
          revision: 1,
          outcome: admits ? 'admit' : 'deny',
          sessionId: admits ? 'c'.repeat(32) : null,
          slot: null,
          basis: 'decision',
          reason: admits ? null : 'full',
          ttlMs: 10_000,
        }),
      );
    }
  };
  return life;
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('it is not there');
  return value;
}
