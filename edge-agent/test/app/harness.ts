/** An edge agent on a virtual clock, with an arm that follows, and a test in the place of the aggregator. */
import { createHash } from 'node:crypto';
import { createVirtualClock, genesisHash, nextHash, silentLogger } from '@gatehouse/shared';
import type {
  Ack,
  CentreToEdgeChannel,
  Clock,
  Credential,
  Decision,
  EdgeEvent,
  EdgeState,
  EventBatch,
  Logger,
  OnlineState,
  Random,
  VirtualClock,
} from '@gatehouse/shared';
import {
  createMemoryEdgeLink,
  createMemoryOutbox,
  createMemoryOutboxBacking,
} from '../../src/adapters/memory/index.js';
import type { MemoryOutboxBacking } from '../../src/adapters/memory/index.js';
import type { LogLines } from '../../src/app/log-lines.js';
import type { EdgeObserver } from '../../src/app/observer.js';
import { createEdgeAgent, edgeSettingsSchema } from '../../src/index.js';
import type {
  BarrierDriver,
  BarrierListener,
  CredentialRead,
  CredentialReader,
  EdgeAgent,
  EdgeSettingsInput,
  LaneInput,
  MachineUptime,
  OutboxStore,
  RecordingPort,
} from '../../src/index.js';

export const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');

/** Chance that is the same in every run. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const hex = (byteCount: number): string =>
    Array.from({ length: byteCount }, () =>
      Math.floor(next() * 256)
        .toString(16)
        .padStart(2, '0'),
    ).join('');
  return { next, hex };
}

/** An arm with limit switches that takes `travelMs`, two loops, and a log of what was asked of it. */
export class FakeBarrier implements BarrierDriver {
  readonly inputs: ReadonlySet<LaneInput> = new Set([
    'arming',
    'safety',
    'limit-open',
    'limit-closed',
    'fire',
    'ticket-button',
  ] as const);
  readonly requests: string[] = [];
  /** What the sign showed. */
  readonly texts: string[] = [];
  /** How often it was asked to close while something was under the arm. */
  closedUpon = 0;
  readonly levels = new Map<LaneInput, boolean>();
  travelMs = 1_000;
  readonly #clock: VirtualClock;
  #listener: BarrierListener | undefined;
  #cancel: () => void = () => undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
    for (const input of this.inputs) this.levels.set(input, input === 'limit-closed');
  }

  start(listener: BarrierListener): Promise<ReadonlyMap<LaneInput, boolean>> {
    this.#listener = listener;
    return Promise.resolve(new Map(this.levels));
  }

  set(input: LaneInput, active: boolean): void {
    if (this.levels.get(input) === active) return;
    this.levels.set(input, active);
    this.#listener?.onInput({ input, active, monoMs: this.#clock.monoMs() });
  }

  fail(detail: string): void {
    this.#listener?.onTrouble(detail);
  }

  requestOpen(): void {
    this.requests.push('open');
    this.#travel('limit-closed', 'limit-open');
  }

  requestClose(): void {
    this.requests.push('close');
    if (this.levels.get('safety') === true) this.closedUpon += 1;
    this.#travel('limit-open', 'limit-closed');
  }

  setHoldOpen(holdOpen: boolean): void {
    this.requests.push(holdOpen ? 'hold' : 'release');
    if (holdOpen) this.#travel('limit-closed', 'limit-open');
  }

  setLamp(): void {
    // Nobody looks.
  }

  showText(text: string): void {
    this.texts.push(text);
  }

  stop(): Promise<void> {
    this.#listener = undefined;
    this.#cancel();
    return Promise.resolve();
  }

  #travel(from: LaneInput, to: LaneInput): void {
    this.#cancel();
    if (this.levels.get(to) === true) return;
    this.#cancel = this.#clock.setTimer(50, () => {
      this.set(from, false);
      this.#cancel = this.#clock.setTimer(this.travelMs, () => {
        this.set(to, true);
      });
    });
  }
}

export interface HarnessOptions {
  readonly settings?: Partial<EdgeSettingsInput>;
  readonly backing?: MemoryOutboxBacking;
  readonly seed?: number;
  readonly logger?: Logger;
  readonly connected?: boolean;
  readonly clock?: VirtualClock;
  /** Default: `clock`. */
  readonly linkClock?: Clock;
  /** In place of the bench's own arms. */
  readonly lanes?: ReadonlyMap<string, { readonly barrier: BarrierDriver; readonly reader: CredentialReader }>;
  readonly bounds?: { maxEvents?: number; maxBytes?: number };
  /** In place of one in memory: then `backing` stays empty. */
  readonly outbox?: OutboxStore;
  readonly bootId?: string;
  readonly machine?: MachineUptime;
  readonly observer?: EdgeObserver;
  readonly recording?: RecordingPort;
  readonly log?: LogLines;
}

export type Harness = ReturnType<typeof createHarness>;

const defaultGates: EdgeSettingsInput['gates'] = [
  { gateId: 'entry-1', direction: 'entry' },
  { gateId: 'exit-1', direction: 'exit' },
];

