/** What a lane remembers. Plain data, never changed in place. */
import type {
  AdmissionBasis,
  BarrierPosition,
  Credential,
  Direction,
  FaultName,
  LaneMode,
  PassageFlag,
} from '@gatehouse/shared/edge';
import type { ArrivalId, Lamp, LaneEvent, LaneInput, LaneRules, OrderedMode } from './vocabulary.js';

/** The two places where a lane sees a vehicle; `safety` may be served by the photocell. */
export type Loop = 'arming' | 'safety';

export interface Sensor {
  readonly active: boolean;
  readonly sinceMs: number;
  /** Times of its latest edges, at most `chatterEdges` + 1. */
  readonly edgesMs: readonly number[];
}

/** `direction` and `trackId` as in the happening. */
export interface Read {
  readonly credential: Credential;
  readonly readAtMs: number;
  readonly direction?: Direction | undefined;
  readonly trackId?: string | undefined;
}

export interface Arrival {
  readonly id: ArrivalId;
  readonly direction: Direction;
  readonly atMs: number;
  readonly credential: Credential | null;
  /** `recording`: admitted by the edge alone, and that is not durable yet. */
  readonly progress: 'waiting' | 'recording' | 'admitted' | 'denied';
  readonly basis: AdmissionBasis;
  readonly slotId: string | null;
  /** Revision of the online decision that was obeyed; 0 if none was. */
  readonly revision: number;
  /** It was turned away by the mode of the lane, not by anybody's decision. */
  readonly deniedByMode: boolean;
}

/**
 * Where a vehicle is, seen from the loop it came to first: on it, on both, on the other one alone, or on neither.
 */
export type Phase = 'first' | 'both' | 'last' | 'between';

export interface Vehicle {
  readonly from: Loop;
  readonly appearedAtMs: number;
  readonly phase: Phase;
  readonly phaseSinceMs: number;
  readonly reachedLast: boolean;
  /** It left the first loop, and the first loop was occupied again before it had gone: perhaps a second vehicle. */
  readonly reoccupied: boolean;
  /** Its passage is reported already. */
  readonly counted: boolean;
  /** The arm was seen open while it was here. */
  readonly sawOpen: boolean;
  /** It stood on the second loop when the agent started: what it did before is not known. */
  readonly unknown: boolean;
  /** It hit the second loop right behind a passage. */
  readonly follows: boolean;
  readonly flags: readonly PassageFlag[];
  readonly arrival: Arrival | null;
  /** Reads of it that no arrival carries yet, at most `maxReads`. */
  readonly votes: readonly Read[];
  /** What it has shown in arrivals, at most `maxCredentialsPerVehicle`. */
  readonly shown: readonly Credential[];
  /** What readers that follow it call it, at most `maxTracks`. */
  readonly trackIds: readonly string[];
  /** The ticket button was pressed. */
  readonly pressed: boolean;
}

/** The vehicle that went through before, while the arm has not closed since. */
export interface Leader {
  readonly arrivalId: ArrivalId | null;
  readonly passedAtMs: number;
  readonly shown: readonly Credential[];
}

/** What a reader called a vehicle that went through. */
export interface PassedTrack {
  readonly trackId: string;
  readonly passedAtMs: number;
}

export interface Motion {
  readonly target: 'open' | 'closed';
  readonly untilMs: number;
  readonly attempt: number;
}

export interface Barrier {
  readonly position: BarrierPosition;
  readonly motion: Motion | null;
  readonly lastRequest: 'open' | 'close' | null;
  /** Its being open is our doing, so that closing it is our business. */
  readonly mayClose: boolean;
  /** The hold-open output is set. */
  readonly holding: boolean;
  /** When the close request is due; null while the close timer does not run. */
  readonly closeAtMs: number | null;
  /** An operator asked to close: do not wait for the arming loop, nor for the timer. */
  readonly closeNow: boolean;
  /** Without a closed limit: a close request has had its travel time. */
  readonly assumedClosed: boolean;
  /** Since when it has not been closed. */
  readonly openSinceMs: number | null;
  /** Since when it has been open unasked. */
  readonly unaskedSinceMs: number | null;
  /** Since when both limits have been active. */
  readonly contradictSinceMs: number | null;
  /** What tailgating asks of the next closing. */
  readonly closing: 'normal' | 'hold' | 'pause';
}

export interface Orders {
  readonly mode: OrderedMode;
  /** An operator’s open command stands until this, or until a vehicle has passed. */
  readonly openUntilMs: number | null;
}

export interface Health {
  readonly faults: readonly FaultName[];
  readonly trouble: boolean;
  /** Admitted vehicles in a row that left the first loop and never reached the second. */
  readonly unseenByLast: number;
  /** Reads in a row that found no vehicle, while the loops were silent. */
  readonly unclaimedReads: number;
  /** Vehicles in a row without a read. */
  readonly unreadVehicles: number;
}

export interface LaneState {
  readonly nowMs: number;
  readonly inputs: Readonly<Partial<Record<LaneInput, Sensor>>>;
  readonly barrier: Barrier;
  readonly orders: Orders;
  readonly vehicle: Vehicle | null;
  readonly leader: Leader | null;
  /** Reads that wait for a vehicle, at most `maxReads`. */
  readonly reads: readonly Read[];
  /** The latest, at most `maxTracks`. */
  readonly passedTracks: readonly PassedTrack[];
  readonly health: Health;
  readonly lamp: Lamp;
  readonly text: string;
  readonly nextArrivalId: ArrivalId;
}

