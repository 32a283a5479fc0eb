import { describe, expect, it } from '@jest/globals';
import { decisionsOf, noticesOf, summaryOf } from '../../src/domain/engine.js';
import { Refusal } from '../../src/domain/refusal.js';
import { checkInvariants, epochA, epochB, layout, TestSite } from './site.js';

const refusal = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
  throw new Error('was not refused');
};
const act = { by: 'operator', reason: 'because' };

describe('a vehicle at an entry', () => {
  it('is admitted to the best free slot, which is reserved at the decision and occupied at the passage', () => {
    const site = new TestSite();
    const seq = site.arrive('entry', { plate: 'AB12CDE' });
    expect(site.decisionOf(seq)).toMatchObject({ outcome: 'admit', slotId: 's1', revision: 1 });
    expect(site.slot('s1').state).toBe('reserved');
    site.pass('entry', seq);
    expect(site.slot('s1').state).toBe('occupied');
    expect(summaryOf(site.state)).toMatchObject({
      vehiclesInside: 1,
      sessionsOpen: 1,
      drift: 0,
      free: 2,
      entriesTotal: 1,
    });
    expect(site.state.arrivals.size).toBe(0);
    checkInvariants(site.state);
  });

  it('keeps the session that was named in the decision', () => {
    const site = new TestSite();
    const seq = site.arrive('entry');
    const sessionId = site.decisionOf(seq)?.sessionId;
    site.pass('entry', seq);
    expect([...site.state.sessions.keys()]).toEqual([sessionId]);
  });

  it('is denied when the site is full, and the reservation of a waiting vehicle counts', () => {
    const site = new TestSite(layout({ slotCount: 1 }));
    site.arrive('entry');
    expect(site.decisionOf(site.arrive('entry'))).toMatchObject({ outcome: 'deny', reason: 'full' });
  });

  it('is denied when a tailgater has taken the room, although a slot is free', () => {
    const site = new TestSite(layout({ slotCount: 2 }));
    site.enter();
    site.event('edge-in', { kind: 'vehicle-tailgated', gateId: 'in', direction: 'entry', leader: null });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 2, free: 0 });
    expect(site.openReviews()).toEqual(['tailgating']);
    expect(site.decisionOf(site.arrive('entry'))).toMatchObject({ outcome: 'deny', reason: 'full' });
  });

  it('is denied when the count says so, although sessions were closed without a passage', () => {
    const site = new TestSite(layout({ slotCount: 2 }));
    site.enter('AAA111');
    site.wait(60_000).enter('AAA111');
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 2, sessionsOpen: 1, free: 0 });
    expect(site.decisionOf(site.arrive('entry'))).toMatchObject({ outcome: 'deny', reason: 'full' });
  });

  it('gives the reservation back when it backs out, leaves unserved, or is answered by the edge alone', () => {
    for (const ending of ['vehicle-backed-out', 'arrival-void', 'vehicle-denied'] as const) {
      const site = new TestSite();
      const arrival = site.arrive('entry');
      const more =
        ending === 'vehicle-denied' ? { reason: 'full' } : { slotId: 's1', basis: 'decision', reason: 'left' };
      site.event('edge-in', { kind: ending, gateId: 'in', arrival, ...more });
      expect(site.slot('s1').state).toBe('free');
      expect(site.decisionOf(arrival)).toBeNull();
      checkInvariants(site.state);
    }
  });

  it('gets no decision when it is history by the time it is reported', () => {
    const site = new TestSite();
    const seq = site.arrive('entry', { waiting: false });
    expect(site.decisionOf(seq)).toBeNull();
    site.pass('entry', seq, { basis: 'opted-in' });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1 });
    expect(site.openReviews()).toEqual(['no-slot']);
  });

  it('is turned away by rule: blocked, closed, without a permit, already inside', () => {
    const vehicle = { vehicleId: 'v', slotClass: 'standard' as const, blocked: true, permits: [] };
    expect(new TestSite().decisionOf(1)).toBeNull();
    const blocked = new TestSite();
    expect(blocked.decisionOf(blocked.arrive('entry', { plate: 'X1', vehicle }))?.reason).toBe('blocked');
    const closed = new TestSite(layout({ openingHours: [{ days: ['sun'], from: '06:00', to: '07:00' }] }));
    expect(closed.decisionOf(closed.arrive('entry'))?.reason).toBe('closed');
    const permits = new TestSite(layout({ permitRequired: true }));
    expect(permits.decisionOf(permits.arrive('entry', { plate: 'X1' }))?.reason).toBe('no-permit');
    const permit = { siteId: 'site', zoneId: null, slotClass: null, fromMs: null, toMs: null };
    const holder = { ...vehicle, blocked: false, permits: [permit] };
    expect(permits.decisionOf(permits.arrive('entry', { plate: 'X2', vehicle: holder }))?.outcome).toBe('admit');
    const hard = new TestSite(layout({ antiPassback: 'hard' }));
    hard.enter('AB12CDE');
    expect(hard.decisionOf(hard.arrive('entry', { plate: 'AB12CDE' }))?.reason).toBe('already-inside');
  });

  it('closes the stale session softly when it comes in again, with a review', () => {
    const site = new TestSite();
    const first = site.enter('AB12CDE');
    const second = site.wait(60_000).enter('AB12CDE');
    expect(second.sessionId).not.toBe(first.sessionId);
    expect(first).toMatchObject({ state: 'closed', exitBasis: 'anti-passback' });
    expect(site.openReviews()).toEqual(['already-inside']);
    expect(summaryOf(site.state)).toMatchObject({ sessionsOpen: 1, vehiclesInside: 2, drift: 1 });
    checkInvariants(site.state);
  });

  it('gets the class it needs, then what also fits, and never a slot kept for others', () => {
    const slots = [
      { slotId: 'a', zoneId: 'ground', label: 'A', slotClass: 'accessible' as const },
      { slotId: 'e', zoneId: 'ground', label: 'E', slotClass: 'ev' as const },
      { slotId: 'n', zoneId: 'ground', label: 'N', slotClass: 'standard' as const },
    ];
    const site = new TestSite(layout({ slots }));
    expect(site.decisionOf(site.arrive('entry', { vehicleClass: 'ev' }))?.slotId).toBe('e');
    expect(site.decisionOf(site.arrive('entry', { vehicleClass: 'ev' }))?.slotId).toBe('n');
    expect(site.decisionOf(site.arrive('entry'))).toMatchObject({ outcome: 'deny', reason: 'full' });
  });

  it('is sent to the zone nearest to its gate, and to permit zones only with a permit', () => {
    const zones = ['north', 'south', 'staff'].map((zoneId) => ({
      zoneId,
      name: zoneId,
      permitOnly: zoneId === 'staff',
    }));
    const slots = zones.map(({ zoneId }) => ({
      slotId: `${zoneId}-1`,
      zoneId,
      label: '1',
      slotClass: 'standard' as const,
    }));
    const gates = [
      {
        gateId: 'in',
        edgeId: 'edge-in',
        name: 'In',
        direction: 'entry' as const,
        nearestZones: ['staff', 'south', 'north'],
      },
    ];
    const site = new TestSite(layout({ zones, slots, gates }));
    expect(site.decisionOf(site.arrive('entry'))?.slotId).toBe('south-1');
    const permit = { siteId: 'site', zoneId: 'staff', slotClass: null, fromMs: null, toMs: null };
    const vehicle = { vehicleId: 'v', slotClass: 'standard' as const, blocked: false, permits: [permit] };
    expect(site.decisionOf(site.arrive('entry', { plate: 'ST4FF', vehicle }))?.slotId).toBe('staff-1');
  });
});

