/** Facts about edges and their stores, and about this one. */
import type { SiteFact } from './facts.js';
import { newReview, openReviewOf, reported } from './facts-build.js';
import { hasGatesToDrain, recalledGate } from './retired-gates.js';
import type { Context, EdgeFactInput } from './inputs.js';
import { edgeRecovered, storeRestored } from './restore.js';
import type { ArrivalRow } from './rows.js';
import type { SiteState } from './state.js';

export function decideEdgeFact(state: SiteState, input: EdgeFactInput, context: Context): SiteFact[] {
  switch (input.type) {
    case 'epoch-replaced':
      return epochReplaced(state, input, context);
    case 'arrival-carried-over': {
      const arrival = state.arrivals.get(input.from);
      if (arrival?.edgeId !== input.edgeId || arrival.state !== 'frozen') return [];
      const renamed: ArrivalRow = { ...arrival, epoch: input.epoch, seq: input.seq, state: 'open', endedAtMs: null };
      return [{ type: 'arrival-carried-over', from: input.from, arrival: renamed, atMs: context.nowMs }];
    }
    case 'events-gap': {
      // Among them may be what the edge gave out: nobody knows which of its slots are empty.
      const detail = `events ${String(input.fromSeq)} to ${String(input.toSeq)} will never come`;
      return [
        ...reservationsFrozen(state, input, context),
        ...holdingsFrozen(state, input.edgeId, null),
        ...(state.allowances.has(input.edgeId) ? [{ type: 'allowance-doubted', edgeId: input.edgeId } as const] : []),
        newReview(state, context, { kind: 'events-gap', atMs: context.nowMs, edgeId: input.edgeId, detail }),
        reported('events-gap', null, `${input.edgeId}: ${detail}`),
      ];
    }
    case 'store-restored':
      return storeRestored(state, input.edgeId, context);
    case 'edge-recovered':
      return edgeRecovered(state, input.edgeId);
    case 'edge-currency':
      return currencyTold(state, input.edgeId, input.current);
    case 'gate-recalled':
      return gateRecalled(state, input, context);
    case 'identity-conflict':
      if (openReviewOf(state, 'identity-conflict', { edgeId: input.edgeId }) !== undefined) return [];
      return [
        newReview(state, context, {
          kind: 'identity-conflict',
          atMs: context.nowMs,
          edgeId: input.edgeId,
          detail: 'two running agents use this identity',
        }),
      ];
    case 'unknown-event':
      return unknownEvent(state, input, context);
  }
}

function gateRecalled(
  state: SiteState,
  { edgeId, gateId }: { readonly edgeId: string; readonly gateId: string },
  { nowMs }: Context,
): SiteFact[] {
  const gate = recalledGate(state, edgeId, gateId, nowMs);
  return gate === null ? [] : [{ type: 'gate-retired', gate }];
}

function currencyTold(state: SiteState, edgeId: string, current: boolean): SiteFact[] {
  const isChange = state.currentEdges.has(edgeId) !== current;
  const isDrained = current && hasGatesToDrain(state, edgeId);
  return [
    ...(isChange ? [{ type: 'edge-currency-changed', edgeId, current } as const] : []),
    ...(isDrained ? [{ type: 'gates-drained', edgeId } as const] : []),
  ];
}

function epochReplaced(
  state: SiteState,
  input: EdgeFactInput & { type: 'epoch-replaced' },
  context: Context,
): SiteFact[] {
  const facts: SiteFact[] = [];
  for (const [key, arrival] of state.arrivals) {
    if (arrival.edgeId !== input.edgeId || arrival.epoch === input.epoch) continue;
    const slotId = state.reservedFor.get(key);
    const wasFrozen = arrival.state === 'frozen';
    // One that was frozen before and has nothing reserved will never be heard of again.
    if (wasFrozen && slotId !== undefined) continue;
    const outcome = wasFrozen ? 'unresolved' : 'frozen';
    facts.push({ type: 'arrival-ended', key, gateId: arrival.gateId, state: outcome, atMs: context.nowMs });
    if (slotId !== undefined) facts.push({ type: 'slot-frozen', slotId });
  }
  facts.push(...holdingsFrozen(state, input.edgeId, input.epoch));
  const allowance = state.allowances.get(input.edgeId);
  if (allowance !== undefined) {
    const { edgeId, epoch } = input;
    const mustReport = allowance.mustReport || state.ledger.recoveringEdges.includes(edgeId);
    facts.push({ type: 'allowance-ended', edgeId, epoch, mustReport });
  }
  const detail = `${input.cause}; what it held or had reserved stays frozen until it is released`;
  return [
    ...facts,
    newReview(state, context, { kind: 'epoch-replaced', atMs: context.nowMs, edgeId: input.edgeId, detail }),
  ];
}

/** Arrivals that ended in the gap: nobody knows whether their vehicles came in. */
function reservationsFrozen(
  state: SiteState,
  input: EdgeFactInput & { type: 'events-gap' },
  context: Context,
): SiteFact[] {
  return [...state.arrivals].flatMap(([key, { edgeId, epoch, seq, gateId, state: was }]): SiteFact[] => {
    if (edgeId !== input.edgeId || epoch !== input.epoch || was !== 'open' || input.open.includes(seq)) return [];
    const slotId = state.reservedFor.get(key);
    const ended: SiteFact = { type: 'arrival-ended', key, gateId, state: 'frozen', atMs: context.nowMs };
    return slotId === undefined ? [ended] : [ended, { type: 'slot-frozen', slotId }];
  });
}

/** What the edge holds, save under the epoch `exceptEpoch`, stays as it is until an operator releases it. */
function holdingsFrozen(state: SiteState, edgeId: string, exceptEpoch: string | null): SiteFact[] {
  return [...(state.holdings.get(edgeId)?.slotIds ?? [])].flatMap((slotId) => {
    const slot = state.slots.get(slotId);
    if (slot === undefined || slot.frozen || slot.heldEpoch === exceptEpoch) return [];
    return [{ type: 'slot-frozen', slotId } as const];
  });
}

function unknownEvent(
  state: SiteState,
  input: EdgeFactInput & { type: 'unknown-event' },
  context: Context,
): SiteFact[] {
  const detail = `events of the kind ${input.kind} are stored and not understood`;
  for (const review of state.reviews.values()) {
    if (review.kind === 'unknown-event' && review.edgeId === input.edgeId && review.detail === detail) return [];
  }
  return [
    newReview(state, context, {
      kind: 'unknown-event',
      atMs: context.nowMs,
      edgeId: input.edgeId,
      gateId: input.gateId,
      detail,
    }),
  ];
}
