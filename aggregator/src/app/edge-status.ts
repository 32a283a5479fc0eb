/** One edge as a person sees it: its running agent and how far it is stored. */
import type { EdgeStatusView } from './aggregator.js';
import type { Directory } from './directory.js';
import type { EdgeView } from './ingest/edge-view.js';

export function edgeStatusOf(directory: Directory, view: EdgeView): EdgeStatusView {
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
    clockOffsetMs: view.clock.offsetMs,
    clockOff: view.clock.isOff,
    epoch: cursor?.epoch ?? state?.epoch ?? null,
    upTo: cursor?.upTo ?? 0,
    backlogEvents: state === null ? null : backlogOf(state, cursor),
    outboxBytes: state?.outboxBytes ?? null,
    conflict: view.conflict,
  };
}

function backlogOf(
  state: { readonly epoch: string; readonly oldest: number; readonly next: number },
  cursor: { readonly epoch: string; readonly upTo: number } | undefined,
): number {
  const stored = cursor?.epoch === state.epoch ? cursor.upTo : 0;
  return Math.max(0, state.next - 1 - Math.max(stored, state.oldest - 1));
}
