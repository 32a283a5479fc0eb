/** Handmade happenings: one site of three slots, one edge with an entry and an exit, told step by step. */
import type { ChangeSet } from '@gatehouse/aggregator';
import { canonicalJson } from '@gatehouse/shared';
import type { EdgeEvent, SiteLayout } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import type { OutboxEvent } from '@gatehouse/edge-agent';
import { createAuditor } from '../../../src/world/auditor/index.js';
import type { WorldAuditor } from '../../../src/world/auditor/index.js';
import type { Happening } from '../../../src/world/happenings.js';

export const siteId = 'site';
export const edgeId = 'edge-1';
export const instance = '1'.repeat(32);

export type Row<T extends keyof ChangeSet> = ChangeSet[T][number];

export function changesOf(part: Partial<ChangeSet>): ChangeSet {
  return {
    sites: [],
    ledgers: [],
    slots: [],
    sessions: [],
    arrivals: [],
    reviews: [],
    credentials: [],
    vehicles: [],
    cursors: [],
    retiredEpochs: [],
    edges: [],
    events: [],
    quarantine: [],
    notices: [],
    audit: [],
    keys: [],
    commands: [],
    idempotency: [],
    allowances: [],
    removedSlots: [],
    removedVehicles: [],
    erasedCredentials: [],
    removedRetiredEpochs: [],
    ...part,
  };
}

export function epochOf(number: number): string {
  return String(number).padStart(32, '0');
}

interface Outbox {
  epoch: string;
  events: OutboxEvent[];
}

/** A part of an event that a test says; the rest is filled in. */
export type Told = { readonly kind: EdgeEvent['kind'] } & Record<string, unknown>;

export class Story {
  readonly auditor: WorldAuditor = createAuditor({ answerMs: 60_000, operatorOpenMs: 30_000 });
  nowMs = 0;
  #seq = 0;
  #auditId = 0;
  #auditHash = '0'.repeat(64);
  readonly outboxes = new Map<string, Outbox>();
  readonly ledger: Row<'ledgers'> = {
    siteId,
    count: 0,
    entriesTotal: 0,
    exitsTotal: 0,
    ticketsIssued: 0,
    recoveringEdges: [],
    unmatchedExits: [],
  };

  constructor() {
    this.store({
      sites: [this.siteRow()],
      ledgers: [this.ledgerRow(0)],
      edges: [this.edgeRow()],
      slots: ['a-1', 'a-2', 'a-3'].map((slotId) => this.slot(slotId, {})),
    });
    this.tell({ type: 'started', machine: edgeId, detail: '' });
    this.beginEpoch(epochOf(1));
    this.state();
  }

  get found(): string[] {
    return [...new Set(this.auditor.findings.map(({ promise }) => promise))];
  }

