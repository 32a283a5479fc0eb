/** What is known of each edge's running agent: kept in memory, changed as messages come, never stored but for the cursor. */
import type { AckConflict, OnlineState } from '@gatehouse/shared';
import type { ClockEstimate } from './clock-estimate.js';
import { createClockEstimate } from './clock-estimate.js';
import type { IdentityWatch } from './identity-watch.js';
import { createIdentityWatch } from './identity-watch.js';

export interface EdgeView {
  readonly edgeId: string;
  readonly siteId: string;
  presence: 'online' | 'offline' | 'unknown';
  /** The presence that followers were told last. */
  announcedPresence: 'online' | 'offline' | 'unknown';
  instance: string | null;
  lastState: OnlineState | null;
  /** When `lastState` came: on our wall clock, and on the link's monotonic clock. */
  lastStateAtMs: number | null;
  lastStateMonoMs: number;
  lastSeenAtMs: number | null;
  /** The same on the link's monotonic clock. */
  lastSeenMonoMs: number | null;
  conflict: AckConflict | null;
  /** Set while the edge has been told more than this store knows. */
  isRestoring: boolean;
  /** The highest seq that this instance has sent in this epoch: a state sent before it says less. */
  highest: { readonly instance: string; readonly epoch: string; readonly seq: number } | null;
  /** The last state, if it showed less than is stored. */
  behind: { readonly instance: string; readonly monoMs: number } | null;
  /** Arrival seq → when its decision was sent last, on the link's monotonic clock; null before the first. */
  decisionsSent: Map<number, number> | null;
  /** The last set of slots that was sent, and when on the link's monotonic clock. */
  allowanceSent: { readonly version: number; readonly monoMs: number } | null;
  readonly clock: ClockEstimate;
  readonly identity: IdentityWatch;
  /** null before the first. */
  unreadable: UnreadablePayloads | null;
}

/** Unreadable payloads put in quarantine in the present minute. */
export interface UnreadablePayloads {
  minute: number;
  count: number;
  /** Of states: those that are still to be stored. */
  waiting: number;
}

export interface EdgeViewSettings {
  readonly clockOffsetBoundMs: number;
  readonly alarmPeriodMs: number;
}

export function createEdgeView(
  edge: { readonly edgeId: string; readonly siteId: string },
  storedOffsetMs: number | null,
  settings: EdgeViewSettings,
): EdgeView {
  return {
    edgeId: edge.edgeId,
    siteId: edge.siteId,
    presence: 'unknown',
    announcedPresence: 'unknown',
    instance: null,
    lastState: null,
    lastStateAtMs: null,
    lastStateMonoMs: 0,
    lastSeenAtMs: null,
    lastSeenMonoMs: null,
    conflict: null,
    isRestoring: false,
    highest: null,
    behind: null,
    decisionsSent: null,
    allowanceSent: null,
    clock: createClockEstimate(settings.clockOffsetBoundMs, storedOffsetMs),
    identity: createIdentityWatch(settings.alarmPeriodMs),
    unreadable: null,
  };
}

/** Few edges ever send what cannot be read, and there are many edges. */
export function unreadableOf(view: EdgeView): UnreadablePayloads {
  return (view.unreadable ??= { minute: -1, count: 0, waiting: 0 });
}

/** The highest seq known to be written in this epoch by this instance, from its state and its batches. */
export function highestKnown(view: EdgeView, state: Pick<OnlineState, 'instance' | 'epoch' | 'next'>): number {
  const sent = view.highest;
  const fromBatches = sent?.instance === state.instance && sent.epoch === state.epoch ? sent.seq : 0;
  return Math.max(state.next - 1, fromBatches);
}
