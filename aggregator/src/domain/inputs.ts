/** What can happen to a site: events that edges report, facts about edges and their stores, and acts of operators. */
import type { AdmissionBasis, CredentialKind, EdgeEvent, SiteLayout, SlotClass } from '@gatehouse/shared';
import type { ArrivalKey, SessionRow, VehicleView } from './rows.js';

/** What the engine is given besides the input: it has no clock and no chance of its own. */
export interface Context {
  /** Wall-clock time now, ms. */
  readonly nowMs: number;
  /** A new random 128-bit id as 32 hexadecimal digits. */
  readonly newId: () => string;
  /** For how long after the arrival a decision may open the gate. */
  readonly decisionTtlMs: number;
}

/** A credential as the engine sees it: its id, and its text for matching. */
export interface KnownCredential {
  readonly credentialId: string;
  readonly kind: CredentialKind;
  readonly value: string;
}

export interface EdgeEventInput {
  readonly type: 'edge-event';
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly event: EdgeEvent;
  /** Time of the event as corrected by the estimated offset of the edge's clock. */
  readonly atMs: number;
  /** The arrival still stands before the gate and wants an answer. */
  readonly waiting: boolean;
  /** For `vehicle-arrived`: what it showed, resolved. */
  readonly credential: KnownCredential | null;
  readonly vehicle: VehicleView | null;
}

export type EdgeFactInput =
  /** The edge began a new outbox: what was open under the old one is frozen. */
  | {
      readonly type: 'epoch-replaced';
      readonly edgeId: string;
      readonly epoch: string;
      readonly previousEpoch: string;
      readonly cause: string;
    }
  /** The vehicle of an arrival that was frozen is still at its gate: the new outbox names it by another seq. */
  | {
      readonly type: 'arrival-carried-over';
      readonly edgeId: string;
      readonly from: ArrivalKey;
      readonly epoch: string;
      readonly seq: number;
    }
  /** Events that will never come: recorded, passed over. */
  | {
      readonly type: 'events-gap';
      readonly edgeId: string;
      readonly epoch: string;
      readonly fromSeq: number;
      readonly toSeq: number;
      /** Arrivals, by seq, that the edge still knows as open. */
      readonly open: readonly number[];
    }
  /**
   * This store was restored from an older copy: free slots stay back until every entry edge has reported. `edgeId` has shown it;
   * null when it was restored on purpose, and no edge has been heard since.
   */
  | { readonly type: 'store-restored'; readonly edgeId: string | null }
  /** The edge has resent everything it kept and reported its holdings. */
  | { readonly type: 'edge-recovered'; readonly edgeId: string }
  /** Whether everything the edge has written is applied here. Kept in memory only; every entry edge counts as behind until told. */
  | { readonly type: 'edge-currency'; readonly edgeId: string; readonly current: boolean }
  /** A store that was restored hears of a gate of the edge that it had known before, or may have. */
  | { readonly type: 'gate-recalled'; readonly edgeId: string; readonly gateId: string }
  /** Two running agents use one identity. */
  | { readonly type: 'identity-conflict'; readonly edgeId: string }
  /** An event of a kind that this program does not know. */
  | { readonly type: 'unknown-event'; readonly edgeId: string; readonly gateId: string | null; readonly kind: string };

interface Act {
  /** Who did it: the label of a key. */
  readonly by: string;
  readonly reason: string;
}

export type OperatorInput =
  | (Act & { readonly type: 'put-layout'; readonly layout: SiteLayout })
  /** Gives a slot to a vehicle by hand and opens its session. */
  | (Act & {
      readonly type: 'assign-slot';
      readonly credential: KnownCredential | null;
      readonly vehicle: VehicleView | null;
      readonly slotClass: SlotClass;
      /** null: the best free one. */
      readonly slotId: string | null;
    })
  /** Frees a slot by hand and closes its session. `force` also frees reserved and held ones. */
  | (Act & { readonly type: 'release-slot'; readonly slotId: string; readonly force: boolean })
  | (Act & { readonly type: 'set-out-of-service'; readonly slotId: string; readonly outOfService: boolean })
  | (Act & {
      readonly type: 'admit-arrival';
      readonly arrival: ArrivalKey;
      readonly slotId: string | null;
      readonly ttlMs: number;
    })
  | (Act & { readonly type: 'move-session'; readonly sessionId: string; readonly slotId: string })
  | (Act & { readonly type: 'close-session'; readonly sessionId: string; readonly exitAtMs: number })
  /** Changes what was recorded. Absent members stay. */
  | (Act & {
      readonly type: 'correct-session';
      readonly sessionId: string;
      /** The row from the store, when the session is closed and so not in memory. */
      readonly stored?: Readonly<SessionRow>;
      readonly entryAtMs?: number;
      readonly exitAtMs?: number;
      readonly credential?: KnownCredential | null;
      readonly vehicle?: VehicleView | null;
    })
  /** Two sessions were one vehicle: `duplicate` becomes void and what it knew goes to `sessionId`. */
  | (Act & { readonly type: 'merge-sessions'; readonly sessionId: string; readonly duplicateSessionId: string })
  | (Act & { readonly type: 'authorise-exit'; readonly sessionId: string })
  /** Sets the count of vehicles inside; opens or closes anonymous sessions by the difference. */
  | (Act & { readonly type: 'correct-count'; readonly count: number })
  | (Act & {
      readonly type: 'resolve-review';
      readonly reviewId: string;
      readonly resolution: string;
      readonly sessionId: string | null;
    })
  /** Frees what an edge that is gone for good held or had reserved. */
  | (Act & { readonly type: 'release-holdings'; readonly edgeId: string })
  /** Gives out slots again although not every edge has reported after a restore. */
  | (Act & { readonly type: 'override-recovery' })
  /** The vehicle's record was deleted: its open session goes on, unlinked. */
  | (Act & { readonly type: 'unlink-vehicle'; readonly vehicleId: string })
  /** The credential's text was erased. */
  | (Act & { readonly type: 'erase-credential'; readonly credentialId: string });

/** Time went by: age limits are looked at. */
export interface TickInput {
  readonly type: 'tick';
}

/** An edge that is connected and not revoked: what a set for it has to be made with. */
export interface AllowanceEdge {
  readonly edgeId: string;
  /** Of its running outbox, which is the one that is stored here. */
  readonly epoch: string;
  /** The last seq of that epoch that is applied here. */
  readonly asOf: number;
  /** The version of the set that it says it has; 0 for none. */
  readonly reportedVersion: number;
  /** Of the access list as it is now. */
  readonly accessVersion: number;
  /** For each of its entry gates the class of slot that every vehicle there needs; null where it differs. */
  readonly vehicleClasses: readonly (SlotClass | null)[];
}

/** Sets slots aside for edges, or takes them back, as the site now is. */
export interface PlanAllowanceInput {
  readonly type: 'plan-allowance';
  readonly edges: readonly AllowanceEdge[];
  /** Somebody was turned away, or got one of an edge's last slots: the shares are to be exact. */
  readonly isShort: boolean;
}

export type SiteInput = EdgeEventInput | EdgeFactInput | OperatorInput | TickInput | PlanAllowanceInput;

export type { AdmissionBasis };
