/** Which loops can be believed, and what they say. */
import { isActive, isWired } from './state.js';
import type { LaneState, Loop } from './state.js';
import type { LaneInput, LaneRules } from './vocabulary.js';

/** The inputs that track vehicles now. At least one is null when loops are missing or defective. */
export interface LoopsInUse {
  readonly arming: LaneInput | null;
  readonly safety: LaneInput | null;
  /** Not the plain pair of loops. */
  readonly degraded: boolean;
}

export function loopsInUse(state: LaneState, rules: LaneRules): LoopsInUse {
  const arming = isUsable(state, rules, 'arming') ? 'arming' : null;
  const safety = isUsable(state, rules, 'safety') ? 'safety' : isUsable(state, rules, 'photocell') ? 'photocell' : null;
  return { arming, safety, degraded: arming === null || safety !== 'safety' };
}

/** What a vehicle that came from `from` occupies now. With one loop alone, that loop is the first and there is no last. */
export function occupancy(state: LaneState, rules: LaneRules, from: Loop): { first: boolean; last: boolean } {
  const { arming, safety } = loopsInUse(state, rules);
  const only = arming === null ? safety : safety === null ? arming : undefined;
  if (only !== undefined) return { first: only !== null && isActive(state, only), last: false };
  const onArming = arming !== null && isActive(state, arming);
  const onSafety = safety !== null && isActive(state, safety);
  return from === 'arming' ? { first: onArming, last: onSafety } : { first: onSafety, last: onArming };
}

/** The lane sees vehicles at one place only. */
export function isSingleLoop(state: LaneState, rules: LaneRules): boolean {
  const { arming, safety } = loopsInUse(state, rules);
  return (arming === null) !== (safety === null);
}

export function isStuck(state: LaneState, rules: LaneRules, input: LaneInput): boolean {
  const sensor = state.inputs[input];
  return sensor !== undefined && sensor.active && state.nowMs - sensor.sinceMs >= rules.stuckAfterMs;
}

export function isChattering(state: LaneState, rules: LaneRules, input: LaneInput): boolean {
  const edgesMs = state.inputs[input]?.edgesMs ?? [];
  const [oldestMs] = edgesMs;
  return (
    oldestMs !== undefined && edgesMs.length > rules.chatterEdges && state.nowMs - oldestMs <= rules.chatterWindowMs
  );
}

/** Vehicle after vehicle went through, and the second loop saw none of them. */
export function isSecondLoopDead(state: LaneState, rules: LaneRules): boolean {
  return state.health.unseenByLast >= rules.deadAfterVehicles;
}

function isUsable(state: LaneState, rules: LaneRules, input: 'arming' | 'safety' | 'photocell'): boolean {
  if (!isWired(state, input) || isStuck(state, rules, input) || isChattering(state, rules, input)) return false;
  return input === 'arming' || !isSecondLoopDead(state, rules);
}
