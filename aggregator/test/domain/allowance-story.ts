/**
 * A site and edges that are cut off from it at will, as plain books: what each edge has in its hands by the rules of the wire,
 * what is still in its outbox, and which vehicle physically has which slot.
 */
import type { AllowanceRow } from '../../src/domain/rows.js';
import { restoreSite, takeChanges } from '../../src/domain/engine.js';
import type { SiteState } from '../../src/domain/engine.js';
import type { SiteInput } from '../../src/domain/inputs.js';
import { arrivalKey } from '../../src/domain/rows.js';
import { layout, TestSite } from './site.js';

export const edgeIds = ['edge-1', 'edge-2'] as const;
type EdgeId = (typeof edgeIds)[number];
/** Slots that one acceptance returns at most: few, so that a set is often taken back in parts. */
const maxReturned = 1;

type OutboxEvent = Parameters<TestSite['event']>[1];

interface Edge {
  readonly edgeId: EdgeId;
  epoch: string;
  version: number;
  hands: Set<string>;
  parted: Map<string, number>;
  outbox: OutboxEvent[];
  /** Applied by the centre, and the most it ever told to have stored. */
  upTo: number;
  acked: number;
  /** Every set that was ever sent in this epoch. */
  sent: AllowanceRow[];
  epochs: number;
  /** The centre knows that this edge has been told more than it remembers. */
  isRestoring: boolean;
}

interface Vehicle {
  readonly plate: string;
  readonly edgeId: EdgeId;
  readonly arrival: number;
  readonly epoch: string;
  slotId: string;
  isInside: boolean;
  /** Its entry was lost with an outbox: the site knows nothing of it. */
  isLost?: boolean;
}

interface Backup {
  readonly state: SiteState;
  readonly cursors: Map<string, { epoch: string; upTo: number }>;
}

export class AllowanceStory {
  readonly site: TestSite;
  readonly edges: Edge[];
  readonly vehicles = new Map<string, Vehicle>();
  private plates = 0;
  private backup: Backup | null = null;

  constructor(slotCount: number, sharePercent: number) {
    this.site = new TestSite(
      layout({
        slotCount,
        allowance: { sharePercent, maxSlotsPerEdge: slotCount },
        gates: [
          ...edgeIds.map((edgeId) => ({
            gateId: edgeId,
            edgeId,
            name: 'In',
            direction: 'entry' as const,
            nearestZones: [],
          })),
          { gateId: 'out', edgeId: 'edge-out', name: 'Out', direction: 'exit', nearestZones: [] },
        ],
      }),
    );
    let ids = 0;
    this.site.newId = () => {
      ids += 1;
      return ((ids * 2_654_435_761) % 2 ** 32).toString(16).padStart(32, '0');
    };
    this.edges = edgeIds.map((edgeId) => newEdge(edgeId, 0));
    for (const edge of this.edges) this.site.epochs.set(edge.edgeId, edge.epoch);
  }

  /** The centre's half: applies an input and notes the sets that were made. */
  private apply(input: SiteInput): void {
    for (const fact of this.site.apply(input)) {
      if (fact.type !== 'allowance-made') continue;
      const edge = this.edges.find(({ edgeId }) => edgeId === fact.allowance.edgeId);
      if (edge?.epoch === fact.allowance.epoch)
        edge.sent.push({ ...fact.allowance, slotIds: [...fact.allowance.slotIds] });
    }
  }

  private edge(pick: number): Edge {
    const edge = this.edges[pick % this.edges.length];
    if (edge === undefined) throw new Error('no edge');
    return edge;
  }

  private write(edge: Edge, event: OutboxEvent): number {
    edge.outbox.push({ ...event, atMs: this.site.nowMs });
    return edge.outbox.length;
  }