describe('a vehicle at an exit', () => {
  it('ends its own session, found by what it shows, and its slot is free', () => {
    const site = new TestSite();
    site.enter('AAA111');
    const mine = site.enter('BBB222');
    site.wait(3_600_000).leave('BBB222');
    expect(mine).toMatchObject({ state: 'closed', durationMs: 3_600_000, exitBasis: 'decision' });
    expect(site.slot('s2').state).toBe('free');
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1, exitsTotal: 1 });
    checkInvariants(site.state);
  });

  it('is found although the reader confused or missed characters, if only one fits', () => {
    for (const read of ['AB1ZCOE'.replace('O', 'D'), 'AB?2CDE', 'A812CDE']) {
      const site = new TestSite();
      const mine = site.enter('AB12CDE');
      site.enter('XY98ZZZ');
      site.leave(read);
      expect(mine.state).toBe('closed');
    }
  });

  it('matches none of two that fit: the count moves, one becomes uncertain, a review is opened', () => {
    const site = new TestSite();
    site.enter('AB12CDE');
    site.enter('AB12CDF');
    site.leave('AB12CD?');
    expect(site.openReviews()).toEqual(['ambiguous-exit']);
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1, sessionsUncertain: 1, drift: 0 });
    checkInvariants(site.state);
  });

  it('closes the oldest anonymous session, marked inferred, at a gate with sensors alone', () => {
    const site = new TestSite();
    const first = site.enter();
    site.wait(1000).enter();
    site.wait(1000).leave();
    expect(first).toMatchObject({ state: 'closed', exitBasis: 'inferred' });
    expect(site.openReviews()).toEqual([]);
  });

  it('whom the aggregator let out ends its session, and never with a negative duration, whatever the clocks said', () => {
    const site = new TestSite();
    const session = site.enter('AB12CDE');
    site.wait(-500_000).leave('AB12CDE');
    expect(session.durationMs).toBe(0);
  });

  it('that overtakes its entry does not free another vehicle’s slot for good', () => {
    const site = new TestSite();
    const other = site.enter('XY98ZZZ');
    site.wait(60_000);
    const enteredAtMs = site.nowMs;
    site.wait(600_000).leave('AB12CDE');
    expect(other.state).toBe('uncertain');
    expect(other.slotId).toBe('s1');
    // The entry edge was behind; now its events come.
    const arrival = site.event(
      'edge-in',
      {
        kind: 'vehicle-arrived',
        gateId: 'in',
        direction: 'entry',
        credential: null,
        vehicleClass: null,
        supersedes: null,
      } as never,
      {
        credential: site.credential('AB12CDE'),
        atMs: enteredAtMs,
      },
    ).seq;
    site.event(
      'edge-in',
      {
        kind: 'vehicle-passed',
        gateId: 'in',
        direction: 'entry',
        arrival,
        slotId: null,
        basis: 'opted-in',
        flags: [],
      } as never,
      { atMs: enteredAtMs },
    );
    expect(other.state).toBe('open');
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1, drift: 0 });
    expect(site.openReviews()).toEqual([]);
    checkInvariants(site.state);
  });

  it('that overtakes an entry which is known to be under way is nobody else’s', () => {
    const site = new TestSite();
    const other = site.enter('XY98ZZZ');
    const arrival = site.arrive('entry', { plate: 'AB12CDE' });
    const enteredAtMs = site.nowMs;
    site.wait(600_000).leave('AB12CDE');
    expect(other.state).toBe('open');
    expect(site.openReviews()).toEqual(['unmatched-exit']);
    site.event(
      'edge-in',
      { kind: 'vehicle-passed', gateId: 'in', direction: 'entry', arrival, slotId: 's2', basis: 'decision', flags: [] },
      { atMs: enteredAtMs },
    );
    expect(site.state.sessions.size).toBe(1);
    expect(site.slot('s2').state).toBe('free');
    expect(site.openReviews()).toEqual([]);
    checkInvariants(site.state);
  });

  it.each([
    ['', false],
    [', also when somebody has settled the review', true],
  ])('told only after the vehicle has come in again ends its earlier stay, not the new one%s', (_, isSettled) => {
    const site = new TestSite();
    site.enter('AB12CDE');
    const leftAtMs = site.wait(600_000).nowMs;
    const again = site.wait(600_000).enter('AB12CDE');
    expect(site.openReviews()).toEqual(['already-inside']);
    if (isSettled) {
      const [review] = site.state.reviews.values();
      const reviewId = review?.reviewId ?? '';
      site.apply({ type: 'resolve-review', reviewId, resolution: 'looked', sessionId: null, ...act });
      expect(site.openReviews()).toEqual([]);
    }
    site.wait(60_000).event(
      'edge-out',
      {
        kind: 'vehicle-passed',
        gateId: 'out',
        direction: 'exit',
        arrival: site.arrive('exit', { plate: 'AB12CDE', waiting: false }),
        slotId: null,
        basis: 'exit-alone',
        flags: [],
      },
      { atMs: leftAtMs },
    );
    expect(again.state).toBe('open');
    expect(site.state.ledger.count).toBe(1);
    expect(site.slot(again.slotId ?? '').state).toBe('occupied');
    expect(site.openReviews()).toEqual([]);
    site.leave('AB12CDE');
    expect(site.state.sessions.size).toBe(0);
    expect(site.state.ledger.count).toBe(0);
    checkInvariants(site.state);
  });

  describe('told to be before the only entry that fits', () => {
    const tellExit = (site: TestSite, atMs: number): void => {
      const arrival = site.arrive('exit', { plate: 'AB12CDE', waiting: false });
      site.event(
        'edge-out',
        {
          kind: 'vehicle-passed',
          gateId: 'out',
          direction: 'exit',
          arrival,
          slotId: null,
          basis: 'exit-alone',
          flags: [],
        },
        { atMs },
      );
    };

    it('does not give that vehicle’s slot away: a person looks', () => {
      const site = new TestSite();
      const first = site.enter('AB12CDE');
      const leftAtMs = site.wait(600_000).nowMs;
      site.apply({ type: 'close-session', sessionId: first.sessionId, exitAtMs: leftAtMs, ...act });
      const again = site.wait(24_000).enter('AB12CDE');
      tellExit(site.wait(60_000), leftAtMs);
      expect(again.state).toBe('uncertain');
      expect(site.slot(again.slotId ?? '').state).toBe('occupied');
      expect(site.openReviews()).toEqual(['ambiguous-exit']);
      expect([...site.state.reviews.values()][0]?.candidates).toEqual([again.sessionId]);
      site.leave('AB12CDE');
      expect(again.state).toBe('closed');
      checkInvariants(site.state);
    });

    it('ends the earlier stay when the entry to it is told at last', () => {
      const site = new TestSite();
      const enteredAtMs = site.nowMs;
      const leftAtMs = site.wait(600_000).nowMs;
      const again = site.wait(24_000).enter('AB12CDE');
      tellExit(site.wait(60_000), leftAtMs);
      expect(again.state).toBe('uncertain');
      const arrival = site.arrive('entry', { plate: 'AB12CDE', waiting: false });
      site.event(
        'edge-in',
        {
          kind: 'vehicle-passed',
          gateId: 'in',
          direction: 'entry',
          arrival,
          slotId: null,
          basis: 'decision',
          flags: [],
        },
        { atMs: enteredAtMs },
      );
      expect(again.state).toBe('open');
      expect(site.slot(again.slotId ?? '').state).toBe('occupied');
      expect([...site.state.sessions.keys()]).toEqual([again.sessionId]);
      expect(site.state.ledger.count).toBe(1);
      expect(site.openReviews()).toEqual([]);
      checkInvariants(site.state);
    });

    it('still proves that a vehicle came in whose entry was not seen', () => {
      const site = new TestSite();
      const arrival = site.arrive('entry', { plate: 'AB12CDE' });
      const leftAtMs = site.wait(60_000).nowMs;
      site
        .wait(60_000)
        .event('edge-in', { kind: 'arrival-unresolved', gateId: 'in', arrival, slotId: 's1', basis: 'decision' });
      expect(site.openReviews()).toEqual(['arrival-unresolved']);
      tellExit(site, leftAtMs);
      expect(site.state.sessions.size).toBe(0);
      expect(site.openReviews()).toEqual([]);
      checkInvariants(site.state);
    });
  });

  it('marks another session when the one it had marked leaves for certain', () => {
    const site = new TestSite();
    const first = site.enter('AAA111');
    const second = site.enter('BBB222');
    site.leave('ZZZ999');
    expect(first.state).toBe('uncertain');
    site.leave('AAA111');
    expect(first.state).toBe('closed');
    expect(second.state).toBe('uncertain');
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 0, sessionsOpen: 0, drift: 0 });
  });

  it('gives an uncertain session’s slot out last, and never while an entry edge is behind', () => {
    const site = new TestSite(layout({ slotCount: 2 }));
    const first = site.enter('AAA111');
    site.leave('ZZZ999');
    expect(site.decisionOf(site.arrive('entry', { plate: 'CCC333' }))?.slotId).toBe('s2');
    site.event('edge-out', { kind: 'vehicle-tailgated', gateId: 'out', direction: 'exit', leader: null });
    site.apply({ type: 'edge-currency', edgeId: 'edge-in', current: false });
    expect(site.decisionOf(site.arrive('entry', { plate: 'DDD444' }))?.outcome).toBe('deny');
    site.apply({ type: 'edge-currency', edgeId: 'edge-in', current: true });
    expect(site.decisionOf(site.arrive('entry', { plate: 'EEE555' }))).toMatchObject({
      outcome: 'admit',
      slotId: 's1',
    });
    expect(first).toMatchObject({ state: 'uncertain', slotId: null });
    checkInvariants(site.state);
  });

  it('settles an uncertain session by age', () => {
    const site = new TestSite(layout({ uncertainAgeLimitHours: 1 }));
    const session = site.enter('AAA111');
    site.leave('ZZZ999');
    site.wait(3_599_999).apply({ type: 'tick' });
    expect(session.state).toBe('uncertain');
    site.wait(1).apply({ type: 'tick' });
    expect(session).toMatchObject({ state: 'closed', exitBasis: 'age-limit' });
    expect(site.openReviews()).toEqual([]);
    checkInvariants(site.state);
  });

  it('opens only for authorised sessions where the site asks for it, and at once when authorised', () => {
    const site = new TestSite(layout({ exitAuthorisation: true }));
    const session = site.enter('AAA111');
    const seq = site.arrive('exit', { plate: 'AAA111' });
    expect(site.decisionOf(seq, 'edge-out')?.reason).toBe('exit-not-authorised');
    const facts = site.apply({ type: 'authorise-exit', sessionId: session.sessionId, ...act });
    expect(decisionsOf(facts)).toHaveLength(1);
    expect(site.decisionOf(seq, 'edge-out')).toMatchObject({ outcome: 'admit', revision: 2 });
  });
});

