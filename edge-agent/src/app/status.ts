/** What an edge agent tells about itself: for health checks, `doctor` and metrics. */
import type {
  AdmissionBasis,
  BarrierPosition,
  Direction,
  FaultName,
  GateDirection,
  LaneMode,
  SlotClass,
} from '@gatehouse/shared/edge';
import type { Phase } from '../domain/lane/state.js';
import type { LossCount } from './ports.js';

export type ArrivalProgress = 'waiting' | 'recording' | 'admitted' | 'denied';

export interface ArrivalStatus {
  /** null while it is not committed, or could not be. */
  readonly seq: number | null;
  readonly direction: Direction;
  readonly progress: ArrivalProgress;
  readonly basis: AdmissionBasis;
  readonly slotId: string | null;
  /** Since its arrival, on the lane's clock. */
  readonly ageMs: number;
}

export interface GateStatus {
  readonly gateId: string;
  readonly direction: GateDirection;
  readonly barrier: BarrierPosition;
  readonly mode: LaneMode;
  /** Each wired input and whether it is active. */
  readonly sensors: Readonly<Record<string, boolean>>;
  readonly faults: readonly FaultName[];
  /** Where a vehicle is, seen from the loop it came to first. */
  readonly vehicle: Phase | null;
  readonly arrival: ArrivalStatus | null;
  /** The class of slot that every vehicle at this gate needs; null where it differs or cannot be told. */
  readonly vehicleClass: SlotClass | null;
  /** Since the start, tailgated and free-flow ones included. */
  readonly passages: Readonly<Record<Direction, number>>;
}

export interface OutboxStatus {
  readonly epoch: string;
  readonly oldest: number;
  readonly next: number;
  readonly acked: number;
  /** Events committed and not acknowledged. */
  readonly unacknowledged: number;
  /** Canonical bytes of the events kept. */
  readonly bytes: number;
  /** Whether events are being committed, which `next` does not count yet. */
  readonly isCommitting: boolean;
  /** Age of the oldest event that is not acknowledged, by the lane's clock; null when there is none, and for a moment while it is not known. */
  readonly oldestUnacknowledgedAgeMs: number | null;
  readonly failing: 'outbox-full' | 'outbox-failing' | null;
  /** Losses that are not reported as an event yet. */
  readonly lost: LossCount;
}

export interface AllowanceStatus {
  /** Version of the set that is stored; 0 for none. */
  readonly version: number;
  /** Slots in the edge's hands. */
  readonly slots: number;
  /** Version of the access list that is stored; null for none. */
  readonly accessVersion: number | null;
}

/** What happened since the start; each only rises. */
export interface EdgeCounters {
  readonly eventsCommitted: number;
  readonly eventsLost: number;
  readonly commits: number;
  readonly batchesPublished: number;
  readonly batchesResent: number;
  readonly acksApplied: number;
  readonly messagesRefused: number;
  readonly messagesDropped: number;
  readonly decisionsOnline: number;
  readonly decisionsLocal: number;
  readonly decisionsIgnored: number;
  readonly passagesEntry: number;
  readonly passagesExit: number;
  readonly openRequests: number;
  readonly epochsBegun: number;
  readonly inputsDropped: number;
}

export interface EdgeStatus {
  readonly siteId: string;
  readonly edgeId: string;
  readonly instance: string;
  readonly version: string;
  /** False before start() resolved and after stop(). */
  readonly running: boolean;
  readonly uptimeMs: number;
  readonly link: { readonly up: boolean; readonly downReason: string | null };
  readonly outbox: OutboxStatus;
  /** Faults of the whole edge. */
  readonly faults: readonly FaultName[];
  readonly allowance: AllowanceStatus;
  readonly gates: readonly GateStatus[];
  /** From the last arrival to its decision, whoever made it; null before the first. */
  readonly lastDecisionMs: number | null;
  /** Of the last commit of the outbox; null before the first. */
  readonly lastCommitMs: number | null;
  readonly counters: EdgeCounters;
}