  /** Some set that was sent, however old, reaches the edge. */
  deliver(pick: number, which: number): void {
    const edge = this.edge(pick);
    const set = edge.sent[edge.sent.length - 1 - (which % Math.max(1, edge.sent.length))];
    if (set === undefined || set.version <= edge.version || set.asOf > edge.outbox.length) return;
    const offered = new Set(set.slotIds.filter((slotId) => (edge.parted.get(slotId) ?? 0) <= set.asOf));
    const surplus = [...edge.hands].filter((slotId) => !set.slotIds.includes(slotId));
    const returned = surplus.slice(0, maxReturned);
    const remaining = surplus.slice(maxReturned);
    const kept = [...edge.hands].filter((slotId) => set.slotIds.includes(slotId));
    edge.hands = new Set([...kept, ...offered, ...remaining]);
    edge.version = set.version;
    const seq = this.write(edge, {
      kind: 'allowance-accepted',
      version: set.version,
      returned,
      remaining: remaining.length,
    });
    for (const slotId of returned) edge.parted.set(slotId, seq);
  }

  /** A vehicle comes to an entry that is cut off. */
  admitAlone(pick: number): void {
    const edge = this.edge(pick);
    const [slotId] = edge.hands;
    if (slotId === undefined) return;
    const plate = this.newPlate();
    const arrival = this.write(edge, this.arrived(edge, plate));
    const seq = this.write(edge, {
      kind: 'vehicle-admitted',
      gateId: edge.edgeId,
      arrival,
      slotId,
      basis: 'allowance',
    });
    edge.hands.delete(slotId);
    edge.parted.set(slotId, seq);
    this.vehicles.set(plate, { plate, edgeId: edge.edgeId, arrival, epoch: edge.epoch, slotId, isInside: false });
  }

  /** A vehicle comes to an entry that is connected; whoever is told to take its own does. */
  admitOnline(pick: number): void {
    const edge = this.edge(pick);
    this.contact(pick);
    const plate = this.newPlate();
    const arrival = this.write(edge, this.arrived(edge, plate));
    this.transmit(edge, arrival);
    const decision = this.site.state.arrivals.get(
      arrivalKey({ edgeId: edge.edgeId, epoch: edge.epoch, seq: arrival }),
    )?.decision;
    const own = decision?.outcome === 'own' ? [...edge.hands][0] : undefined;
    if (own !== undefined) {
      const seq = this.write(edge, {
        kind: 'vehicle-admitted',
        gateId: edge.edgeId,
        arrival,
        slotId: own,
        basis: 'allowance',
      });
      edge.hands.delete(own);
      edge.parted.set(own, seq);
    }
    const slotId = own ?? decision?.slotId ?? null;
    if (slotId === null) {
      this.write(edge, {
        kind: 'arrival-void',
        gateId: edge.edgeId,
        arrival,
        slotId: null,
        basis: 'none',
        reason: 'left',
      });
      return;
    }
    this.vehicles.set(plate, { plate, edgeId: edge.edgeId, arrival, epoch: edge.epoch, slotId, isInside: false });
  }

  /** A vehicle that was admitted goes in, or backs out. */
  finish(pick: number, passes: boolean): void {
    const waiting = [...this.vehicles.values()].filter(({ isInside }) => !isInside);
    const vehicle = waiting[pick % Math.max(1, waiting.length)];
    const edge = this.edges.find(({ edgeId }) => edgeId === vehicle?.edgeId);
    if (vehicle === undefined || edge?.epoch !== vehicle.epoch) return;
    const { arrival, slotId } = vehicle;
    const basis = 'allowance';
    if (passes) {
      vehicle.isInside = true;
      this.write(edge, {
        kind: 'vehicle-passed',
        gateId: edge.edgeId,
        direction: 'entry',
        arrival,
        slotId,
        basis,
        flags: [],
      });
    } else {
      this.vehicles.delete(vehicle.plate);
      this.write(edge, { kind: 'vehicle-backed-out', gateId: edge.edgeId, arrival, slotId, basis });
    }
  }

  leave(pick: number): void {
    const inside = [...this.vehicles.values()].filter(({ isInside, isLost }) => isInside && isLost !== true);
    const vehicle = inside[pick % Math.max(1, inside.length)];
    if (vehicle === undefined) return;
    this.vehicles.delete(vehicle.plate);
    // Whoever has something to tell is known to be cut off by now.
    for (const { edgeId, upTo, outbox } of this.edges) {
      if (upTo < outbox.length) this.apply({ type: 'edge-currency', edgeId, current: false });
    }
    this.site.wait(60_000);
    this.site.leave(vehicle.plate);
  }