describe('after a restart of an edge', () => {
  it('a slot whose vehicle may have come in is occupied, unconfirmed, until a person looks', () => {
    for (const [resolution, inside, slotState] of [
      ['passed', 1, 'occupied'],
      ['turned-back', 0, 'free'],
    ] as const) {
      const site = new TestSite();
      const arrival = site.arrive('entry', { plate: 'AAA111' });
      site.event('edge-in', {
        kind: 'arrival-unresolved',
        gateId: 'in',
        arrival,
        slotId: null,
        basis: 'none',
      });
      expect(site.slot('s1')).toMatchObject({ state: 'occupied', confirmed: false });
      expect(summaryOf(site.state).vehiclesInside).toBe(0);
      const [review] = site.state.reviews.values();
      site.apply({ type: 'resolve-review', reviewId: review?.reviewId ?? '', resolution, sessionId: null, ...act });
      expect(site.slot('s1').state).toBe(slotState);
      expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: inside, sessionsOpen: inside, drift: 0 });
      checkInvariants(site.state);
    }
  });

  it('a vehicle that is seen to leave had come in', () => {
    const site = new TestSite();
    const arrival = site.arrive('entry', { plate: 'AAA111' });
    site.event('edge-in', { kind: 'arrival-unresolved', gateId: 'in', arrival, slotId: null, basis: 'none' });
    site.leave('AAA111');
    expect(summaryOf(site.state)).toMatchObject({
      vehiclesInside: 0,
      sessionsOpen: 0,
      entriesTotal: 1,
      exitsTotal: 1,
      drift: 0,
    });
    expect(site.openReviews()).toEqual([]);
  });
});

