/** Vehicles that went through. What is reported has happened: it is recorded, and flagged where it does not fit. */
import type { Direction } from '@gatehouse/shared';
import { credentialOf, entryFacts } from './decide-entry.js';
import type { PassedInput } from './decide-entry.js';
import { exitFacts } from './decide-exit.js';
import type { Exit } from './decide-exit.js';
import type { SiteFact } from './facts.js';
import { counted, newSession } from './facts-build.js';
import type { Context, EdgeEventInput } from './inputs.js';
import type { ArrivalKey, SessionBasis } from './rows.js';
import type { SiteState } from './state.js';
import { lateExit, lateExitFacts } from './unmatched-exits.js';

/** The arrival an event speaks of. An event that is sent again under a new epoch speaks of arrivals of that epoch. */
export function arrivalRef(input: EdgeEventInput, seq: number): ArrivalKey {
  return `${input.edgeId}:${input.epoch}:${String(seq)}`;
}

export function decidePassed(state: SiteState, input: PassedInput, context: Context): SiteFact[] {
  const { event } = input;
  const key = event.arrival === null ? null : arrivalRef(input, event.arrival);
  const arrival = key === null ? undefined : state.arrivals.get(key);
  const ended: SiteFact[] =
    arrival === undefined || key === null
      ? []
      : [{ type: 'arrival-ended', key, gateId: arrival.gateId, state: 'passed', atMs: input.atMs }];
  const credential = credentialOf(state, arrival);
  if (event.direction === 'exit') {
    const exit: Exit = {
      atMs: input.atMs,
      gateId: event.gateId,
      edgeId: input.edgeId,
      credential,
      basis: event.basis,
      decidedSessionId: arrival?.decision?.sessionId ?? null,
      expected: true,
    };
    return [...exitFacts(state, exit, context), ...ended];
  }
  return [...entryFacts(state, input, arrival, key, context), ...ended];
}

export interface Uninvited {
  readonly direction: Direction;
  readonly gateId: string;
  readonly basis: SessionBasis;
}

/** A vehicle that went through without a decision of its own: counted, and anonymous. */
export function uninvitedFacts(
  state: SiteState,
  input: EdgeEventInput,
  passage: Uninvited,
  context: Context,
): { facts: SiteFact[]; sessionId: string | null } {
  if (passage.direction === 'exit') {
    const exit: Exit = {
      atMs: input.atMs,
      gateId: passage.gateId,
      edgeId: input.edgeId,
      credential: null,
      basis: passage.basis,
      decidedSessionId: null,
      expected: false,
    };
    return { facts: exitFacts(state, exit, context), sessionId: null };
  }
  const session = newSession(state, {
    sessionId: context.newId(),
    atMs: input.atMs,
    gateId: passage.gateId,
    basis: passage.basis,
    slotId: null,
    slotClass: 'standard',
    credential: null,
    vehicleId: null,
    eventKey: `${input.edgeId}:${input.epoch}:${String(input.seq)}`,
  });
  const facts: SiteFact[] = [
    { type: 'session-opened', session, credential: null },
    counted('entry', passage.gateId, session.sessionId, null),
  ];
  const late = lateExit(state, session);
  if (late !== undefined) facts.push(...lateExitFacts(state, session, late, context));
  return { facts, sessionId: session.sessionId };
}
