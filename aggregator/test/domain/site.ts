/** A site under test: given what happened, when an input comes, then these facts. */
import type { EdgeEvent, EdgeEventOf, EdgeEventKind, SiteLayout, SlotClass } from '@gatehouse/shared';
import { siteLayoutSchema } from '@gatehouse/shared';
import { decide, evolve, newSite, restoreSite, takeChanges } from '../../src/domain/engine.js';
import type { SiteFact, SiteState } from '../../src/domain/engine.js';
import { newAllowance } from '../../src/domain/evolve-allowance.js';
import type { AllowanceEdge, EdgeEventInput, KnownCredential, SiteInput } from '../../src/domain/inputs.js';
import type { SessionRow, SlotRow, VehicleView } from '../../src/domain/rows.js';
import { arrivalKey } from '../../src/domain/rows.js';

export const epochA = 'a'.repeat(32);
export const epochB = 'b'.repeat(32);
const bootId = '0'.repeat(32);
const startMs = Date.UTC(2030, 0, 7, 8);

export interface Gate {
  readonly gateId: string;
  readonly edgeId: string;
}

export function layout(changes: Partial<SiteLayout> & { slotCount?: number } = {}): SiteLayout {
  const { slotCount = 3, ...rest } = changes;
  return siteLayoutSchema.parse({
    siteId: 'site',
    name: 'Site',
    zones: [{ zoneId: 'ground', name: 'Ground' }],
    slots: Array.from({ length: slotCount }, (_, index) => ({
      slotId: `s${String(index + 1)}`,
      zoneId: 'ground',
      label: String(index + 1),
    })),
    gates: [
      { gateId: 'in', edgeId: 'edge-in', name: 'In', direction: 'entry' },
      { gateId: 'out', edgeId: 'edge-out', name: 'Out', direction: 'exit' },
    ],
    ...rest,
  });
}

export interface ArrivalOptions {
  readonly plate?: string;
  readonly vehicle?: VehicleView;
  readonly vehicleClass?: SlotClass;
  readonly waiting?: boolean;
  readonly gate?: Gate;
}

export type EventOf<K extends EdgeEventKind> = Omit<EdgeEventOf<K>, 'kind' | 'atMs' | 'monoMs' | 'bootId'>;

export class TestSite {
  state: SiteState = newSite('site');
  nowMs = startMs;
  private ids = 0;
  private readonly seqs = new Map<string, number>();
  epochs = new Map<string, string>();

  constructor(siteLayout: SiteLayout = layout()) {
    this.apply({ type: 'put-layout', layout: siteLayout, by: 'test', reason: 'start' });
    for (const gate of siteLayout.gates) this.apply({ type: 'edge-currency', edgeId: gate.edgeId, current: true });
    takeChanges(this.state);
  }

  apply(input: SiteInput): readonly SiteFact[] {
    const before = JSON.stringify(this.rows());
    const facts = decide(this.state, input, { nowMs: this.nowMs, newId: () => this.newId(), decisionTtlMs: 60_000 });
    if (JSON.stringify(this.rows()) !== before) throw new Error('decide changed the state');
    for (const fact of facts) evolve(this.state, fact);
    return facts;
  }

  newId(): string {
    this.ids += 1;
    return this.ids.toString(16).padStart(32, '0');
  }

