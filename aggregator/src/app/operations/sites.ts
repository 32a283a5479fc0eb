/** Layouts, counts and recovery of sites. */
import type { SiteLayout } from '@gatehouse/shared';
import { siteRowOf, summaryOf } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import type { Turn } from '../committer.js';
import type { Actor } from './actor.js';

/**
 * Puts a layout; the same one again changes nothing and is not audited. Answers the version and whether the site is new.
 * @throws Refusal `version-mismatch` when the layout is not the version that the caller has seen
 */
export function putLayout(
  turn: Turn,
  actor: Actor,
  request: {
    readonly layout: SiteLayout;
    readonly reason: string;
    readonly exists: boolean;
    /** The version the caller expects; null for any. */
    readonly expectedVersion: number | null;
  },
): { siteId: string; created: boolean } {
  const { layout, exists } = request;
  const before = exists ? siteRowOf(turn.site(layout.siteId)).version : 0;
  if (request.expectedVersion !== null && request.expectedVersion !== before) {
    throw new Refusal('version-mismatch', `the layout is at version ${String(before)}`);
  }
  turn.apply(layout.siteId, { type: 'put-layout', by: actor.label, reason: request.reason, layout });
  const after = siteRowOf(turn.site(layout.siteId)).version;
  if (after !== before) {
    turn.audit({
      by: actor.label,
      action: 'site.put-layout',
      siteId: layout.siteId,
      target: layout.siteId,
      reason: request.reason,
      detail: { version: after, zones: layout.zones.length, slots: layout.slots.length, gates: layout.gates.length },
    });
  }
  return { siteId: layout.siteId, created: !exists };
}

export function correctCount(
  turn: Turn,
  actor: Actor,
  request: { readonly siteId: string; readonly count: number; readonly reason: string },
): { siteId: string } {
  const { siteId, count, reason } = request;
  const before = summaryOf(turn.site(siteId)).vehiclesInside;
  turn.apply(siteId, { type: 'correct-count', by: actor.label, reason, count });
  turn.audit({
    by: actor.label,
    action: 'count.correct',
    siteId,
    target: siteId,
    reason,
    detail: { before, after: count },
  });
  return { siteId };
}

export function overrideRecovery(
  turn: Turn,
  actor: Actor,
  request: { readonly siteId: string; readonly reason: string },
): { siteId: string } {
  const { siteId, reason } = request;
  turn.apply(siteId, { type: 'override-recovery', by: actor.label, reason });
  turn.audit({ by: actor.label, action: 'site.override-recovery', siteId, target: siteId, reason, detail: {} });
  return { siteId };
}
