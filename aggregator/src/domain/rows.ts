/**
 * What the aggregator remembers, one interface a kind. Rows are plain data: the engine changes its own copies, a change set
 * carries whole rows to the store, and the store gives them back at start. Times are milliseconds of wall-clock time, UTC.
 */
import { admissionBases } from '@gatehouse/shared';
import type {
  noticeKindNames,
  reviewKindNames,
  CredentialKind,
  DenialReason,
  Direction,
  GateDirection,
  PassageFlag,
  SiteLayout,
  SlotClass,
} from '@gatehouse/shared';

/** A site and its layout. `version` rises with each change of the layout. */
export interface SiteRow {
  readonly siteId: string;
  layout: SiteLayout;
  version: number;
  /** Oldest first; at most `engineLimits.maxRetiredGates`. */
  retiredGates: readonly RetiredGate[];
}

/**
 * A gate that a layout took away, or gave to another edge: what its edge still reports of it is applied. One of an edge that has
 * it again is none of these.
 */
export interface RetiredGate {
  readonly gateId: string;
  readonly edgeId: string;
  readonly name: string;
  readonly direction: GateDirection;
  readonly removedAtMs: number;
  /** Everything that the edge had written was known here once since then. */
  readonly drained: boolean;
}

/** An exit passage that no session could be closed for, kept to be matched when a late entry arrives. */
export interface UnmatchedExit {
  readonly exitId: string;
  readonly atMs: number;
  readonly gateId: string | null;
  readonly credentialId: string | null;
  /** The session that was marked uncertain for it, if any was plausible. */
  readonly markedSessionId: string | null;
  readonly reviewId: string | null;
}

/**
 * The count of a site, by passages. `count` may fall below zero when entries were missed; what is shown is never below zero, and
 * the difference to the sessions is the drift.
 */
export interface LedgerRow {
  readonly siteId: string;
  count: number;
  entriesTotal: number;
  exitsTotal: number;
  /** Sessions opened so far; the next ticket number is one more. */
  ticketsIssued: number;
  /** Set while a restored store may have forgotten what edges gave out: free slots stay back until these edges have reported. */
  recoveringEdges: string[];
  /** At most `engineLimits.maxUnmatchedExits`, oldest first. */
  unmatchedExits: UnmatchedExit[];
}

export type SlotState = 'free' | 'reserved' | 'occupied' | 'held';

/** What waits for a slot to come back before it takes effect. */
export interface SlotRecall {
  readonly kind: 'remove' | 'out-of-service' | 'assign';
  readonly by: string;
  readonly reason: string;
  /** For `assign`: the session that gets the slot. */
  readonly sessionId: string | null;
  /** For `assign`: who gets it when that session is over, first come first; at most `engineLimits.maxClaims`. */
  readonly next?: readonly string[];
}

export interface SlotRow {
  readonly siteId: string;
  readonly slotId: string;
  zoneId: string;
  label: string;
  slotClass: SlotClass;
  /** Order of preference in the layout, 0 first. */
  rank: number;
  state: SlotState;
  /** `occupied`: the session in it. `reserved`: the session it is meant for. */
  sessionId: string | null;
  /** `reserved`: the arrival it is reserved for, as `arrivalKey`. `occupied` and unconfirmed: the unresolved arrival. */
  arrivalKey: string | null;
  /** `held`: the edge it is set aside for, and the outbox epoch it was set aside under. */
  heldBy: string | null;
  heldEpoch: string | null;
  /** False after `arrival-unresolved`: occupied, but nobody knows whether the vehicle came in. */
  confirmed: boolean;
  /** Reserved or held under an epoch that was replaced: only an operator may release it. */
  frozen: boolean;
  /** Why it is out of service; null when in service. */
  outOfService: string | null;
  recall: SlotRecall | null;
}

/**
 * The slots that one edge may give out by itself: the last set that was made for it. Every slot in it is `held` by the edge under
 * this epoch; slots that the edge holds and that are not in it were taken out and have not come back.
 */
export interface AllowanceRow {
  readonly siteId: string;
  readonly edgeId: string;
  /** The outbox epoch the set belongs to; empty while none is known. */
  epoch: string;
  /** Rises with every set; 0: none was made in this epoch. */
  version: number;
  /** The last seq of the epoch that had been applied when the set was made. */
  asOf: number;
  /** Without those that have left it since. */
  slotIds: string[];
  /** The edge has accepted this set, or none is outstanding. */
  settled: boolean;
  /** What the edge holds is not known here: it gets an empty set before any other. */
  mustReport: boolean;
  /** Of the access list that went with the set, and of the one that the edge is known to have. */
  accessVersion: number;
  acceptedAccessVersion: number;
}

/**
 * `open`: inside. `uncertain`: believed to have left with an unmatched exit; its slot is given out last.
 * `closed`: left. `void`: it never was (a merge or a correction).
 */
export type SessionState = 'open' | 'uncertain' | 'closed' | 'void';