describe('an outbox that was replaced', () => {
  it('freezes what was reserved under it until an operator releases it', () => {
    const site = new TestSite();
    const arrival = site.arrive('entry');
    site.apply({
      type: 'epoch-replaced',
      edgeId: 'edge-in',
      previousEpoch: epochA,
      epoch: epochB,
      cause: 'new outbox',
    });
    site.epochs.set('edge-in', epochB);
    expect(site.slot('s1')).toMatchObject({ state: 'reserved', frozen: true });
    site.event('edge-in', {
      kind: 'vehicle-backed-out',
      gateId: 'in',
      arrival,
      slotId: null,
      basis: 'decision',
    });
    expect(site.slot('s1').state).toBe('reserved');
    site.apply({ type: 'release-holdings', edgeId: 'edge-in', ...act });
    expect(site.slot('s1')).toMatchObject({ state: 'free', frozen: false });
    expect(refusal(() => site.apply({ type: 'release-holdings', edgeId: 'edge-in', ...act }))).toBe(
      'nothing-to-release',
    );
    checkInvariants(site.state);
  });
});

describe('events that will never come', () => {
  const gap = (site: TestSite, open: number[]) => {
    site.apply({ type: 'events-gap', edgeId: 'edge-in', epoch: epochA, fromSeq: 3, toSeq: 9, open });
  };

  it('freeze what was reserved for arrivals that the edge does not know as open any more', () => {
    const site = new TestSite();
    const ended = site.arrive('entry');
    const open = site.arrive('entry');
    gap(site, [open]);
    expect(site.slot('s1')).toMatchObject({ state: 'reserved', frozen: true });
    expect(site.slot('s2')).toMatchObject({ state: 'reserved', frozen: false });
    site.event('edge-in', { kind: 'vehicle-backed-out', gateId: 'in', arrival: open, slotId: 's2', basis: 'decision' });
    site.event('edge-in', {
      kind: 'arrival-void',
      gateId: 'in',
      arrival: ended,
      slotId: null,
      basis: 'none',
      reason: 'left',
    });
    expect([site.slot('s1').state, site.slot('s2').state]).toEqual(['reserved', 'free']);
    site.apply({ type: 'release-slot', slotId: 's1', force: true, ...act });
    expect([site.state.arrivals.size, site.slot('s1').state]).toEqual([0, 'free']);
    checkInvariants(site.state);
  });

  it('leave the slot to a vehicle that is heard to have come in after all', () => {
    const site = new TestSite();
    const arrival = site.arrive('entry');
    gap(site, []);
    site.pass('entry', arrival, { slotId: 's1' });
    expect(site.slot('s1')).toMatchObject({ state: 'occupied', frozen: false });
    checkInvariants(site.state);
  });
});