/** Reads kept for one vehicle, and reads kept for vehicles to come. */
export const maxReads = 16;
/** Readers' own names that are kept of one vehicle, and of those that went through. */
export const maxTracks = 16;
/** How long a vehicle that went through is known by its reader's name: a reader may begin again with the names it gave. */
export const passedTrackMs = 120_000;
/** Arrivals one vehicle may cause by showing one credential after another. */
export const maxCredentialsPerVehicle = 5;

/** A fact: one part of the lane is now so, or something worth an event happened. */
export type LaneFact =
  | { readonly type: 'time-passed'; readonly nowMs: number }
  | { readonly type: 'input-changed'; readonly input: LaneInput; readonly sensor: Sensor }
  | { readonly type: 'barrier-changed'; readonly barrier: Barrier }
  | { readonly type: 'orders-changed'; readonly orders: Orders }
  | { readonly type: 'vehicle-changed'; readonly vehicle: Vehicle | null }
  | { readonly type: 'leader-changed'; readonly leader: Leader | null }
  | { readonly type: 'reads-changed'; readonly reads: readonly Read[] }
  | { readonly type: 'passed-tracks-changed'; readonly passedTracks: readonly PassedTrack[] }
  | { readonly type: 'health-changed'; readonly health: Health }
  | { readonly type: 'display-changed'; readonly lamp: Lamp; readonly text: string }
  | { readonly type: 'reported'; readonly event: LaneEvent };

export function newLane(nowMs: number): LaneState {
  return {
    nowMs,
    inputs: {},
    barrier: {
      position: 'unknown',
      motion: null,
      lastRequest: null,
      mayClose: true,
      holding: false,
      closeAtMs: null,
      closeNow: false,
      assumedClosed: false,
      openSinceMs: null,
      unaskedSinceMs: null,
      contradictSinceMs: null,
      closing: 'normal',
    },
    orders: { mode: 'automatic', openUntilMs: null },
    vehicle: null,
    leader: null,
    reads: [],
    passedTracks: [],
    health: { faults: [], trouble: false, unseenByLast: 0, unclaimedReads: 0, unreadVehicles: 0 },
    lamp: 'off',
    text: '',
    nextArrivalId: 1,
  };
}

/** The state after a fact. */
export function evolve(state: LaneState, fact: LaneFact): LaneState {
  switch (fact.type) {
    case 'time-passed':
      return { ...state, nowMs: fact.nowMs };
    case 'input-changed':
      return { ...state, inputs: { ...state.inputs, [fact.input]: fact.sensor } };
    case 'barrier-changed':
      return { ...state, barrier: fact.barrier };
    case 'orders-changed':
      return { ...state, orders: fact.orders };
    case 'vehicle-changed':
      return { ...state, vehicle: fact.vehicle };
    case 'leader-changed':
      return { ...state, leader: fact.leader };
    case 'reads-changed':
      return { ...state, reads: fact.reads };
    case 'passed-tracks-changed':
      return { ...state, passedTracks: fact.passedTracks };
    case 'health-changed':
      return { ...state, health: fact.health };
    case 'display-changed':
      return { ...state, lamp: fact.lamp, text: fact.text };
    case 'reported':
      return evolveReported(state, fact.event);
  }
}

function evolveReported(state: LaneState, event: LaneEvent): LaneState {
  switch (event.kind) {
    case 'vehicle-arrived':
      return { ...state, nextArrivalId: event.arrivalId + 1 };
    case 'fault-raised':
      return { ...state, health: { ...state.health, faults: [...state.health.faults, event.fault] } };
    case 'fault-cleared':
      return {
        ...state,
        health: { ...state.health, faults: state.health.faults.filter((fault) => fault !== event.fault) },
      };
    default:
      return state;
  }
}

// ---------------------------------------------------------------- questions

/** How the lane is being run: the fire input beats what operators ordered. */
export function modeOf(state: LaneState): LaneMode {
  return isActive(state, 'fire') ? 'fire' : state.orders.mode;
}

export function isFreeFlow(state: LaneState): boolean {
  const mode = modeOf(state);
  return mode === 'fire' || mode === 'hold-open';
}

export function isActive(state: LaneState, input: LaneInput): boolean {
  return state.inputs[input]?.active ?? false;
}

export function isWired(state: LaneState, input: LaneInput): boolean {
  return state.inputs[input] !== undefined;
}

/** Something is under the arm, as far as any wired input tells; defects of the input do not matter here. */
export function isUnderArm(state: LaneState): boolean {
  return isActive(state, 'safety') || isActive(state, 'photocell');
}

/** The arm is known to be closed, or (without a closed limit) has had the time to close. */
export function isClosed(state: LaneState): boolean {
  if (isWired(state, 'limit-closed')) return isActive(state, 'limit-closed') && !isActive(state, 'limit-open');
  return state.barrier.assumedClosed;
}

/** Which way a vehicle goes that came to this loop first. */
export function directionFrom(rules: LaneRules, from: Loop): Direction {
  if (rules.direction === 'both') return from === 'arming' ? 'entry' : 'exit';
  const opposite = rules.direction === 'entry' ? 'exit' : 'entry';
  return from === 'arming' ? rules.direction : opposite;
}

/** Whether this gate serves vehicles that come to this loop first. */
export function isServed(rules: LaneRules, from: Loop): boolean {
  return from === 'arming' || rules.direction === 'both';
}