  /** Sets slots aside for an edge, as a store would give them back. */
  hold(edgeId: string, ...slotIds: string[]): this {
    const { site, ledger } = this.state;
    if (site === null) throw new Error('no layout');
    const slots = [...this.state.slots.values()].map((slot) =>
      slotIds.includes(slot.slotId)
        ? { ...slot, state: 'held' as const, heldBy: edgeId, heldEpoch: this.epochOf(edgeId) }
        : slot,
    );
    const allowance = { ...newAllowance('site', edgeId, this.epochOf(edgeId)), version: 2, slotIds, settled: false };
    const allowances = [...this.state.allowances.values(), allowance];
    this.state = restoreSite({
      site,
      ledger,
      slots,
      allowances,
      sessions: [],
      arrivals: [],
      reviews: [],
      credentials: new Map(),
    });
    return this;
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  credential(value: string): KnownCredential {
    return { credentialId: `c-${value}`, kind: 'plate', value };
  }

  event(
    edgeId: string,
    event: { readonly kind: EdgeEventKind; readonly [member: string]: unknown },
    more: Partial<EdgeEventInput> = {},
  ): { seq: number; facts: readonly SiteFact[] } {
    const seq = this.nextSeq(edgeId);
    const facts = this.apply({
      type: 'edge-event',
      edgeId,
      epoch: this.epochOf(edgeId),
      seq,
      event: { ...event, atMs: this.nowMs, monoMs: 1, bootId } as unknown as EdgeEvent,
      atMs: this.nowMs,
      waiting: false,
      credential: null,
      vehicle: null,
      ...more,
    });
    return { seq, facts };
  }

  /** Looks at the shares of the edges of all entry gates, with all that they have written applied. */
  plan(options: { isShort?: boolean; edges?: readonly (Partial<AllowanceEdge> & { edgeId: string })[] } = {}) {
    const edges = (options.edges ?? [{ edgeId: 'edge-in' }]).map((edge) => ({
      epoch: this.epochOf(edge.edgeId),
      asOf: this.seqs.get(edge.edgeId) ?? 0,
      reportedVersion: 0,
      accessVersion: 0,
      vehicleClasses: [null],
      ...edge,
    }));
    return this.apply({ type: 'plan-allowance', edges, isShort: options.isShort ?? false });
  }

  nextSeq(edgeId: string): number {
    const seq = (this.seqs.get(edgeId) ?? 0) + 1;
    this.seqs.set(edgeId, seq);
    return seq;
  }

  epochOf(edgeId: string): string {
    return this.epochs.get(edgeId) ?? epochA;
  }

  /** A vehicle presents itself; answers its seq. */
  arrive(direction: 'entry' | 'exit', options: ArrivalOptions = {}): number {
    const gate =
      options.gate ??
      (direction === 'entry' ? { gateId: 'in', edgeId: 'edge-in' } : { gateId: 'out', edgeId: 'edge-out' });
    const credential = options.plate === undefined ? null : this.credential(options.plate);
    return this.event(
      gate.edgeId,
      {
        kind: 'vehicle-arrived',
        gateId: gate.gateId,
        direction,
        credential:
          credential === null ? null : { kind: 'plate', value: credential.value, source: 'camera', confidence: 0.9 },
        vehicleClass: options.vehicleClass ?? null,
        supersedes: null,
      },
      { waiting: options.waiting ?? true, credential, vehicle: options.vehicle ?? null },
    ).seq;
  }

  pass(
    direction: 'entry' | 'exit',
    arrival: number | null,
    more: Partial<EventOf<'vehicle-passed'>> = {},
  ): readonly SiteFact[] {
    const gate = direction === 'entry' ? { gateId: 'in', edgeId: 'edge-in' } : { gateId: 'out', edgeId: 'edge-out' };
    return this.event(gate.edgeId, {
      kind: 'vehicle-passed',
      gateId: gate.gateId,
      direction,
      arrival,
      slotId: null,
      basis: 'decision',
      flags: [],
      ...more,
    }).facts;
  }

  /** A vehicle arrives, is admitted and goes through. Answers its session. */
  enter(plate?: string, options: ArrivalOptions = {}): SessionRow {
    const known = new Set(this.state.sessions.keys());
    this.pass('entry', this.arrive('entry', { ...options, ...(plate === undefined ? {} : { plate }) }));
    const session = [...this.state.sessions.values()].find(({ sessionId }) => !known.has(sessionId));
    if (session === undefined) throw new Error('no session was opened');
    return session;
  }

  leave(plate?: string): readonly SiteFact[] {
    return this.pass('exit', this.arrive('exit', plate === undefined ? {} : { plate }));
  }

  decisionOf(
    seq: number,
    edgeId = 'edge-in',
  ): {
    outcome: string;
    reason: string | null;
    slotId: string | null;
    sessionId: string | null;
    revision: number;
  } | null {
    return this.state.arrivals.get(arrivalKey({ edgeId, epoch: this.epochOf(edgeId), seq }))?.decision ?? null;
  }

  slot(slotId: string): SlotRow {
    const slot = this.state.slots.get(slotId);
    if (slot === undefined) throw new Error(`no slot ${slotId}`);
    return slot;
  }

  openReviews(): string[] {
    return [...this.state.reviews.values()].map(({ kind }) => kind).sort();
  }

  rows(): unknown {
    const { state } = this;
    return [
      state.ledger,
      [...state.slots.values()],
      [...state.allowances.values()],
      [...state.sessions.values()],
      [...state.arrivals.values()],
      [...state.reviews.values()],
    ];
  }
}

function checkHoldings(state: SiteState, fail: (message: string) => never): void {
  const held = [...state.slots.values()].filter((slot) => slot.state === 'held');
  for (const slot of held) {
    const allowance = state.allowances.get(slot.heldBy ?? '');
    if (!slot.frozen && allowance?.epoch !== slot.heldEpoch)
      fail(`slot ${slot.slotId} is held by an edge without a set`);
    if (state.holdings.get(slot.heldBy ?? '')?.slotIds.has(slot.slotId) !== true) fail(`${slot.slotId} is not indexed`);
  }
  const indexed = [...state.holdings.values()].reduce((sum, { slotIds }) => sum + slotIds.size, 0);
  if (indexed !== held.length) fail(`${String(held.length)} slots are held, the index has ${String(indexed)}`);
  const frozen = held.filter((slot) => slot.frozen).length;
  if (state.counts.heldFrozen !== frozen) fail(`${String(frozen)} held slots are frozen`);
  const usable = [...state.holdings.values()].flatMap((holdings) => [...holdings.usable.values()]);
  const expected = held.filter((slot) => !slot.frozen && slot.recall === null).length;
  if (usable.reduce((sum, count) => sum + count, 0) !== expected)
    fail(`${String(expected)} held slots may be given out`);
  for (const allowance of state.allowances.values()) {
    if (new Set(allowance.slotIds).size !== allowance.slotIds.length) fail(`a set has a slot twice`);
    for (const slotId of allowance.slotIds) {
      const slot = state.slots.get(slotId);
      const isTheirs = slot?.state === 'held' && slot.heldBy === allowance.edgeId && !slot.frozen;
      if (!isTheirs || slot.heldEpoch !== allowance.epoch) fail(`${slotId} is in a set and not held`);
    }
  }
}

/** What is kept of the slots of each zone and class is what counting them gives. */
function checkTallies(state: SiteState, fail: (message: string) => never): void {
  const counted = new Map<string, Record<string, number>>();
  for (const { zoneId, slotClass, state: standing, outOfService, frozen, recall } of state.slots.values()) {
    const key = `${zoneId}/${slotClass}`;
    const sums = counted.get(key) ?? {};
    counted.set(key, sums);
    const isInService = outOfService === null;
    const isGivable = standing === 'free' || (standing === 'held' && !frozen && recall === null);
    for (const name of [
      'slots',
      standing === 'free' && !isInService ? 'outOfService' : standing,
      ...(isInService ? ['inService'] : []),
      ...(isInService && isGivable ? ['onOffer'] : []),
    ]) {
      sums[name] = (sums[name] ?? 0) + 1;
    }
  }
  if (counted.size !== state.tallies.size) fail(`${String(state.tallies.size)} zones and classes are tallied`);
  for (const { zoneId, slotClass, counts, slots, inService, onOffer } of state.tallies.values()) {
    const sums = counted.get(`${zoneId}/${slotClass}`) ?? {};
    for (const [name, kept] of Object.entries({ ...counts, slots, inService, onOffer })) {
      if (kept !== (sums[name] ?? 0)) {
        fail(`${name} of ${zoneId}/${slotClass} is tallied as ${String(kept)}, not ${String(sums[name] ?? 0)}`);
      }
    }
  }
}

/** What must hold after every input. Throws with a sentence. */
export function checkInvariants(state: SiteState): void {
  const fail = (message: string): never => {
    throw new Error(message);
  };
  const tally = { free: 0, reserved: 0, occupied: 0, held: 0 };
  const sessionsSeen = new Map<string, string>();
  for (const slot of state.slots.values()) {
    tally[slot.state] += 1;
    if (slot.state === 'occupied') {
      const session =
        state.sessions.get(slot.sessionId ?? '') ?? fail(`slot ${slot.slotId} is occupied by no open session`);
      if (session.slotId !== slot.slotId) fail(`slot ${slot.slotId} is occupied by a session that is elsewhere`);
      if (sessionsSeen.has(session.sessionId)) fail(`session ${session.sessionId} is in two slots`);
      sessionsSeen.set(session.sessionId, slot.slotId);
    }
    if (slot.state === 'reserved' && !state.arrivals.has(slot.arrivalKey ?? ''))
      fail(`slot ${slot.slotId} is reserved for an arrival that ended`);
    if (slot.state === 'free' && (slot.sessionId !== null || slot.arrivalKey !== null || slot.heldBy !== null))
      fail(`free slot ${slot.slotId} still belongs to somebody`);
  }
  for (const session of state.sessions.values()) {
    if (session.slotId !== null && sessionsSeen.get(session.sessionId) !== session.slotId)
      fail(`session ${session.sessionId} says it is in ${session.slotId}`);
  }
  for (const [name, number] of Object.entries(tally)) {
    if (state.counts[name as keyof typeof tally] !== number)
      fail(`${name} is counted as ${String(state.counts[name as keyof typeof tally])}, not ${String(number)}`);
  }
  checkHoldings(state, fail);
  checkTallies(state, fail);
  const free = [...state.slots.values()].filter((slot) => slot.state === 'free' && slot.outOfService === null).length;
  const indexed = [...state.free.values()].reduce((sum, ranks) => sum + ranks.size, 0);
  if (free !== indexed) fail(`${String(free)} slots are available, the index has ${String(indexed)}`);
  for (const credentialId of state.credentials.keys()) {
    const inUse = [...state.sessions.values(), ...state.arrivals.values()].some(
      (row) => row.credentialId === credentialId,
    );
    if (!inUse) fail(`the text of ${credentialId} is kept and nothing refers to it`);
  }
}