  tell(happening: Happening): void {
    this.nowMs += 1;
    this.#seq += 1;
    this.auditor.onHappening({ seq: this.#seq, atMs: this.nowMs, happening });
  }

  wait(ms: number): void {
    this.nowMs += ms;
  }

  drained(): void {
    this.auditor.onDrained(this.nowMs);
  }

  // -------------------------------------------------------------- rows

  siteRow(layout: object = {}): Row<'sites'> {
    const gates = [
      { gateId: 'entry-1', edgeId, direction: 'entry' },
      { gateId: 'exit-1', edgeId, direction: 'exit' },
    ];
    return {
      siteId,
      version: 1,
      retiredGates: [],
      layout: { capacity: null, gates, ...layout } as unknown as SiteLayout,
    };
  }

  edgeRow(change: Partial<Row<'edges'>> = {}): Row<'edges'> {
    return {
      edgeId,
      siteId,
      name: edgeId,
      secretHash: null,
      enrolmentCodeHash: null,
      enrolmentExpiresAtMs: null,
      registeredAtMs: 0,
      enrolledAtMs: 0,
      revokedAtMs: null,
      ...change,
    };
  }

  slot(slotId: string, change: Partial<Row<'slots'>>): Row<'slots'> {
    return {
      siteId,
      slotId,
      zoneId: 'a',
      label: slotId,
      slotClass: 'standard',
      rank: 0,
      state: 'free',
      sessionId: null,
      arrivalKey: null,
      heldBy: null,
      heldEpoch: null,
      confirmed: true,
      frozen: false,
      outOfService: null,
      recall: null,
      ...change,
    };
  }

  held(slotId: string): Row<'slots'> {
    return this.slot(slotId, { state: 'held', heldBy: edgeId, heldEpoch: this.outbox().epoch });
  }

  reserved(slotId: string, seq: number): Row<'slots'> {
    return this.slot(slotId, { state: 'reserved', arrivalKey: this.key(seq), sessionId: `s-${String(seq)}` });
  }

  occupied(slotId: string, sessionId: string): Row<'slots'> {
    return this.slot(slotId, { state: 'occupied', sessionId });
  }

  session(sessionId: string, change: Partial<Row<'sessions'>>): Row<'sessions'> {
    this.ledger.ticketsIssued += 1;
    return {
      siteId,
      sessionId,
      ticket: 1,
      credentialId: null,
      vehicleId: null,
      slotClass: 'standard',
      slotId: null,
      state: 'open',
      entryAtMs: 0,
      entryGateId: 'entry-1',
      entryBasis: 'decision',
      exitAtMs: null,
      exitGateId: null,
      exitBasis: null,
      durationMs: null,
      uncertainSinceMs: null,
      exitAuthorised: false,
      earlierExitDue: false,
      entryEventKey: null,
      ...change,
    };
  }

  arrival(seq: number, change: Partial<Row<'arrivals'>>): Row<'arrivals'> {
    return {
      siteId,
      edgeId,
      epoch: this.outbox().epoch,
      seq,
      gateId: 'entry-1',
      direction: 'entry',
      credentialId: null,
      vehicleId: null,
      slotClass: 'standard',
      atMs: 0,
      receivedAtMs: 0,
      state: 'open',
      decision: null,
      localOutcome: null,
      endedAtMs: null,
      ...change,
    };
  }

  decision(slotId: string | null, change: object = {}): NonNullable<Row<'arrivals'>['decision']> {
    return {
      revision: 1,
      outcome: 'admit',
      sessionId: 'x',
      slotId,
      basis: 'decision',
      reason: null,
      ttlMs: 30_000,
      atMs: 0,
      ...change,
    };
  }

  /** The ledger with the count moved. */
  ledgerRow(by: number, change: Partial<Row<'ledgers'>> = {}): Row<'ledgers'> {
    this.ledger.count += by;
    return { ...Object.assign(this.ledger, change), ticketsIssued: 1_000 };
  }

  review(kind: string, about: Partial<Row<'reviews'>> = {}): Row<'reviews'> {
    return {
      siteId,
      reviewId: `${kind}-${String(this.#seq)}`,
      kind: kind as Row<'reviews'>['kind'],
      gateId: null,
      edgeId,
      sessionId: null,
      candidates: [],
      credentialId: null,
      openedAtMs: 0,
      detail: '',
      resolvedAtMs: null,
      resolvedBy: null,
      resolution: null,
      ...about,
    };
  }

  audit(action: string): Row<'audit'> {
    this.#auditId += 1;
    const content = {
      auditId: this.#auditId,
      atMs: 0,
      by: 'somebody',
      action,
      siteId,
      target: null,
      reason: 'why not',
      detail: '{}',
      prevHash: this.#auditHash,
    };
    this.#auditHash = sha256(canonicalJson(content));
    return { ...content, hash: this.#auditHash };
  }

  cursor(upTo: number, machine = edgeId): Row<'cursors'> {
    const { epoch, events } = this.outbox(machine);
    const hash = upTo === 0 ? sha256(epoch) : (events[upTo - 1]?.hash ?? '');
    return { edgeId, epoch, upTo, hash, clockOffsetMs: null, lastEventAtMs: null };
  }

  eventRow(seq: number, machine = edgeId): Row<'events'> {
    const { epoch, events } = this.outbox(machine);
    const outboxEvent = events[seq - 1];
    if (outboxEvent === undefined) throw new RangeError(`no event ${String(seq)}`);
    const event = JSON.parse(outboxEvent.json) as EdgeEvent;
    const { origin } = event;
    return {
      edgeId,
      epoch,
      seq,
      siteId,
      gateId: 'gateId' in event ? event.gateId : null,
      kind: event.kind,
      hash: outboxEvent.hash,
      atMs: 0,
      receivedAtMs: 0,
      credentialId: null,
      body: outboxEvent.json,
      origin: origin === undefined ? null : `${origin.epoch}:${String(origin.seq)}:${origin.hash}`,
      flags: [],
    };
  }

  command(id: string): Row<'commands'> {
    return {
      commandId: id,
      siteId,
      gateId: 'entry-1',
      edgeId,
      kind: 'open',
      by: 'somebody',
      reason: '',
      createdAtMs: 0,
      state: 'sent',
      endedAtMs: null,
      detail: null,
    };
  }

  key(seq: number): string {
    return `${edgeId}:${this.outbox().epoch}:${String(seq)}`;
  }

  // -------------------------------------------------------------- the outbox

  outbox(machine = edgeId): Outbox {
    const outbox = this.outboxes.get(machine);
    if (outbox === undefined) throw new Error(`no outbox of ${machine}`);
    return outbox;
  }

  beginEpoch(epoch: string, told: readonly Told[] = [], machine = edgeId): void {
    this.outboxes.set(machine, { epoch, events: [] });
    const events = told.map((event) => this.chained(event, machine));
    this.tell({ type: 'outbox-committed', machine, edgeId, epoch, events, beginsEpoch: true });
  }

  /** Chains an event without committing it. */
  chained(told: Told, machine = edgeId): OutboxEvent {
    const outbox = this.outbox(machine);
    const last = outbox.events.at(-1);
    const json = canonicalJson({ atMs: 0, monoMs: 0, bootId: 'b'.repeat(32), ...gateOf(told), ...told });
    const hash = sha256((last?.hash ?? sha256(outbox.epoch)) + json);
    const event = { seq: outbox.events.length + 1, json, hash };
    outbox.events.push(event);
    return event;
  }

  /** Commits events; answers the seq of the last one. */
  commit(...told: Told[]): number {
    const events = told.map((event) => this.chained(event));
    this.committed(events);
    return this.outbox().events.length;
  }

  committed(events: readonly OutboxEvent[], machine = edgeId): void {
    const { epoch } = this.outbox(machine);
    this.tell({ type: 'outbox-committed', machine, edgeId, epoch, events, beginsEpoch: false });
  }

  released(upTo: number): void {
    this.tell({ type: 'outbox-acknowledged', machine: edgeId, epoch: this.outbox().epoch, upTo });
  }

  /** The outbox holds these events from now on. */
  replaced(epoch: string | null, events: OutboxEvent[] = [], acked = 0): void {
    if (epoch !== null) this.outboxes.set(edgeId, { epoch, events: [...events] });
    const next = events.length + 1;
    this.tell({ type: 'outbox-replaced', machine: edgeId, edgeId, epoch, next, acked, events });
  }

  // -------------------------------------------------------------- the store and the wire

  store(part: Partial<ChangeSet>): void {
    this.tell({ type: 'store-committed', changes: changesOf(part) });
  }

  /** Stores events from `from` to `upTo`, with the cursor and whatever else changes. */
  take(from: number, upTo: number, part: Partial<ChangeSet> = {}): void {
    const events: Row<'events'>[] = [];
    for (let seq = from; seq <= upTo; seq += 1) events.push(this.eventRow(seq));
    this.store({ events, cursors: [this.cursor(upTo)], ...part });
  }

  publish(by: string, channel: string, message: object): void {
    this.tell({ type: 'published', by, topic: topicOf(channel), payload: JSON.stringify(message) });
  }

  deliver(to: string, channel: string, message: object): void {
    this.tell({ type: 'delivered', to, topic: topicOf(channel), payload: JSON.stringify(message), copy: 1 });
  }

  ack(upTo: number, change: object = {}): void {
    const { epoch, hash } = this.cursor(upTo);
    this.publish('aggregator', 'acks', { instance, epoch, upTo, hash, conflict: null, ...change });
  }

  stateMessage(change: object = {}): object {
    const { epoch, events } = this.outbox();
    const clock = { atMs: this.nowMs, monoMs: this.nowMs, bootId: 'b'.repeat(32) };
    const next = events.length + 1;
    return { presence: 'online', instance, epoch, oldest: 1, next, acked: 0, clock, gates: [], ...change };
  }

  state(change: object = {}): void {
    this.publish(edgeId, 'state', this.stateMessage(change));
  }

  send(first: number): void {
    const { epoch, events } = this.outbox();
    const sent = events.slice(first - 1).map((event) => JSON.parse(event.json) as object);
    this.publish(edgeId, 'events', { instance, epoch, first, prevHash: '', waiting: [], events: sent });
  }

  decisionMessage(seq: number, slotId: string | null, change: object = {}): object {
    const slot = slotId === null ? null : { slotId, zoneId: 'a', label: slotId, slotClass: 'standard' };
    return {
      instance,
      epoch: this.outbox().epoch,
      arrival: seq,
      revision: 1,
      outcome: 'admit',
      sessionId: null,
      slot,
      basis: 'decision',
      reason: null,
      ttlMs: 30_000,
      ...change,
    };
  }

  commandMessage(id: string, change: object = {}): object {
    const deadlineMono = this.nowMs + 5_000;
    return { instance, id, gateId: 'entry-1', kind: 'open', deadlineMono, by: 'somebody', reason: '', ...change };
  }

  // -------------------------------------------------------------- the street

  stands(vehicle: string, gateId = 'entry-1'): void {
    const direction = gateId === 'entry-1' ? 'entry' : 'exit';
    this.tell({ type: 'vehicle-stands', vehicle, plate: vehicle.toUpperCase(), gateId, direction });
  }

  through(vehicle: string, change: object = {}, gateId = 'entry-1'): void {
    const direction = gateId === 'entry-1' ? 'entry' : 'exit';
    this.tell({
      type: 'vehicle-through',
      vehicle,
      gateId,
      direction,
      way: 'as-let-in',
      healthy: true,
      ...change,
    });
  }

  open(gateId = 'entry-1'): void {
    this.tell({ type: 'open-requested', gateId, machine: edgeId });
  }

  // -------------------------------------------------------------- whole steps, as they should be

  /** A vehicle arrives, and its arrival is durable; answers its seq. */
  arrives(vehicle: string, gateId = 'entry-1'): number {
    this.stands(vehicle, gateId);
    const direction = gateId === 'entry-1' ? 'entry' : 'exit';
    const credential = { kind: 'plate', value: vehicle.toUpperCase(), source: 'camera', confidence: 1 };
    return this.commit({
      kind: 'vehicle-arrived',
      gateId,
      direction,
      credential,
      vehicleClass: null,
      supersedes: null,
    });
  }

  /** The arrival is stored and admitted to the slot, and the decision sent and delivered. */
  admitted(seq: number, slotId: string): void {
    this.send(seq);
    this.take(seq, seq, {
      arrivals: [this.arrival(seq, { decision: this.decision(slotId) })],
      slots: [this.reserved(slotId, seq)],
    });
    this.ack(seq);
    this.publish('aggregator', 'decisions', this.decisionMessage(seq, slotId));
    this.deliver(edgeId, 'decisions', this.decisionMessage(seq, slotId));
  }

  /** It goes in, which is recorded; answers the seq. */
  goesIn(vehicle: string, arrival: number, slotId: string | null, basis = 'decision'): number {
    this.open();
    this.through(vehicle);
    return this.commit({ kind: 'vehicle-passed', direction: 'entry', arrival, slotId, basis, flags: [] });
  }

  /** That it went in is stored. */
  inside(arrival: number, passed: number, slotId: string, session: Partial<Row<'sessions'>> = {}): void {
    const sessionId = session.sessionId ?? `s-${String(arrival)}`;
    this.send(passed);
    this.take(passed, passed, {
      arrivals: [this.arrival(arrival, { state: 'passed' })],
      slots: [this.occupied(slotId, sessionId)],
      sessions: [this.session(sessionId, { slotId, ...session })],
      ledgers: [this.ledgerRow(1)],
    });
    this.ack(passed);
    this.released(passed);
  }

  /** The whole way in, online. */
  enters(vehicle: string, slotId: string): { arrival: number; passed: number } {
    const arrival = this.arrives(vehicle);
    this.admitted(arrival, slotId);
    const passed = this.goesIn(vehicle, arrival, slotId);
    const credentialId = `c-${vehicle}`;
    this.store({ credentials: [{ credentialId, kind: 'plate', value: vehicle.toUpperCase() }] });
    this.inside(arrival, passed, slotId, { credentialId });
    return { arrival, passed };
  }

  /** Arrives at the exit and is out, both durable; answers the seq of the arrival. */
  goesOut(vehicle: string): number {
    const arrival = this.arrives(vehicle, 'exit-1');
    this.commit({ kind: 'vehicle-admitted', gateId: 'exit-1', arrival, slotId: null, basis: 'exit-alone' });
    this.open('exit-1');
    this.through(vehicle, {}, 'exit-1');
    const rest = { direction: 'exit', arrival, slotId: null, basis: 'exit-alone', flags: [] };
    this.commit({ kind: 'vehicle-passed', gateId: 'exit-1', ...rest });
    return arrival;
  }

  /** Slot by slot the edge may give out by itself. */
  setAside(...slotIds: string[]): void {
    this.store({ slots: slotIds.map((slotId) => this.held(slotId)) });
  }

  /** Tells and stores whatever is in the outbox, as a drained world ends. */
  drains(from: number): void {
    const upTo = this.outbox().events.length;
    if (upTo >= from) this.take(from, upTo);
    this.released(upTo);
    this.drained();
  }
}

function gateOf(told: Told): object {
  return ['events-lost', 'allowance-accepted'].includes(told.kind) ? {} : { gateId: 'entry-1' };
}

export function topicOf(channel: string): string {
  return `gatehouse/v1/${siteId}/${edgeId}/${channel}`;
}