  /** The edge is heard, and all or a part of its outbox is applied. */
  sync(pick: number, count: number): void {
    const edge = this.edge(pick);
    this.hear(edge);
    for (let left = count; left > 0 && edge.upTo < edge.outbox.length; left -= 1) this.transmit(edge, null);
    this.hear(edge);
  }

  /** Everything the edge has written is applied. */
  contact(pick: number): void {
    this.sync(pick, Number.POSITIVE_INFINITY);
  }

  /** Everybody is heard, and every last set is delivered and accepted, until nothing changes. */
  heal(): void {
    while ([...this.vehicles.values()].some((vehicle) => !vehicle.isInside)) this.finish(0, true);
    for (let round = 0; round < 12; round += 1) {
      this.edges.forEach((_, index) => {
        this.contact(index);
        this.deliver(index, 0);
        this.contact(index);
      });
      this.plan(true, 0);
      this.lookAround();
    }
  }

  /** A person has looked at what edges gave out whose outboxes were replaced. */
  private lookAround(): void {
    for (const { reviewId, kind } of [...this.site.state.reviews.values()]) {
      if (kind !== 'epoch-replaced') continue;
      const act = { by: 'operator', reason: 'looked', resolution: 'looked', sessionId: null };
      this.apply({ type: 'resolve-review', reviewId, ...act });
    }
  }

  /** What a `state` tells: a store that is behind it was restored; an edge that is not behind is current. */
  private hear(edge: Edge): void {
    const { edgeId } = edge;
    const row = this.site.state.allowances.get(edgeId);
    const known = row?.epoch === edge.epoch ? row.version : 0;
    const isForeign = edge.version > known && row?.mustReport !== true;
    const isAhead = edge.acked > edge.upTo && !edge.isRestoring;
    if (isForeign || isAhead) this.apply({ type: 'store-restored', edgeId });
    if (isAhead) edge.isRestoring = true;
    const current = edge.upTo === edge.outbox.length;
    if (current) edge.isRestoring = false;
    this.apply({ type: 'edge-currency', edgeId, current });
    if (current) this.apply({ type: 'edge-recovered', edgeId });
    const now = this.site.state.allowances.get(edgeId);
    const isOutstanding = now?.settled === false && now.epoch === edge.epoch;
    // Sent again, without what has left it since.
    if (isOutstanding && now.version > edge.version) edge.sent.push({ ...now, slotIds: [...now.slotIds] });
  }

  private transmit(edge: Edge, waitingFor: number | null): void {
    while (edge.upTo < edge.outbox.length) {
      const event = edge.outbox[edge.upTo];
      if (event === undefined) return;
      edge.upTo += 1;
      edge.acked = Math.max(edge.acked, edge.upTo);
      const plate = (event as { plate?: string }).plate;
      const credential = plate === undefined ? null : this.site.credential(plate);
      this.apply({
        type: 'edge-event',
        edgeId: edge.edgeId,
        epoch: edge.epoch,
        seq: edge.upTo,
        event: { ...event, monoMs: 1, bootId: '0'.repeat(32) } as never,
        atMs: Number(event.atMs),
        waiting: waitingFor === edge.upTo,
        credential,
        vehicle: null,
      });
      if (waitingFor === null) return;
    }
  }

  plan(isShort: boolean, staleBy: number): void {
    const edges = this.edges.map((edge) => ({
      edgeId: edge.edgeId,
      epoch: edge.epoch,
      asOf: edge.upTo,
      reportedVersion: Math.max(0, edge.version - staleBy),
      accessVersion: 0,
      vehicleClasses: [null],
    }));
    this.apply({ type: 'plan-allowance', edges, isShort });
  }

  /** An operator wants a slot out of service, or back. */
  service(pick: number, isOut: boolean): void {
    const slotId = `s${String((pick % this.site.state.slots.size) + 1)}`;
    this.apply({ type: 'set-out-of-service', slotId, outOfService: isOut, by: 'x', reason: 'y' });
  }

