/** Tickets that a gate issued by itself, as the credential of a stay. */
import { describe, expect, it } from '@jest/globals';
import { summaryOf } from '../../src/domain/engine.js';
import type { SessionRow } from '../../src/domain/rows.js';
import { checkInvariants, TestSite } from './site.js';

const gates = { entry: { gateId: 'in', edgeId: 'edge-in' }, exit: { gateId: 'out', edgeId: 'edge-out' } };

/** A vehicle presents a ticket, the one that it was just given or one that a reader at the exit sees. */
function arrive(site: TestSite, direction: 'entry' | 'exit', value: string): number {
  const { gateId, edgeId } = gates[direction];
  const source = direction === 'entry' ? 'ticket-button' : 'ticket-reader';
  const credential = { kind: 'ticket', value, source, confidence: 1 };
  const known = { credentialId: `t-${value}`, kind: 'ticket' as const, value };
  const arrived = {
    kind: 'vehicle-arrived' as const,
    gateId,
    direction,
    credential,
    vehicleClass: null,
    supersedes: null,
  };
  return site.event(edgeId, arrived, { waiting: true, credential: known }).seq;
}

function enter(site: TestSite, value: string): SessionRow {
  const arrival = arrive(site, 'entry', value);
  const sessionId = site.decisionOf(arrival)?.sessionId ?? '';
  site.pass('entry', arrival);
  const session = site.state.sessions.get(sessionId);
  if (session === undefined) throw new Error('no session was opened');
  return session;
}

const leave = (site: TestSite, value: string) => site.pass('exit', arrive(site, 'exit', value));

describe('a ticket that a gate issued', () => {
  // Plates so near each other would be taken for one misread: B and 8, and a lost character.
  it.each([
    ['7B2KM4XQ', '782KM4XQ'],
    ['7B2KM4XQ', '7B2KM4X'],
    ['7B2KM4XQ', '7B2KM4XZ'],
  ])('%s ends just its own session, and not that of %s', (ticket, near) => {
    for (const [mine, other] of [
      [ticket, near],
      [near, ticket],
    ] as const) {
      const site = new TestSite();
      const stays = enter(site, other);
      const goes = enter(site, mine);
      site.wait(3_600_000);
      leave(site, mine);
      expect(goes).toMatchObject({ state: 'closed', durationMs: 3_600_000, exitBasis: 'decision' });
      expect(stays).toMatchObject({ state: 'open' });
      expect([...site.state.sessions.values()].filter(({ state }) => state === 'open')).toEqual([stays]);
      expect(site.openReviews()).toEqual([]);
      checkInvariants(site.state);
    }
  });

  it('that nobody has ends no session for certain, however near another one is', () => {
    const site = new TestSite();
    const session = enter(site, '7B2KM4XQ');
    leave(site, '782KM4XQ');
    expect(session.state).toBe('uncertain');
    expect(site.openReviews()).toEqual(['unmatched-exit']);
    checkInvariants(site.state);
  });

  it('is void when its vehicle backs out: no session, no slot, and nothing that it could end later', () => {
    const site = new TestSite();
    const arrival = arrive(site, 'entry', '7B2KM4XQ');
    expect(site.decisionOf(arrival)).toMatchObject({ outcome: 'admit', slotId: 's1' });
    const ended = { gateId: 'in', arrival, slotId: 's1', basis: 'decision', reason: 'left' };
    site.event('edge-in', { kind: 'vehicle-backed-out', ...ended });
    expect(site.state.sessions.size).toBe(0);
    expect(site.state.credentials.size).toBe(0);
    expect(site.slot('s1').state).toBe('free');
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 0, sessionsOpen: 0 });
    checkInvariants(site.state);

    const other = enter(site, '9C3LN5YR');
    arrive(site, 'exit', '7B2KM4XQ');
    expect(other).toMatchObject({ state: 'open' });
    expect(site.state.sessions.size).toBe(1);
  });
});
