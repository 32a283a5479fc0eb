/** Facts: all that `evolve` knows how to apply. Rows in facts belong to the state from then on. */
import type { Direction, SiteLayout, SlotClass } from '@gatehouse/shared';
import type { KnownCredential } from './inputs.js';
import type {
  AllowanceRow,
  ArrivalKey,
  ArrivalRow,
  ArrivalState,
  DecisionRecord,
  NoticeKind,
  RetiredGate,
  ReviewRow,
  SessionBasis,
  SessionRow,
  SlotRecall,
  SlotRow,
  UnmatchedExit,
} from './rows.js';

/** Members of a session that may change while it is inside. */
export type SessionChange = Partial<
  Pick<
    SessionRow,
    | 'credentialId'
    | 'vehicleId'
    | 'slotId'
    | 'state'
    | 'entryAtMs'
    | 'entryGateId'
    | 'uncertainSinceMs'
    | 'exitAuthorised'
    | 'earlierExitDue'
  >
>;

export type SiteFact =
  | {
      readonly type: 'layout-changed';
      readonly layout: SiteLayout;
      readonly version: number;
      readonly retiredGates: readonly RetiredGate[];
    }
  /** The gates that were taken from the edge have nothing left to tell, or never will. */
  | { readonly type: 'gates-drained'; readonly edgeId: string }
  /** One that the layout lacks, and the edge had. */
  | { readonly type: 'gate-retired'; readonly gate: RetiredGate }
  | { readonly type: 'slot-added'; readonly slot: SlotRow }
  | {
      readonly type: 'slot-described';
      readonly slotId: string;
      readonly zoneId: string;
      readonly label: string;
      readonly slotClass: SlotClass;
      readonly rank: number;
    }
  | { readonly type: 'slot-removed'; readonly slotId: string }
  /** Set aside for an edge. */
  | { readonly type: 'slot-held'; readonly slotId: string; readonly edgeId: string; readonly epoch: string }
  | { readonly type: 'slot-reserved'; readonly slotId: string; readonly key: ArrivalKey; readonly sessionId: string }
  | {
      readonly type: 'slot-occupied';
      readonly slotId: string;
      readonly sessionId: string;
      readonly key: ArrivalKey | null;
      readonly confirmed: boolean;
    }
  | { readonly type: 'slot-freed'; readonly slotId: string }
  | { readonly type: 'slot-frozen'; readonly slotId: string }
  | { readonly type: 'slot-service-changed'; readonly slotId: string; readonly outOfService: string | null }
  | { readonly type: 'slot-recall-changed'; readonly slotId: string; readonly recall: SlotRecall | null }
  /** A new set for an edge, to be sent until it is accepted. */
  | { readonly type: 'allowance-made'; readonly allowance: AllowanceRow }
  /** The edge has the set that was made last, and nothing else. */
  | { readonly type: 'allowance-settled'; readonly edgeId: string }
  /** What the edge holds is not known here any more. */
  | { readonly type: 'allowance-doubted'; readonly edgeId: string }
  /** The edge has a new outbox, and nothing of its former allowance. */
  | {
      readonly type: 'allowance-ended';
      readonly edgeId: string;
      readonly epoch: string;
      readonly mustReport: boolean;
    }
  | { readonly type: 'arrival-opened'; readonly arrival: ArrivalRow; readonly credential: KnownCredential | null }
  /** `arrival` is the arrival as it stands with this decision. */
  | {
      readonly type: 'arrival-decided';
      readonly key: ArrivalKey;
      readonly decision: DecisionRecord;
      readonly arrival: ArrivalRow;
    }
  /** The edge decided by itself: what the aggregator decided no longer stands. */
  | { readonly type: 'arrival-answered'; readonly key: ArrivalKey; readonly outcome: 'admitted' | 'denied' }
  | {
      readonly type: 'arrival-ended';
      readonly key: ArrivalKey;
      readonly gateId: string;
      readonly state: ArrivalState;
      readonly atMs: number;
    }
  /** `arrival` goes on under its new name; what was reserved for `from` is reserved for it, frozen as it was. */
  | {
      readonly type: 'arrival-carried-over';
      readonly from: ArrivalKey;
      readonly arrival: ArrivalRow;
      readonly atMs: number;
    }
  | { readonly type: 'session-opened'; readonly session: SessionRow; readonly credential: KnownCredential | null }
  | {
      readonly type: 'session-changed';
      readonly sessionId: string;
      readonly change: SessionChange;
      readonly credential?: KnownCredential | null;
    }
  | {
      readonly type: 'session-closed';
      readonly sessionId: string;
      readonly state: 'closed' | 'void';
      readonly exitAtMs: number;
      readonly exitGateId: string | null;
      readonly basis: SessionBasis;
      readonly durationMs: number;
      readonly slotId: string | null;
    }
  /** A session that had left already was corrected. */
  | { readonly type: 'session-rewritten'; readonly session: SessionRow }
  | {
      readonly type: 'passage-counted';
      readonly direction: Direction;
      readonly gateId: string | null;
      readonly sessionId: string | null;
      readonly slotId: string | null;
    }
  /** The count moves without a passage that was seen. Totals move by what is said here. */
  | { readonly type: 'count-adjusted'; readonly by: number; readonly entries: number; readonly exits: number }
  | { readonly type: 'unmatched-exit-added'; readonly exit: UnmatchedExit }
  | { readonly type: 'unmatched-exit-marked'; readonly exitId: string; readonly sessionId: string | null }
  | { readonly type: 'unmatched-exit-settled'; readonly exitId: string }
  | { readonly type: 'review-opened'; readonly review: ReviewRow }
  | { readonly type: 'review-noted'; readonly reviewId: string; readonly detail: string }
  | {
      readonly type: 'review-resolved';
      readonly reviewId: string;
      readonly atMs: number;
      readonly by: string;
      readonly resolution: string;
    }
  | { readonly type: 'free-flow-ended'; readonly gateId: string }
  | { readonly type: 'recovery-changed'; readonly edges: string[] }
  | { readonly type: 'edge-currency-changed'; readonly edgeId: string; readonly current: boolean }
  | { readonly type: 'credential-forgotten'; readonly credentialId: string }
  /** Nothing changes here; followers of the site hear of it. */
  | {
      readonly type: 'reported';
      readonly kind: NoticeKind;
      readonly gateId: string | null;
      readonly detail: string | null;
    };

export type FactOf<T extends SiteFact['type']> = Extract<SiteFact, { type: T }>;
