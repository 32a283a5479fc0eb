/**
 * Gates that a layout took away. A vehicle that went through before stands in the outbox of its edge for as long as the edge is
 * cut off, and one that goes through a lane which nobody has switched off goes through all the same: both are counted.
 */
import type { SiteLayout } from '@gatehouse/shared';
import type { RetiredGate } from './rows.js';
import { engineLimits } from './state.js';
import type { SiteState } from './state.js';

/** What a gate is to an edge. `retired`: a layout took it away; `anothers`: it is another edge's and never was this one's. */
export type GateStanding = 'live' | 'retired' | 'anothers' | 'unknown';

export function gateStanding(state: SiteState, edgeId: string, gateId: string): GateStanding {
  const live = state.gates.get(gateId);
  if (live?.edgeId === edgeId) return 'live';
  const isRetired = state.site?.retiredGates.some((gate) => gate.gateId === gateId && gate.edgeId === edgeId) === true;
  if (isRetired) return 'retired';
  return live === undefined ? 'unknown' : 'anothers';
}

/** The retired gates under a new layout: a gate that it gives to the same edge again is none any more. */
export function retiredBy(state: SiteState, layout: SiteLayout, nowMs: number): RetiredGate[] {
  const edgeOf = new Map(layout.gates.map(({ gateId, edgeId }) => [gateId, edgeId]));
  const isGone = ({ gateId, edgeId }: { gateId: string; edgeId: string }): boolean => edgeOf.get(gateId) !== edgeId;
  const before = state.site?.retiredGates.filter(isGone) ?? [];
  const removed = [...state.gates.values()].filter(isGone).map(({ gateId, edgeId, name, direction }) => {
    return { gateId, edgeId, name, direction, removedAtMs: nowMs, drained: false };
  });
  const retired = [...before, ...removed];
  const surplus = Math.max(0, retired.length - engineLimits.maxRetiredGates);
  const drainedFirst = [...retired.filter(({ drained }) => drained), ...retired.filter(({ drained }) => !drained)];
  const forgotten = new Set(drainedFirst.slice(0, surplus));
  return retired.filter((gate) => !forgotten.has(gate));
}

/**
 * The gate as a retired one, if it is neither live nor retired for the edge: a restored store may be older than the layout that
 * had it. null where there is no room for one more.
 */
export function recalledGate(state: SiteState, edgeId: string, gateId: string, nowMs: number): RetiredGate | null {
  const standing = gateStanding(state, edgeId, gateId);
  const count = state.site?.retiredGates.length ?? engineLimits.maxRetiredGates;
  if (standing === 'live' || standing === 'retired' || count >= engineLimits.maxRetiredGates) return null;
  return { gateId, edgeId, name: gateId, direction: 'both', removedAtMs: nowMs, drained: false };
}

/** The same gates, those of the edge with nothing left to tell. */
export function drainedGates(gates: readonly RetiredGate[], edgeId: string): RetiredGate[] {
  return gates.map((gate) => (gate.edgeId === edgeId ? { ...gate, drained: true } : gate));
}

export function hasGatesToDrain(state: SiteState, edgeId: string): boolean {
  return state.site?.retiredGates.some((gate) => gate.edgeId === edgeId && !gate.drained) === true;
}

/** Edges that may still have vehicles to report which went in through a gate they had. */
export function edgesToDrain(state: SiteState): Set<string> {
  const entries = state.site?.retiredGates.filter(({ direction, drained }) => direction !== 'exit' && !drained) ?? [];
  return new Set(entries.map(({ edgeId }) => edgeId));
}
