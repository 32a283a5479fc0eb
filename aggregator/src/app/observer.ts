/** What the application tells whoever counts and measures. Calls are synchronous and must not throw. */
import type { DenialReason, Direction, LogLineLevel } from '@gatehouse/shared';
import type { ReviewKind, SessionBasis } from '../domain/rows.js';

export const eventResults = [
  'applied',
  'duplicate',
  'quarantined',
  'unknown-kind',
  'resent-known',
  'resent-applied',
] as const;
/** What became of one event. */
export type EventResult = (typeof eventResults)[number];

export const dropReasons = [
  'foreign-topic',
  'unknown-edge',
  'revoked-edge',
  'wrong-site',
  /** Of a registered edge whose site has no layout yet: kept by the edge until it has. */
  'no-site',
  'inbox-full',
  /** Sent again while it waits to be stored. */
  'repeated',
  'unreadable',
  'beyond-cursor',
  'conflict',
  'log-refused',
  'log-too-many',
  'publish-queue-full',
  'publish-failed',
  'stopped',
] as const;
/** Why a message was not taken. */
export type DropReason = (typeof dropReasons)[number];

export interface AggregatorObserver {
  /** Of so many events. `kind` is one of the known kinds, or `unknown`. */
  onEvent(siteId: string, kind: string, result: EventResult, events: number): void;
  /** One commit, from the first work taken to the store's answer; `rows` inserted, replaced and deleted. */
  onCommit(durationMs: number, rows: number): void;
  /** A commit or reload that the store refused. */
  onCommitFailed(code: string): void;
  /** From the arrival's receipt to the publish of its decision. */
  onDecision(siteId: string, durationMs: number, outcome: 'admit' | 'own' | 'deny'): void;
  /** A vehicle was let in by an edge alone, into a slot that was set aside for it. */
  onAllowanceAdmission(siteId: string, edgeId: string): void;
  /**
   * An arrival was answered. `aggregator`: by a decision that was made here. `edge`: an edge reports that it did not wait for one; what
   * an operator or a locked lane answers is neither.
   */
  onAnswered(siteId: string, by: 'aggregator' | 'edge'): void;
  /** A vehicle was turned away, here or by an edge. */
  onDenied(siteId: string, reason: DenialReason): void;
  /** A vehicle went through a gate, invited or not. */
  onPassage(siteId: string, gateId: string, direction: Direction): void;
  onReviewOpened(siteId: string, kind: ReviewKind): void;
  /** Events that an edge could not keep, or that will never come. */
  onEventsLost(siteId: string, edgeId: string, events: number): void;
  onSessionClosed(siteId: string, durationMs: number, basis: SessionBasis): void;
  onQuarantine(siteId: string | null, reason: string): void;
  onDropped(reason: DropReason): void;
  /** An edge told lines of its log. */
  onLogLines(siteId: string, edgeId: string, level: LogLineLevel, lines: number): void;
  onEdgePresence(siteId: string, edgeId: string, online: boolean): void;
}

/** Listens to nothing. */
export const silentObserver: AggregatorObserver = {
  onEvent: () => undefined,
  onCommit: () => undefined,
  onCommitFailed: () => undefined,
  onDecision: () => undefined,
  onAllowanceAdmission: () => undefined,
  onAnswered: () => undefined,
  onDenied: () => undefined,
  onPassage: () => undefined,
  onReviewOpened: () => undefined,
  onEventsLost: () => undefined,
  onSessionClosed: () => undefined,
  onQuarantine: () => undefined,
  onDropped: () => undefined,
  onLogLines: () => undefined,
  onEdgePresence: () => undefined,
};
