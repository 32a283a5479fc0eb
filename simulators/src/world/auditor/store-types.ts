/** What is known of the aggregator's store. */
import type { ChangeSet, CursorRow, ReviewRow, SessionRow } from '@gatehouse/aggregator';
import type { SiteLayout } from '@gatehouse/shared';
import type { PassageCount } from './event-facts.js';

export type SlotRow = ChangeSet['slots'][number];

export type LedgerRow = ChangeSet['ledgers'][number];

export type ArrivalRow = ChangeSet['arrivals'][number];

/** What is awaited after the store was replaced. */
export interface Restored {
  readonly edges: Map<string, { readonly epoch: string; readonly upTo: number }>;
  /** When the last of them was heard again. */
  heardAtMs: number | null;
  /** It never heals: a person went on before everybody had reported, or an edge had left the epoch that the copy knows. */
  forGood: boolean;
}

export interface ToHear {
  readonly epoch: string;
  readonly upTo: number;
  readonly sinceMs: number;
  acks: number;
  /** The aggregator has answered the state that shows it. */
  noticed: boolean;
  /** A person said to go on all the same. */
  overridden: boolean;
}

export interface SiteBook {
  readonly siteId: string;
  layout: SiteLayout | null;
  ledger: LedgerRow | null;
  readonly slots: Map<string, SlotRow>;
  /** Open and uncertain ones. */
  readonly sessions: Map<string, SessionRow>;
  readonly sessionsBySlot: Map<string, Set<string>>;
  readonly reservedFor: Map<string, string>;
  inService: number;
  reserved: number;
  held: number;
  certain: number;
  /** Arrivals that were admitted without a slot and have not ended. */
  readonly admittedWithoutSlot: Set<string>;
  /** What moved the count without a passage: acts of operators, true number. */
  residual: number;
  /** The same without sign, since the start of the run. */
  explained: number;
  /** The largest capacity it ever had. */
  mostCapacity: number;
  /** Edges whose next states show more acknowledged than is stored, with the seq up to which they must be heard again. */
  readonly toHear: Map<string, ToHear>;
  restored: Restored | null;
}

export interface StoredEpoch {
  upTo: number;
  hash: string;
  everUpTo: number;
  readonly hashes: Map<number, string>;
}

export interface StoreBook {
  readonly sites: Map<string, SiteBook>;
  readonly cursors: Map<string, CursorRow>;
  /** By arrival key; open and frozen ones. */
  readonly arrivals: Map<string, ArrivalRow>;
  /** Decisions ever stored for arrivals, those of ended arrivals for a while. */
  readonly decisions: Map<string, Set<string>>;
  readonly credentials: Map<string, string>;
  readonly commands: Set<string>;
  readonly openReviews: Map<string, ReviewRow>;
  /** Reviews about edges, ever: kind, edge, and when they were stored. */
  readonly alarms: { readonly kind: string; readonly edgeId: string; readonly atMs: number }[];
  /** Passages stored, by gate. */
  readonly passages: Map<string, PassageCount>;
  /** `site/slot` that were held and an operator took back: their edge may not know it yet, however they are held later. */
  readonly releasedByHand: Set<string>;
  /** `site/slot` and for whom it was held last, and until when. */
  readonly lastHeld: Map<string, { readonly edgeId: string; readonly epoch: string; readonly untilMs: number }>;
  /** Edges that have to report their holdings after a restore, by their allowance. */
  readonly mustReport: Map<string, string>;
  readonly origins: Map<string, string>;
  readonly revoked: Set<string>;
  /** `edge:epoch` of epochs that were replaced. */
  readonly retired: Set<string>;
  /** Passages counted as lost, by edge. */
  readonly lost: Map<string, PassageCount>;
  /** The site of each gate there ever was. */
  readonly gateSites: Map<string, string>;
  /** The edge that each gate there ever was belongs to, or belonged to last. */
  readonly gateEdges: Map<string, string>;
  /** Edges that a layout in this store ever gave an entry. */
  readonly entryEdges: Set<string>;
  /** `edge/gate` of all gates that layouts in this store ever gave an edge. */
  readonly gatesHad: Set<string>;
  lastNoticeId: number;
  audit: { auditId: number; hash: string } | null;
  replacedAtMs: number | null;
  site(siteId: string): SiteBook;
  slot(siteId: string, slotId: string): SlotRow | undefined;
  siteOfEdge(edgeId: string): string | undefined;
  epoch(edgeId: string, epoch: string): StoredEpoch;
  storedUpTo(edgeId: string, epoch: string): number;
  everStoredUpTo(edgeId: string, epoch: string): number;
  /** It was replaced, and not everybody has reported since. */
  isRestored(siteId: string): boolean;
  /** Forgets all rows. */
  clear(): void;
  /** Takes the rows over; checks are made before and after. */
  apply(changes: ChangeSet, atMs: number): void;
}