describe('frozen arrivals', () => {
  const replaceEpoch = (site: TestSite, epoch: string) => {
    site.apply({
      type: 'epoch-replaced',
      edgeId: 'edge-in',
      previousEpoch: site.epochOf('edge-in'),
      epoch,
      cause: 'test',
    });
    site.epochs.set('edge-in', epoch);
  };

  it('end with the release of their slot', () => {
    const site = new TestSite();
    site.arrive('entry');
    replaceEpoch(site, epochB);
    site.apply({ type: 'release-slot', slotId: 's1', force: true, ...act });
    expect([site.state.arrivals.size, site.slot('s1').state]).toEqual([0, 'free']);
    checkInvariants(site.state);
  });

  it('without a slot are forgotten when the next outbox does not speak of them either', () => {
    const site = new TestSite(layout({ slotCount: 0 }));
    site.arrive('entry');
    replaceEpoch(site, epochB);
    expect(site.state.arrivals.size).toBe(1);
    replaceEpoch(site, 'c'.repeat(32));
    expect(site.state.arrivals.size).toBe(0);
  });
});

describe('a restored store', () => {
  it('gives out no free slot until every entry edge has reported, or an operator overrides', () => {
    const site = new TestSite();
    site.apply({ type: 'store-restored', edgeId: 'edge-in' });
    expect(site.decisionOf(site.arrive('entry'))?.reason).toBe('recovering');
    expect(summaryOf(site.state)).toMatchObject({ free: 0, recovering: true });
    site.apply({ type: 'edge-recovered', edgeId: 'edge-in' });
    expect(site.decisionOf(site.arrive('entry'))?.reason).toBe('recovering');
    site.plan();
    const { version = 0 } = site.state.allowances.get('edge-in') ?? {};
    site.event('edge-in', { kind: 'allowance-accepted', version, returned: [], remaining: 0 });
    site.apply({ type: 'edge-recovered', edgeId: 'edge-in' });
    expect(site.decisionOf(site.arrive('entry'))?.outcome).toBe('admit');
    site.apply({ type: 'store-restored', edgeId: 'edge-in' });
    site.apply({ type: 'override-recovery', ...act });
    expect(summaryOf(site.state).recovering).toBe(false);
  });
});

