/** Facts that belong together, built the same way wherever they are needed. */
import type { Direction, SlotClass } from '@gatehouse/shared';
import type { SiteFact } from './facts.js';
import type { Context, KnownCredential } from './inputs.js';
import type {
  ArrivalKey,
  NoticeKind,
  ReviewKind,
  ReviewRow,
  SessionBasis,
  SessionRow,
  SlotRecall,
  SlotRow,
} from './rows.js';
import type { SiteState } from './state.js';

/**
 * Frees a slot, and lets what waited for it take effect. `provided` are the sessions that want none any more though the state does not
 * show it yet: they end by the same input, or got another slot by it. Whoever gets this one is added.
 */
export function slotReturned(state: SiteState, slot: SlotRow, provided = new Set<string>()): SiteFact[] {
  const { slotId, recall } = slot;
  if (recall === null) return [{ type: 'slot-freed', slotId }];
  const facts: SiteFact[] = [{ type: 'slot-freed', slotId }];
  switch (recall.kind) {
    case 'remove':
      return [...facts, { type: 'slot-removed', slotId }];
    case 'out-of-service':
      return [
        ...facts,
        { type: 'slot-recall-changed', slotId, recall: null },
        { type: 'slot-service-changed', slotId, outOfService: recall.reason },
      ];
    case 'assign': {
      facts.push({ type: 'slot-recall-changed', slotId, recall: null });
      const [sessionId, ...others] = claimsOf(state, recall).filter((claim) => !provided.has(claim));
      if (sessionId === undefined) return facts;
      provided.add(sessionId);
      facts.push(
        { type: 'slot-occupied', slotId, sessionId, key: null, confirmed: true },
        { type: 'session-changed', sessionId, change: { slotId } },
      );
      const [first, ...next] = others;
      if (first === undefined) return facts;
      return [...facts, { type: 'slot-recall-changed', slotId, recall: { ...recall, sessionId: first, next } }];
    }
  }
}

/** Sessions that the slot is recalled for and that are still without one. */
export function claimsOf(state: SiteState, { sessionId, next = [] }: SlotRecall): string[] {
  return [sessionId, ...next].flatMap((claim) => {
    const session = claim === null ? undefined : state.sessions.get(claim);
    return session?.slotId === null ? [session.sessionId] : [];
  });
}

export interface SessionEnd {
  readonly atMs: number;
  readonly gateId: string | null;
  readonly basis: SessionBasis;
  readonly state?: 'closed' | 'void';
}

/** Closes a session and returns its slot. The duration is never negative, whatever the clocks said. `provided`: see slotReturned. */
export function sessionEnded(
  state: SiteState,
  session: SessionRow,
  end: SessionEnd,
  provided?: Set<string>,
): SiteFact[] {
  const exitAtMs = Math.max(session.entryAtMs, end.atMs);
  const slot = session.slotId === null ? undefined : state.slots.get(session.slotId);
  return [
    {
      type: 'session-closed',
      sessionId: session.sessionId,
      state: end.state ?? 'closed',
      exitAtMs,
      exitGateId: end.gateId,
      basis: end.basis,
      durationMs: exitAtMs - session.entryAtMs,
      slotId: session.slotId,
    },
    ...(slot?.state === 'occupied' && slot.sessionId === session.sessionId ? slotReturned(state, slot, provided) : []),
  ];
}

export interface SessionStart {
  readonly sessionId: string;
  readonly atMs: number;
  readonly gateId: string | null;
  readonly basis: SessionBasis;
  readonly slotId: string | null;
  readonly slotClass: SlotClass;
  readonly credential: KnownCredential | null;
  /** For a credential whose text is not known any more. */
  readonly credentialId?: string | null;
  readonly vehicleId: string | null;
  readonly eventKey: ArrivalKey | null;
  /** Sessions opened before this one by the same input. */
  readonly ticketOffset?: number;
}

export function newSession(state: SiteState, start: SessionStart): SessionRow {
  return {
    siteId: state.siteId,
    sessionId: start.sessionId,
    ticket: state.ledger.ticketsIssued + 1 + (start.ticketOffset ?? 0),
    credentialId: start.credential?.credentialId ?? start.credentialId ?? null,
    vehicleId: start.vehicleId,
    slotClass: start.slotClass,
    slotId: start.slotId,
    state: 'open',
    entryAtMs: start.atMs,
    entryGateId: start.gateId,
    entryBasis: start.basis,
    exitAtMs: null,
    exitGateId: null,
    exitBasis: null,
    durationMs: null,
    uncertainSinceMs: null,
    exitAuthorised: false,
    earlierExitDue: false,
    entryEventKey: start.eventKey,
  };
}

export interface ReviewSubject {
  readonly kind: ReviewKind;
  readonly atMs: number;
  readonly detail: string;
  readonly gateId?: string | null;
  readonly edgeId?: string | null;
  readonly sessionId?: string | null;
  readonly candidates?: string[];
  readonly credentialId?: string | null;
}

export function newReview(
  state: SiteState,
  context: Context,
  subject: ReviewSubject,
): SiteFact & { type: 'review-opened' } {
  const review: ReviewRow = {
    siteId: state.siteId,
    reviewId: context.newId(),
    kind: subject.kind,
    gateId: subject.gateId ?? null,
    edgeId: subject.edgeId ?? null,
    sessionId: subject.sessionId ?? null,
    candidates: subject.candidates ?? [],
    credentialId: subject.credentialId ?? null,
    openedAtMs: subject.atMs,
    detail: subject.detail,
    resolvedAtMs: null,
    resolvedBy: null,
    resolution: null,
  };
  return { type: 'review-opened', review };
}

/** A review of this kind about the same thing that is open already. */
export function openReviewOf(
  state: SiteState,
  kind: ReviewKind,
  about: { readonly edgeId?: string; readonly gateId?: string },
): ReviewRow | undefined {
  for (const review of state.reviews.values()) {
    if (review.kind !== kind) continue;
    if (about.edgeId !== undefined && review.edgeId !== about.edgeId) continue;
    if (about.gateId !== undefined && review.gateId !== about.gateId) continue;
    return review;
  }
  return undefined;
}

export function counted(
  direction: Direction,
  gateId: string | null,
  sessionId: string | null,
  slotId: string | null,
): SiteFact {
  return { type: 'passage-counted', direction, gateId, sessionId, slotId };
}

/** Nothing changes; followers of the site hear of it. */
export function reported(kind: NoticeKind, gateId: string | null, detail: string): SiteFact {
  return { type: 'reported', kind, gateId, detail };
}
