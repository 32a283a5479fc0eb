/**
 * Everything there is in the model: edges, one aggregator, vehicles, and messages. Slots are numbers from 0. Plain data. Parts are
 * shared between worlds and never changed in place: a move takes a copy of the edge it changes (`ownEdge`).
 */
import { noAllowance } from '@gatehouse/edge-agent';
import type { AllowanceState, acceptAllowance } from '@gatehouse/edge-agent';
import type { StoredSite } from '@gatehouse/aggregator';
import type { SlotRef } from '@gatehouse/shared';

/** An event of an edge; its seq is its place in the log, from 1. `arrival` is the seq of the vehicle it speaks of. */
export type LoggedEvent =
  | { readonly kind: 'arrived' }
  /** Admitted by the edge alone. `arrival` 0: this very event is the arrival, too. */
  | { readonly kind: 'admitted'; readonly arrival: number; readonly slot: number }
  | { readonly kind: 'passed'; readonly arrival: number; readonly slot: number }
  | { readonly kind: 'backed-out'; readonly arrival: number }
  | { readonly kind: 'left'; readonly arrival: number }
  | {
      readonly kind: 'accepted';
      readonly version: number;
      readonly returned: readonly number[];
      readonly remaining: number;
    };

/** What an edge makes of a set. */
export type Acceptance = NonNullable<ReturnType<typeof acceptAllowance>>;

/** What an edge wants to store. */
export type Pending =
  | { readonly kind: 'admitted'; readonly arrival: number; readonly slot: number }
  /** `acceptance` is worked out when the event gets its number. */
  | { readonly kind: 'accepted'; readonly set: SetMessage; readonly acceptance: Acceptance | null };

export interface Edge {
  epoch: number;
  /** The stored events of each epoch. Those of a lost store were sent, or may have been. */
  logs: readonly (readonly LoggedEvent[])[];
  held: AllowanceState;
  pending: readonly Pending[];
  /** Arrivals of this epoch that wait for an answer. */
  waiting: readonly number[];
}

export interface Vehicle {
  readonly edge: number;
  readonly epoch: number;
  readonly arrival: number;
  readonly slot: number;
  /** `gate`: the barrier is open for it. `in`: it stands in its slot. */
  readonly at: 'gate' | 'in';
}

export type SlotRecord =
  | { readonly state: 'free' }
  | { readonly state: 'held'; readonly edge: number; readonly epoch: number; readonly frozen: boolean }
  /** Reserved for, or occupied by, the vehicle of an arrival. */
  | { readonly state: 'taken'; readonly edge: number; readonly epoch: number; readonly arrival: number };

export interface Row {
  epoch: number;
  /** The last event applied. */
  upTo: number;
  version: number;
  asOf: number;
  slots: readonly number[];
  settled: boolean;
  /** The edge has the set, and still slots beyond it: another set must follow. */
  isPartial: boolean;
  mustReport: boolean;
  /** Its outbox and this store were both lost: nobody can report what it gave out. */
  isUnknown: boolean;
  /** The seq of the acceptance that settled the set. */
  acceptedSeq: number;
  /** Arrivals that were decided by nobody this store knows of. */
  open: readonly number[];
}

/** A vehicle that went into a slot which this store believes to be somebody else's. */
export interface Claim {
  readonly edge: number;
  readonly epoch: number;
  readonly arrival: number;
  readonly slot: number;
}

/** All rows of the site, as the production engine keeps them. They are never changed in place. */
export type Books = StoredSite;

/** What the aggregator has stored. Its memory is the same: a turn that fails leaves nothing behind. */
export interface Aggregator {
  slots: SlotRecord[];
  rows: Row[];
  claims: readonly Claim[];
  /** By edge: it has still to report after a restore. */
  recovering: boolean[];
  /** The rows behind it, when the production engine plays it. */
  readonly books: Books | null;
}

/** A message with a set; it can arrive at any time, any number of times, or never. */
export interface SetMessage {
  readonly edge: number;
  readonly epoch: number;
  readonly version: number;
  readonly asOf: number;
  readonly slots: readonly number[];
}

/** A message with a decision to admit; as above. */
export interface DecisionMessage {
  readonly edge: number;
  readonly epoch: number;
  readonly arrival: number;
  readonly slot: number;
}