describe('slots set aside for an edge', () => {
  it('take room from everybody else, and are its own when they are the last', () => {
    const site = new TestSite(layout({ slotCount: 2 })).hold('edge-in', 's1', 's2');
    expect(summaryOf(site.state)).toMatchObject({ free: 2, slots: { held: 2, free: 0 } });
    expect(site.decisionOf(site.arrive('entry'))).toMatchObject({ outcome: 'own', slotId: null });
    const elsewhere = new TestSite(layout({ slotCount: 2 })).hold('another-edge', 's1', 's2');
    expect(elsewhere.decisionOf(elsewhere.arrive('entry'))).toMatchObject({ outcome: 'deny', reason: 'full' });
  });

  it('are reserved when it gives one out by itself, whatever the aggregator had reserved, and occupied at the passage', () => {
    const site = new TestSite(layout({ slotCount: 3 })).hold('edge-in', 's2');
    const arrival = site.arrive('entry');
    expect(site.slot('s1').state).toBe('reserved');
    site.event('edge-in', { kind: 'vehicle-admitted', gateId: 'in', arrival, slotId: 's2', basis: 'allowance' });
    expect([site.slot('s1').state, site.slot('s2').state]).toEqual(['free', 'reserved']);
    site.pass('entry', arrival, { basis: 'allowance', slotId: 's2' });
    expect(site.slot('s2').state).toBe('occupied');
    checkInvariants(site.state);
  });

  it('come back only by its own word, and not from an epoch that was replaced', () => {
    const site = new TestSite(layout({ slotCount: 3 })).hold('edge-in', 's1', 's2');
    const accept = (returned: string[]) =>
      site.event('edge-in', { kind: 'allowance-accepted', version: 2, returned, remaining: 0 });
    accept(['s1', 's3', 'nowhere']);
    expect([site.slot('s1').state, site.slot('s2').state]).toEqual(['free', 'held']);
    site.apply({ type: 'epoch-replaced', edgeId: 'edge-in', previousEpoch: epochA, epoch: epochB, cause: 'test' });
    site.epochs.set('edge-in', epochB);
    accept(['s2']);
    expect(site.slot('s2')).toMatchObject({ state: 'held', frozen: true });
    expect(refusal(() => site.apply({ type: 'release-slot', slotId: 's2', force: false, ...act }))).toBe('slot-held');
    site.apply({ type: 'release-slot', slotId: 's2', force: true, ...act });
    expect(site.slot('s2').state).toBe('free');
    checkInvariants(site.state);
  });
});

