/** What the application tells whoever counts and measures. Calls are synchronous and must not throw. */
import type { SessionBasis } from '../domain/rows.js';

/** What became of one event. */
export type EventResult = 'applied' | 'duplicate' | 'quarantined' | 'unknown-kind' | 'resent-known' | 'resent-applied';

/** Why a message was not taken. */
export type DropReason =
  | 'foreign-topic'
  | 'unknown-edge'
  | 'revoked-edge'
  | 'wrong-site'
  /** Of a registered edge whose site has no layout yet: kept by the edge until it has. */
  | 'no-site'
  | 'inbox-full'
  | 'unreadable'
  | 'beyond-cursor'
  | 'conflict'
  | 'publish-queue-full'
  | 'publish-failed'
  | 'stopped';

export interface AggregatorObserver {
  /** `kind` is one of the known kinds, or `unknown`. */
  onEvent(siteId: string, kind: string, result: EventResult): void;
  /** One commit, from the first work taken to the store's answer; `rows` inserted, replaced and deleted. */
  onCommit(durationMs: number, rows: number): void;
  /** A commit or reload that the store refused. */
  onCommitFailed(code: string): void;
  /** From the arrival's receipt to the publish of its decision. */
  onDecision(siteId: string, durationMs: number, outcome: 'admit' | 'own' | 'deny'): void;
  /** A vehicle was let in by an edge alone, into a slot that was set aside for it. */
  onAllowanceAdmission(siteId: string, edgeId: string): void;
  onSessionClosed(siteId: string, durationMs: number, basis: SessionBasis): void;
  onQuarantine(siteId: string | null, reason: string): void;
  onDropped(reason: DropReason): void;
  onEdgePresence(siteId: string, edgeId: string, online: boolean): void;
}

/** Listens to nothing. */
export const silentObserver: AggregatorObserver = {
  onEvent: () => undefined,
  onCommit: () => undefined,
  onCommitFailed: () => undefined,
  onDecision: () => undefined,
  onAllowanceAdmission: () => undefined,
  onSessionClosed: () => undefined,
  onQuarantine: () => undefined,
  onDropped: () => undefined,
  onEdgePresence: () => undefined,
};