export interface World {
  edges: readonly Readonly<Edge>[];
  aggregator: Aggregator;
  vehicles: readonly Vehicle[];
  sets: readonly SetMessage[];
  decisions: readonly DecisionMessage[];
  /** The copy of the aggregator's store. */
  copy: Aggregator | null;
  /** By edge: the highest `upTo` it may have been told in its present epoch. */
  told: readonly number[];
  restored: boolean;
  releases: number;
  losses: number;
  setsMade: number;
  /** What its members, or those of the state before, are among all that were met. */
  parts: Parts | null;
}

export interface Part<T> {
  /** The first of all that are equal. */
  readonly value: T;
  /** Its number under each renaming, as far as it was asked for. */
  readonly numbers: number[];
}

export interface Parts {
  readonly aggregator: Part<Aggregator>;
  readonly copy: Part<Aggregator> | null;
  readonly vehicles: Part<readonly Vehicle[]>;
  readonly sets: Part<readonly SetMessage[]>;
  readonly decisions: Part<readonly DecisionMessage[]>;
  readonly edges: readonly Part<Readonly<Edge>>[];
}

const letters = 'abcdefgh';

export function slotName(slot: number): string {
  return letters[slot] ?? '?';
}

export const slotRefs: readonly SlotRef[] = [...letters].map((letter) => ({
  slotId: letter,
  zoneId: 'zone',
  label: letter,
  slotClass: 'standard',
}));

export function slotRef(slot: number): SlotRef {
  const ref = slotRefs[slot];
  if (ref === undefined) throw new RangeError(`no slot ${String(slot)}`);
  return ref;
}

export function slotNumber(slotId: string): number {
  return letters.indexOf(slotId);
}

export function newWorld(edges: number, aggregator: Aggregator): World {
  const each = <T>(make: () => T): T[] => Array.from({ length: edges }, make);
  return {
    edges: each(() => ({ epoch: 0, logs: [[]], held: noAllowance, pending: [], waiting: [] })),
    aggregator,
    vehicles: [],
    sets: [],
    decisions: [],
    copy: null,
    told: each(() => 0),
    restored: false,
    releases: 0,
    losses: 0,
    setsMade: 0,
    parts: null,
  };
}

export function newAggregator(edges: number, slots: number, books: Books | null = null): Aggregator {
  return {
    slots: Array.from({ length: slots }, () => ({ state: 'free' })),
    rows: Array.from({ length: edges }, () => newRow(0)),
    claims: [],
    recovering: Array.from({ length: edges }, () => false),
    books,
  };
}

export function newRow(epoch: number): Row {
  return {
    epoch,
    upTo: 0,
    version: 0,
    asOf: 0,
    slots: [],
    settled: true,
    isPartial: false,
    mustReport: false,
    isUnknown: false,
    acceptedSeq: 0,
    open: [],
  };
}

/** A copy whose members moves may replace. What is in them is shared. */
export function copyWorld(world: World): World {
  return { ...world };
}

/** A copy to change. */
export function copyAggregator(aggregator: Aggregator): Aggregator {
  return {
    ...aggregator,
    slots: [...aggregator.slots],
    rows: aggregator.rows.map((row) => ({ ...row })),
    recovering: [...aggregator.recovering],
  };
}

export function edgeOf(world: World, edge: number): Readonly<Edge> {
  const found = world.edges[edge];
  if (found === undefined) throw new RangeError(`no edge ${String(edge)}`);
  return found;
}

/** Puts a copy of the edge in its place, which may be changed until the move is over. */
export function ownEdge(world: World, edge: number): Edge {
  const own = { ...edgeOf(world, edge) };
  world.edges = world.edges.with(edge, own);
  return own;
}

export function logOf(edge: Readonly<Edge>, epoch = edge.epoch): readonly LoggedEvent[] {
  const log = edge.logs[epoch];
  if (log === undefined) throw new RangeError(`no epoch ${String(epoch)}`);
  return log;
}

export function rowOf(aggregator: Aggregator, edge: number): Row {
  const row = aggregator.rows[edge];
  if (row === undefined) throw new RangeError(`no row of edge ${String(edge)}`);
  return row;
}

/** Stores an event; its seq. */
export function logEvent(edge: Edge, event: LoggedEvent): number {
  const log = [...logOf(edge), event];
  edge.logs = edge.logs.with(edge.epoch, log);
  return log.length;
}