describe('the share of an edge', () => {
  it('is of the class its gate is for, in the nearest zone, the last in preference, and never kept for permits', () => {
    const slot = (slotId: string, zoneId: string, slotClass: 'standard' | 'ev') => ({
      slotId,
      zoneId,
      label: slotId,
      slotClass,
    });
    const site = new TestSite(
      layout({
        zones: [
          { zoneId: 'far', name: 'Far', permitOnly: false },
          { zoneId: 'near', name: 'Near', permitOnly: false },
          { zoneId: 'staff', name: 'Staff', permitOnly: true },
        ],
        slots: [
          slot('f1', 'far', 'ev'),
          slot('n1', 'near', 'ev'),
          slot('n2', 'near', 'ev'),
          slot('n3', 'near', 'standard'),
          slot('p1', 'staff', 'ev'),
        ],
        gates: [
          { gateId: 'in', edgeId: 'edge-in', name: 'In', direction: 'entry', nearestZones: ['near'] },
          { gateId: 'out', edgeId: 'edge-out', name: 'Out', direction: 'exit', nearestZones: [] },
        ],
        allowance: { sharePercent: 100, maxSlotsPerEdge: 3 },
      }),
    );
    site.plan({ edges: [{ edgeId: 'edge-in', vehicleClasses: ['ev'] }] });
    expect(site.state.allowances.get('edge-in')?.slotIds).toEqual(['n2', 'n1', 'f1']);
    checkInvariants(site.state);
  });

  it('is none where the layout sets nothing aside, and never more than there is room for', () => {
    const none = new TestSite(layout({ slotCount: 10, allowance: { sharePercent: 0, maxSlotsPerEdge: 20 } }));
    expect(none.plan()).toEqual([]);
    const narrow = new TestSite(
      layout({ slotCount: 10, capacity: 2, allowance: { sharePercent: 100, maxSlotsPerEdge: 20 } }),
    );
    narrow.plan();
    expect(summaryOf(narrow.state)).toMatchObject({ free: 2, slots: { held: 2, free: 8 } });
    expect(narrow.decisionOf(narrow.arrive('entry'))?.outcome).toBe('own');
  });

  it('is let be while it is nearly right, and made exact when the site is short', () => {
    const site = new TestSite(layout({ slotCount: 20, allowance: { sharePercent: 50, maxSlotsPerEdge: 20 } }));
    site.plan();
    site.event('edge-in', { kind: 'allowance-accepted', version: 1, returned: [], remaining: 0 });
    for (let car = 0; car < 2; car += 1) site.enter(`CAR${String(car)}`);
    expect(site.plan()).toEqual([]);
    expect(site.plan({ isShort: true }).map(({ type }) => type)).toEqual(['allowance-made']);
    expect(site.state.allowances.get('edge-in')?.slotIds).toHaveLength(9);
  });
});

describe('free flow', () => {
  it('is counted, anonymous, and one review covers the period', () => {
    const site = new TestSite();
    const pass = () =>
      site.event('edge-in', { kind: 'free-flow-passed', gateId: 'in', direction: 'entry', mode: 'fire' });
    pass();
    pass();
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 2, sessionsOpen: 2 });
    expect([...site.state.reviews.values()].map(({ detail }) => detail)).toEqual([
      '2 passed while the arm was open (fire)',
    ]);
    site.event('edge-in', { kind: 'mode-changed', gateId: 'in', mode: 'automatic', by: 'x' });
    pass();
    expect(site.openReviews()).toEqual(['free-flow', 'free-flow']);
  });
});

