/** One edge as a person sees it: its running agent and how far it is stored. */
import type { AckConflict, OnlineState } from '@gatehouse/shared';
import { allowanceSummaryOf } from '../domain/engine.js';
import type { AllowanceSummary, SiteState } from '../domain/engine.js';
import type { Directory } from './directory.js';
import type { EdgeView } from './ingest/edge-view.js';

/** What is known of one edge's agent at this moment. Nothing of it is durable but the cursor and the allowance. */
export interface EdgeStatusView {
  readonly edgeId: string;
  readonly siteId: string;
  /** `unknown` until it is heard of after a start. */
  readonly presence: 'online' | 'offline' | 'unknown';
  readonly instance: string | null;
  /** The last online state it sent, also when it is offline now. */
  readonly lastState: OnlineState | null;
  readonly lastStateAtMs: number | null;
  /** When anything came from it last. */
  readonly lastSeenAtMs: number | null;
  /** The same on the link's monotonic clock. */
  readonly lastSeenMonoMs: number | null;
  /** The edge's clock minus ours, ms; null until known. */
  readonly clockOffsetMs: number | null;
  readonly clockOff: boolean;
  readonly epoch: string | null;
  /** The last seq stored of that epoch. */
  readonly upTo: number;
  /** Events that the edge has written and we have not stored, as far as its last state tells; null until known. */
  readonly backlogEvents: number | null;
  readonly outboxBytes: number | null;
  /** Set while its history cannot be continued. */
  readonly conflict: AckConflict | null;
  /** The slots it may give out by itself. Durable. */
  readonly allowance: AllowanceSummary | null;
}

export function edgeStatusOf(directory: Directory, view: EdgeView, site: SiteState | undefined): EdgeStatusView {
  const cursor = directory.cursor(view.edgeId);
  const state = view.lastState;
  return {
    edgeId: view.edgeId,
    siteId: view.siteId,
    presence: view.presence,
    instance: view.instance,
    lastState: state,
    lastStateAtMs: view.lastStateAtMs,
    lastSeenAtMs: view.lastSeenAtMs,
    lastSeenMonoMs: view.lastSeenMonoMs,
    clockOffsetMs: view.clock.offsetMs,
    clockOff: view.clock.isOff,
    epoch: cursor?.epoch ?? state?.epoch ?? null,
    upTo: cursor?.upTo ?? 0,
    backlogEvents: state === null ? null : backlogOf(state, cursor),
    outboxBytes: state?.outboxBytes ?? null,
    conflict: view.conflict,
    allowance: site === undefined ? null : allowanceSummaryOf(site, view.edgeId),
  };
}

function backlogOf(
  state: { readonly epoch: string; readonly oldest: number; readonly next: number },
  cursor: { readonly epoch: string; readonly upTo: number } | undefined,
): number {
  const stored = cursor?.epoch === state.epoch ? cursor.upTo : 0;
  return Math.max(0, state.next - 1 - Math.max(stored, state.oldest - 1));
}