  /** The outbox is lost, with what was not sent and with the allowance. */
  replaceEpoch(pick: number): void {
    // What is lost on both sides at once nobody can know, nor whose an exit was when the entry is lost.
    const { recoveringEdges, unmatchedExits } = this.site.state.ledger;
    if (recoveringEdges.length + unmatchedExits.length > 0) return;
    const edge = this.edge(pick);
    const fresh = newEdge(edge.edgeId, edge.epochs + 1);
    this.apply({
      type: 'epoch-replaced',
      edgeId: edge.edgeId,
      epoch: fresh.epoch,
      previousEpoch: edge.epoch,
      cause: 'test',
    });
    for (const [plate, vehicle] of this.vehicles) {
      if (vehicle.edgeId !== edge.edgeId || vehicle.epoch !== edge.epoch) continue;
      if (!vehicle.isInside) this.vehicles.delete(plate);
      vehicle.isLost = !this.site.state.sessionsByCredential.has(`c-${plate}`);
    }
    this.site.epochs.set(edge.edgeId, fresh.epoch);
    this.edges[this.edges.indexOf(edge)] = fresh;
  }

  save(): void {
    takeChanges(this.site.state);
    const cursors = new Map(this.edges.map(({ edgeId, epoch, upTo }) => [edgeId as string, { epoch, upTo }]));
    this.backup = { state: copyOf(this.site.state), cursors };
  }

  /** The centre's store is replaced by the copy; every edge is heard before anything else. */
  restore(): void {
    const { backup } = this;
    if (backup === null) return;
    // An outbox that began after the copy was made is another story.
    if (this.edges.some(({ edgeId, epoch }) => backup.cursors.get(edgeId)?.epoch !== epoch)) return;
    this.site.state = copyOf(backup.state);
    for (const edge of this.edges) {
      edge.upTo = backup.cursors.get(edge.edgeId)?.upTo ?? 0;
      edge.isRestoring = false;
    }
    this.edges.forEach((_, index) => {
      this.sync(index, 0);
    });
    // Nobody could tell that it was restored: what it had sent since must not turn up any more.
    if (this.site.state.ledger.recoveringEdges.length === 0) for (const edge of this.edges) edge.sent = [];
  }

  /** No slot is in two hands, be it of an edge or of a vehicle. */
  check(): void {
    const owners = new Map<string, string>();
    const claim = (slotId: string, owner: string): void => {
      const other = owners.get(slotId);
      if (other !== undefined) throw new Error(`slot ${slotId} belongs to ${other} and to ${owner}`);
      owners.set(slotId, owner);
    };
    for (const edge of this.edges) for (const slotId of edge.hands) claim(slotId, `the hands of ${edge.edgeId}`);
    for (const { slotId, plate } of this.vehicles.values()) claim(slotId, plate);
    for (const slot of this.site.state.slots.values()) {
      const isGivenAway =
        this.site.state.ledger.recoveringEdges.length === 0 && slot.state === 'free' && owners.has(slot.slotId);
      if (isGivenAway)
        throw new Error(`slot ${slot.slotId} is taken for free and belongs to ${owners.get(slot.slotId) ?? ''}`);
    }
  }

  private newPlate(): string {
    this.plates += 1;
    // Far from one another, so that none is taken for a misread other.
    return `P${String(this.plates * 7919).padStart(9, '0')}${'ABCDEFGH'.charAt(this.plates % 8)}`;
  }

  private arrived(edge: Edge, plate: string): OutboxEvent {
    const credential = { kind: 'plate', value: plate, source: 'camera', confidence: 0.9 };
    const members = { gateId: edge.edgeId, direction: 'entry', credential, vehicleClass: null, supersedes: null };
    return { kind: 'vehicle-arrived', ...members, plate };
  }
}

function newEdge(edgeId: EdgeId, epochs: number): Edge {
  const epoch = `${edgeId === 'edge-1' ? '1' : '2'}${String(epochs)}`.padEnd(32, '0');
  return {
    edgeId,
    epoch,
    version: 0,
    hands: new Set(),
    parted: new Map(),
    outbox: [],
    upTo: 0,
    acked: 0,
    sent: [],
    epochs,
    isRestoring: false,
  };
}

function copyOf(state: SiteState): SiteState {
  if (state.site === null) throw new Error('no layout');
  return restoreSite({
    site: state.site,
    ledger: state.ledger,
    slots: [...state.slots.values()],
    allowances: [...state.allowances.values()],
    sessions: [...state.sessions.values()],
    arrivals: [...state.arrivals.values()],
    reviews: [...state.reviews.values()],
    credentials: new Map(state.credentials),
  });
}
