/**
 * The site engine: one pure, single-threaded state machine a site. `decide` turns an input into facts and changes nothing;
 * `evolve` applies a fact to the state, in place. No clock, no chance, no I/O.
 *
 * What is reported has happened: an edge's event is never refused, but recorded, flagged and reviewed. What a person asks for is
 * granted, or refused with a reason (`Refusal`). A broken invariant throws (`InvariantError`).
 */
import { decideEdgeEvent } from './decide-edge-event.js';
import { decideEdgeFact } from './decide-edge-fact.js';
import { decideOperator } from './decide-operator.js';
import { decideTick } from './decide-review.js';
import { planAllowance } from './plan-allowance.js';
import type { SiteFact } from './facts.js';
import type { Context, SiteInput } from './inputs.js';
import type { ArrivalRow, DecisionRecord } from './rows.js';
import type { SiteState } from './state.js';

/** @throws Refusal for an operator's input that cannot be granted. */
export function decide(state: SiteState, input: SiteInput, context: Context): readonly SiteFact[] {
  switch (input.type) {
    case 'edge-event':
      return decideEdgeEvent(state, input, context);
    case 'epoch-replaced':
    case 'arrival-carried-over':
    case 'events-gap':
    case 'store-restored':
    case 'edge-recovered':
    case 'edge-currency':
    case 'gate-recalled':
    case 'identity-conflict':
    case 'unknown-event':
      return decideEdgeFact(state, input, context);
    case 'plan-allowance':
      return planAllowance(state, input, context);
    case 'tick':
      return decideTick(state, context);
    default:
      return decideOperator(state, input, context);
  }
}

/** A decision to be sent to an edge. */
export interface DecisionToSend {
  readonly arrival: ArrivalRow;
  readonly decision: DecisionRecord;
}

/** Decisions among these facts that an edge has to be sent. */
export function decisionsOf(facts: readonly SiteFact[]): readonly DecisionToSend[] {
  let found: DecisionToSend[] | null = null;
  for (const fact of facts) {
    if (fact.type === 'arrival-decided') (found ??= []).push({ arrival: fact.arrival, decision: fact.decision });
  }
  return found ?? noDecisions;
}

const noDecisions: readonly DecisionToSend[] = [];

export { evolve } from './evolve.js';
export type { SiteFact } from './facts.js';
export { noticesOf } from './notices.js';
export * from './queries.js';
export { newSite, restoreSite, takeChanges } from './state.js';
export type { SiteChanges, SiteState, StoredSite } from './state.js';