describe('an operator', () => {
  it('assigns a slot by hand and releases it, refused when it makes no sense', () => {
    const site = new TestSite(layout({ slotCount: 1 }));
    const assign = (plate: string) =>
      site.apply({
        type: 'assign-slot',
        credential: site.credential(plate),
        vehicle: null,
        slotClass: 'standard',
        slotId: null,
        ...act,
      });
    assign('AAA111');
    expect(refusal(() => assign('AAA111'))).toBe('already-parked');
    expect(refusal(() => assign('BBB222'))).toBe('site-full');
    site.wait(120_000).apply({ type: 'release-slot', slotId: 's1', force: false, ...act });
    expect(refusal(() => site.apply({ type: 'release-slot', slotId: 's1', force: false, ...act }))).toBe(
      'slot-already-free',
    );
    expect(refusal(() => site.apply({ type: 'release-slot', slotId: 'nowhere', force: false, ...act }))).toBe(
      'slot-unknown',
    );
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 0, sessionsOpen: 0, entriesTotal: 1, exitsTotal: 1 });
  });

  it('admits the waiting vehicle that was denied, with a higher revision', () => {
    const site = new TestSite(layout({ slotCount: 1 }));
    site.enter();
    const seq = site.arrive('entry');
    const arrival = `edge-in:${epochA}:${String(seq)}`;
    site.apply({ type: 'admit-arrival', arrival, slotId: null, ttlMs: 5000, ...act });
    expect(site.decisionOf(seq)).toMatchObject({ outcome: 'admit', revision: 2, slotId: null });
    expect(refusal(() => site.apply({ type: 'admit-arrival', arrival, slotId: null, ttlMs: 5000, ...act }))).toBe(
      'already-admitted',
    );
    expect(site.openReviews()).toEqual(['over-capacity']);
    site.pass('entry', seq, { basis: 'operator' });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 2, sessionsOpen: 2 });
  });

  it('takes a reserved slot back by recall, which takes effect on return', () => {
    const site = new TestSite();
    const seq = site.arrive('entry');
    site.apply({ type: 'set-out-of-service', slotId: 's1', outOfService: true, ...act });
    expect(site.slot('s1')).toMatchObject({ state: 'reserved', outOfService: null });
    site.event('edge-in', {
      kind: 'vehicle-backed-out',
      gateId: 'in',
      arrival: seq,
      slotId: 's1',
      basis: 'decision',
    });
    expect(site.slot('s1')).toMatchObject({ state: 'free', outOfService: 'because' });
    expect(site.decisionOf(site.arrive('entry'))?.slotId).toBe('s2');
  });

  it('who forces a reserved slot free makes a later passage a session without slot, under review', () => {
    const site = new TestSite();
    const seq = site.arrive('entry');
    expect(refusal(() => site.apply({ type: 'release-slot', slotId: 's1', force: false, ...act }))).toBe(
      'slot-reserved',
    );
    site.apply({ type: 'release-slot', slotId: 's1', force: true, ...act });
    site.enter();
    site.pass('entry', seq, { slotId: 's1' });
    expect(site.openReviews()).toEqual(['no-slot']);
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 2, sessionsOpen: 2 });
    checkInvariants(site.state);
  });

  it('cannot remove an occupied slot from the layout, and loses nothing by trying', () => {
    const site = new TestSite();
    site.enter();
    const before = JSON.stringify(site.rows());
    expect(refusal(() => site.apply({ type: 'put-layout', layout: layout({ slots: [] }), ...act }))).toBe(
      'layout-removes-occupied-slot',
    );
    expect(JSON.stringify(site.rows())).toBe(before);
    site.apply({ type: 'put-layout', layout: layout({ slotCount: 1 }), ...act });
    expect([...site.state.slots.keys()]).toEqual(['s1']);
    expect(site.apply({ type: 'put-layout', layout: layout({ slotCount: 1 }), ...act })).toEqual([]);
  });

  it('may reorder the slots of a zone: each is still given out once, in the new order', () => {
    const site = new TestSite(layout({ slotCount: 3 }));
    const reversed = layout({ slotCount: 3 });
    site.apply({ type: 'put-layout', layout: { ...reversed, slots: reversed.slots.toReversed() }, ...act });
    checkInvariants(site.state);
    expect([1, 2, 3].map(() => site.decisionOf(site.arrive('entry'))?.slotId)).toEqual(['s3', 's2', 's1']);
  });

  it('moves, merges, corrects and closes sessions', () => {
    const site = new TestSite();
    const first = site.enter('AAA111');
    const second = site.wait(1000).enter();
    site.apply({ type: 'move-session', sessionId: first.sessionId, slotId: 's3', ...act });
    expect([site.slot('s1').state, first.slotId]).toEqual(['free', 's3']);
    expect(refusal(() => site.apply({ type: 'move-session', sessionId: first.sessionId, slotId: 's2', ...act }))).toBe(
      'slot-not-free',
    );
    site.apply({ type: 'merge-sessions', sessionId: first.sessionId, duplicateSessionId: second.sessionId, ...act });
    expect(second).toMatchObject({ state: 'void', exitBasis: 'merge' });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1 });
    expect(refusal(() => site.apply({ type: 'close-session', sessionId: first.sessionId, exitAtMs: 0, ...act }))).toBe(
      'time-order',
    );
    site.apply({ type: 'close-session', sessionId: first.sessionId, exitAtMs: site.nowMs, ...act });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 0, sessionsOpen: 0, drift: 0 });
    checkInvariants(site.state);
  });

  it('corrects the count: anonymous sessions are opened or closed by the difference', () => {
    const site = new TestSite(layout({ slotCount: 10 }));
    site.apply({ type: 'correct-count', count: 4, ...act });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 4, sessionsOpen: 4, drift: 0, free: 6 });
    expect(new Set([...site.state.sessions.values()].map(({ ticket }) => ticket)).size).toBe(4);
    site.apply({ type: 'correct-count', count: 1, ...act });
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1, drift: 0 });
  });

  it('says which session an unmatched exit ended, and the marked one is inside again', () => {
    const site = new TestSite();
    const first = site.enter('AAA111');
    const second = site.enter('BBB222');
    site.leave('ZZZ999');
    const [review] = site.state.reviews.values();
    site.apply({
      type: 'resolve-review',
      reviewId: review?.reviewId ?? '',
      resolution: 'seen on camera',
      sessionId: second.sessionId,
      ...act,
    });
    expect([first.state, second.state]).toEqual(['open', 'closed']);
    expect(summaryOf(site.state)).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1, drift: 0 });
    expect(site.state.ledger.unmatchedExits).toEqual([]);
  });

  it('erases a plate: the session goes on, counted, and is matched as an anonymous one', () => {
    const site = new TestSite();
    const session = site.enter('AAA111');
    site.apply({ type: 'erase-credential', credentialId: 'c-AAA111', ...act });
    expect(JSON.stringify([...site.state.credentials.values()])).not.toContain('AAA111');
    site.leave();
    expect(session.state).toBe('closed');
  });
});

it('tells followers what happened without ever naming a plate', () => {
  const site = new TestSite();
  const facts = [...site.pass('entry', site.arrive('entry', { plate: 'AAA111' })), ...site.leave('AAA111')];
  const notices = noticesOf(site.state, facts, site.nowMs);
  expect(notices.map(({ kind }) => kind)).toEqual(['vehicle-entered', 'vehicle-left']);
  expect(JSON.stringify(notices)).not.toContain('AAA111');
});