export function createHarness(options: HarnessOptions = {}) {
  const clock = options.clock ?? createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
  const backing = options.backing ?? createMemoryOutboxBacking();
  const settings = edgeSettingsSchema.parse({
    siteId: 'site',
    edgeId: 'edge',
    gates: defaultGates,
    ...options.settings,
  });
  const link = createMemoryEdgeLink({ autoConnect: options.connected ?? true });
  const barriers = new Map(settings.gates.map((gate) => [gate.gateId, new FakeBarrier(clock)]));
  let onRead: (read: CredentialRead) => void = () => undefined;
  let restarts = 0;
  const agent: EdgeAgent = createEdgeAgent(
    {
      clock,
      linkClock: options.linkClock ?? clock,
      random: seededRandom(options.seed ?? 1),
      sha256,
      logger: options.logger ?? silentLogger,
      outbox:
        options.outbox ??
        createMemoryOutbox({
          backing,
          sha256,
          ...(options.bounds === undefined ? {} : { bounds: options.bounds }),
        }),
      link,
      barriers: new Map([...barriers].map(([gateId, fake]) => [gateId, options.lanes?.get(gateId)?.barrier ?? fake])),
      readers: [
        ...[...(options.lanes?.values() ?? [])].map((lane) => lane.reader),
        {
          start: (listener) => {
            onRead = listener;
            return Promise.resolve();
          },
          stop: () => Promise.resolve(),
        },
      ],
      recording: options.recording,
      log: options.log,
      bootId: options.bootId ?? 'b'.repeat(32),
      machine: options.machine,
      requestRestart: () => {
        restarts += 1;
      },
    },
    settings,
    options.observer,
  );
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 200; turn += 1) await Promise.resolve();
  };
  const barrier = (gateId: string): FakeBarrier => {
    const found = barriers.get(gateId);
    if (found === undefined) throw new Error(`no gate ${gateId}`);
    return found;
  };
  const batches = (): EventBatch[] =>
    link.peer.published
      .filter(({ channel }) => channel === 'events')
      .map(({ payload }) => JSON.parse(payload) as EventBatch);
  const stored = (): EdgeEvent[] => backing.events.map((event) => JSON.parse(event.json) as EdgeEvent);
  const deliver = async (channel: CentreToEdgeChannel, message: unknown): Promise<void> => {
    link.peer.deliver(channel, JSON.stringify(message));
    await settle();
  };

  return {
    agent,
    clock,
    backing,
    link,
    settings,
    settle,
    barrier,
    batches,
    stored,
    deliver,
    kinds: (): string[] => stored().map((event) => event.kind),
    restarts: (): number => restarts,
    async advance(durationMs: number): Promise<void> {
      await clock.advanceSettled(durationMs, settle);
    },
    async start(): Promise<void> {
      await agent.start();
      await settle();
    },
    async edge(gateId: string, input: LaneInput, active: boolean): Promise<void> {
      barrier(gateId).set(input, active);
      await settle();
    },
    async read(gateId: string, credential: Partial<Credential> & { value: string }): Promise<void> {
      onRead({
        gateId,
        credential: { kind: 'plate', source: 'camera', confidence: 0.95, ...credential },
        monoMs: clock.monoMs(),
      });
      await settle();
    },
    /** Drives over both loops from the arming one on. */
    async driveThrough(gateId: string): Promise<void> {
      for (const [input, active] of [
        ['arming', true],
        ['safety', true],
        ['arming', false],
        ['safety', false],
      ] as const) {
        barrier(gateId).set(input, active);
        await clock.advanceSettled(500, settle);
      }
    },
    /** Acknowledges everything up to `upTo`, as an aggregator that stored it. */
    async acknowledge(upTo: number, change: Partial<Ack> = {}): Promise<void> {
      const { instance } = agent.status();
      const epoch = backing.epoch ?? '';
      const hash = backing.events.find((event) => event.seq === upTo)?.hash ?? genesisHash(sha256, epoch);
      await deliver('acks', { instance, epoch, upTo, hash, conflict: null, ...change });
    },
    async decide(arrival: number, change: Partial<Decision> = {}): Promise<void> {
      const { instance } = agent.status();
      await deliver('decisions', {
        instance,
        epoch: backing.epoch,
        arrival,
        revision: 1,
        outcome: 'admit',
        sessionId: 'c'.repeat(32),
        slot: null,
        basis: 'decision',
        reason: null,
        ttlMs: 10_000,
        ...change,
      });
    },
    states: (): OnlineState[] =>
      link.peer.published
        .filter(({ channel }) => channel === 'state')
        .map(({ payload }) => JSON.parse(payload) as EdgeState)
        .filter((state): state is OnlineState => state.presence === 'online'),
  };
}

/** Checks the hash chain of a batch; answers the hash after it. */
export function chainOf(batch: EventBatch): string {
  return batch.events.reduce<string>((hash, event) => nextHash(sha256, hash, event), batch.prevHash);
}