export const sessionBases = [
  ...admissionBases,
  'inferred',
  'correction',
  'anti-passback',
  'age-limit',
  'merge',
] as const;
/** How an end of a session is known: a matched passage, an inference, or a person. */
export type SessionBasis = (typeof sessionBases)[number];

export interface SessionRow {
  readonly siteId: string;
  readonly sessionId: string;
  /** System-numbered ticket, 1, 2, 3 … within the site. */
  readonly ticket: number;
  credentialId: string | null;
  vehicleId: string | null;
  slotClass: SlotClass;
  slotId: string | null;
  state: SessionState;
  entryAtMs: number;
  entryGateId: string | null;
  entryBasis: SessionBasis;
  exitAtMs: number | null;
  exitGateId: string | null;
  exitBasis: SessionBasis | null;
  /** Never negative; null while inside. */
  durationMs: number | null;
  /** When it became uncertain. */
  uncertainSinceMs: number | null;
  /** The API has authorised it to leave. */
  exitAuthorised: boolean;
  /** It came in although an earlier session of its was open, which was closed: that it had left before is perhaps told yet. */
  earlierExitDue: boolean;
  /** The edge event that opened it, as `arrivalKey`, for matching what is sent again; null when a person opened it. */
  entryEventKey: string | null;
}

/** The answer to an arrival, sent unchanged until the arrival ends. */
export interface DecisionRecord {
  revision: number;
  outcome: 'admit' | 'own' | 'deny';
  sessionId: string | null;
  slotId: string | null;
  basis: 'decision' | 'operator';
  reason: DenialReason | null;
  ttlMs: number;
  atMs: number;
}

/** `open` until its terminal event; `frozen` when its epoch was replaced while it was open. */
export type ArrivalState = 'open' | 'passed' | 'backed-out' | 'void' | 'unresolved' | 'frozen';

export interface ArrivalRow {
  readonly siteId: string;
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly gateId: string;
  readonly direction: Direction;
  readonly credentialId: string | null;
  readonly vehicleId: string | null;
  readonly slotClass: SlotClass;
  readonly atMs: number;
  readonly receivedAtMs: number;
  state: ArrivalState;
  /** The aggregator's answer; null for an arrival that was history when it came. */
  decision: DecisionRecord | null;
  /** What the edge decided by itself, if it did. */
  localOutcome: 'admitted' | 'denied' | null;
  endedAtMs: number | null;
}

/** `edgeId:epoch:seq`. */
export type ArrivalKey = string;

export function arrivalKey(arrival: {
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
}): ArrivalKey {
  return `${arrival.edgeId}:${arrival.epoch}:${String(arrival.seq)}`;
}

export type ReviewKind = (typeof reviewKindNames)[number];

/** Something a person should look at. `detail` never holds a plate. */
export interface ReviewRow {
  readonly siteId: string;
  readonly reviewId: string;
  readonly kind: ReviewKind;
  readonly gateId: string | null;
  readonly edgeId: string | null;
  readonly sessionId: string | null;
  /** Sessions it might be about. */
  readonly candidates: string[];
  readonly credentialId: string | null;
  readonly openedAtMs: number;
  detail: string;
  resolvedAtMs: number | null;
  resolvedBy: string | null;
  resolution: string | null;
}

/** A plate, tag or ticket: the one place where its text stands. */
export interface CredentialRow {
  readonly credentialId: string;
  readonly kind: CredentialKind;
  readonly value: string;
}

/** What a vehicle may do at a site. */
export interface Permit {
  siteId: string;
  /** null: every zone of the site. */
  zoneId: string | null;
  /** null: every class. */
  slotClass: SlotClass | null;
  fromMs: number | null;
  toMs: number | null;
}

export interface VehicleRow {
  readonly vehicleId: string;
  credentialId: string;
  slotClass: SlotClass;
  /** Whom to ask; free text, personal data, goes with the record. */
  holder: string | null;
  note: string | null;
  /** Why it is turned away everywhere; null when it is not. */
  blockedReason: string | null;
  permits: Permit[];
  readonly createdAtMs: number;
  updatedAtMs: number;
}

/** Everything the engine wants to be told about the vehicle of an arrival. */
export interface VehicleView {
  readonly vehicleId: string;
  readonly slotClass: SlotClass;
  readonly blocked: boolean;
  readonly permits: readonly Permit[];
}

/** A message for people and programs that follow the site (`/api/v1/stream`); ids rise by one across all sites. */
export interface Notice {
  readonly kind: NoticeKind;
  readonly siteId: string;
  readonly atMs: number;
  readonly gateId: string | null;
  readonly sessionId: string | null;
  readonly slotId: string | null;
  readonly reviewId: string | null;
  /** What else there is to say, by kind; never a plate. */
  readonly detail: string | null;
}

export type NoticeKind = (typeof noticeKindNames)[number];

export type { PassageFlag };
