/** The words of one lane: its inputs, its rules, what happens to it, what it wants done. */
import type {
  AdmissionBasis,
  CommandKind,
  Credential,
  DenialReason,
  Direction,
  EdgeEventKind,
  EdgeEventOf,
  GateDirection,
  LaneMode,
  SlotClass,
} from '@gatehouse/shared/edge';

/**
 * Inputs of a lane. `arming` is the approach loop (A), `safety` the closing loop under the arm (B); the others are optional.
 * `stop` is an emergency stop: while it is active nothing is asked of the arm. A driver reports clean edges: debouncing is its
 * business.
 */
export const laneInputs = [
  'arming',
  'safety',
  'photocell',
  'limit-open',
  'limit-closed',
  'fire',
  'tamper',
  'ticket-button',
  'stop',
] as const;
export type LaneInput = (typeof laneInputs)[number];

export type Lamp = 'red' | 'green' | 'off';

/** Names an arrival within one lane and one run of the agent: 1, 2, 3 … The outbox gives it a seq. */
export type ArrivalId = number;

/** The arrival that the run before left open. */
export const formerArrivalId: ArrivalId = 0;

/** Who was at the lane a moment ago, when the agent ended: it may stand there still. */
export interface FormerVehicle {
  readonly direction: Direction;
  readonly credential: Credential | null;
  /** `none`: it was not let in yet. */
  readonly basis: AdmissionBasis;
  readonly slotId: string | null;
}

/** How one lane behaves; the settings' schema documents each. */
export interface LaneRules {
  readonly direction: GateDirection;
  readonly hasReader: boolean;
  readonly countWhen: 'leaving-safety' | 'leaving-arming';
  readonly onTailgating: 'close' | 'hold' | 'pause';
  readonly tailgatingPauseMs: number;
  readonly closeWaitsFor: 'every-loop' | 'safety-loops';
  readonly platesSupersede: 'sure' | 'never';
  readonly needsButton: boolean;
  readonly vehicleClass: SlotClass | null;
  readonly closeDelayMs: number;
  readonly travelTimeMs: number;
  readonly loopGapMs: number;
  readonly leaveDelayMs: number;
  readonly followGapMs: number;
  readonly readAfterMs: number;
  readonly readBeforeMs: number;
  readonly voteMs: number;
  readonly sureConfidence: number;
  readonly operatorOpenMs: number;
  readonly forcedAfterMs: number;
  readonly heldOpenAfterMs: number;
  readonly stuckAfterMs: number;
  readonly chatterEdges: number;
  readonly chatterWindowMs: number;
  readonly contradictAfterMs: number;
  readonly deadAfterVehicles: number;
  readonly silentAfterVehicles: number;
}

/** Modes that an operator sets; fire comes from its input. */
export type OrderedMode = Exclude<LaneMode, 'fire'>;

/** What happens to a lane. `atMs` is on the lane's monotonic clock. */
export type LaneHappening = { readonly atMs: number } & (
  | {
      readonly type: 'started';
      readonly levels: ReadonlyMap<LaneInput, boolean>;
      /** The durable mode of the time before. */
      readonly mode: OrderedMode;
      /** Whoever was there when the run before ended, if that was a moment ago. */
      readonly former?: FormerVehicle;
    }
  | { readonly type: 'edge'; readonly input: LaneInput; readonly active: boolean }
  | {
      readonly type: 'read';
      readonly credential: Credential;
      readonly readAtMs: number;
      /** Which way the vehicles go that its reader sees; absent where that says nothing. */
      readonly direction?: Direction | undefined;
      /** The reader's own name of the vehicle: reads that carry the same are of one vehicle. */
      readonly trackId?: string | undefined;
    }
  /** The online decision for one arrival. */
  | {
      readonly type: 'decision';
      readonly arrivalId: ArrivalId;
      readonly revision: number;
      readonly basis: 'decision' | 'operator';
      readonly outcome: 'admit' | 'deny';
      readonly slotId: string | null;
      /** For the sign. */
      readonly slotLabel: string | null;
      readonly reason: DenialReason | null;
    }
  /** What the edge decides by itself. */
  | {
      readonly type: 'local-choice';
      readonly arrivalId: ArrivalId;
      readonly choice: LocalChoice;
    }
  /** The local admission is durable (or, at an exit, could not be made so): the arm may be asked to open. */
  | { readonly type: 'admission-recorded'; readonly arrivalId: ArrivalId }
  /** The local admission could not be written: the vehicle is not admitted. */
  | { readonly type: 'admission-failed'; readonly arrivalId: ArrivalId }
  | {
      readonly type: 'command';
      readonly commandId: string;
      readonly kind: Exclude<CommandKind, 'restart'>;
      readonly by: string;
    }
  | { readonly type: 'trouble'; readonly detail: string }
  | { readonly type: 'trouble-over' }
  | { readonly type: 'time-passed' }
);

export type LocalChoice =
  | {
      readonly outcome: 'admit';
      readonly basis: 'allowance' | 'exit-alone' | 'opted-in';
      readonly slotId: string | null;
      readonly slotLabel: string | null;
    }
  | { readonly outcome: 'deny'; readonly reason: DenialReason };

/** An event of the wire as the lane knows it: without times, and with arrivals named by the lane's own ids. */
type OfLane<K extends EdgeEventKind, Refs extends string = never> = Omit<
  EdgeEventOf<K>,
  'atMs' | 'monoMs' | 'bootId' | 'origin' | 'gateId' | Refs
>;

export type LaneEvent =
  | (OfLane<'vehicle-arrived', 'supersedes'> & {
      readonly arrivalId: ArrivalId;
      readonly supersedes: ArrivalId | null;
    })
  | (OfLane<'vehicle-admitted', 'arrival'> & { readonly arrivalId: ArrivalId })
  | (OfLane<'vehicle-denied', 'arrival'> & { readonly arrivalId: ArrivalId })
  | (OfLane<'vehicle-passed', 'arrival'> & { readonly arrivalId: ArrivalId | null })
  | (OfLane<'vehicle-backed-out', 'arrival'> & { readonly arrivalId: ArrivalId })
  | (OfLane<'arrival-void', 'arrival'> & { readonly arrivalId: ArrivalId })
  | (OfLane<'arrival-unresolved', 'arrival'> & { readonly arrivalId: ArrivalId })
  | (OfLane<'vehicle-tailgated', 'leader'> & { readonly leaderId: ArrivalId | null })
  | OfLane<'wrong-way'>
  | OfLane<'barrier-forced'>
  | OfLane<'free-flow-passed'>
  | OfLane<'mode-changed'>
  | OfLane<'fault-raised'>
  | OfLane<'fault-cleared'>;

/** What the lane wants done. */
export type LaneEffect =
  | { readonly type: 'request-open' }
  | { readonly type: 'request-close' }
  | { readonly type: 'hold-open'; readonly holdOpen: boolean }
  | { readonly type: 'lamp'; readonly lamp: Lamp }
  | { readonly type: 'text'; readonly text: string }
  /** Somebody has to decide about this arrival. */
  | { readonly type: 'ask-decision'; readonly arrivalId: ArrivalId }
  | {
      readonly type: 'answer-command';
      readonly commandId: string;
      readonly result: 'done' | 'refused';
      readonly detail: string;
    };
