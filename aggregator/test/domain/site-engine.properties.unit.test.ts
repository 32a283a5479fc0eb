import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decisionsOf, evolve, restoreSite, summaryOf, takeChanges } from '../../src/domain/engine.js';
import { capacityOf } from '../../src/domain/room.js';
import { Refusal } from '../../src/domain/refusal.js';
import type { SiteChanges, SiteState } from '../../src/domain/engine.js';
import type { SiteInput } from '../../src/domain/inputs.js';
import { checkInvariants, epochA, layout, TestSite } from './site.js';

const plates = ['AAA111', 'AAA11I', 'BBB222', 'BB?222', 'CCC333', undefined] as const;
const slotIds = ['s1', 's2', 's3', 's4', 'nowhere'] as const;
const pick = fc.nat({ max: 999 });

/** One step of a story; `pick` chooses among what there is at that moment. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      direction: fc.constantFrom('entry' as const, 'exit' as const),
      plate: fc.constantFrom(...plates),
      waiting: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      how: fc.constantFrom(
        'vehicle-passed',
        'vehicle-passed',
        'vehicle-passed',
        'vehicle-backed-out',
        'arrival-void',
        'arrival-unresolved',
      ),
      pick,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('alone' as const),
      how: fc.constantFrom('vehicle-admitted', 'vehicle-denied'),
      pick,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('allowance' as const),
      how: fc.constantFrom('plan', 'plan', 'short', 'accept', 'accept', 'accept-partly', 'accept-old', 'gap'),
      reported: fc.nat({ max: 2 }),
      returned: fc.subarray([...slotIds]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('uninvited' as const),
      how: fc.constantFrom('vehicle-tailgated', 'wrong-way', 'free-flow-passed'),
      direction: fc.constantFrom('entry' as const, 'exit' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('edge' as const),
      carries: fc.boolean(),
      how: fc.constantFrom('epoch-replaced', 'store-restored', 'edge-recovered', 'behind', 'current', 'release'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('operator' as const),
      how: fc.constantFrom(
        'assign',
        'release',
        'force',
        'out',
        'in',
        'admit',
        'move',
        'close',
        'merge',
        'count',
        'resolve',
        'shrink',
        'grow',
        'erase',
      ),
      slotId: fc.constantFrom(...slotIds),
      plate: fc.constantFrom(...plates),
      pick,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.nat({ max: 6000 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function choose<T>(items: Iterable<T>, index: number): T | undefined {
  const all = [...items];
  return all.length === 0 ? undefined : all[index % all.length];
}

function play(site: TestSite, now: Step): void {
  const { state } = site;
  const act = { by: 'operator', reason: 'because' };
  const arrival = 'pick' in now ? choose(state.arrivals.values(), now.pick) : undefined;
  switch (now.do) {
    case 'arrive':
      site.arrive(now.direction, { waiting: now.waiting, ...(now.plate === undefined ? {} : { plate: now.plate }) });
      return;
    case 'end':
      if (arrival === undefined) return;
      site.event(arrival.edgeId, {
        kind: now.how,
        gateId: arrival.gateId,
        arrival: arrival.seq,
        direction: arrival.direction,
        slotId: null,
        basis: 'decision',
        flags: [],
        reason: 'left',
      });
      return;
    case 'alone':
      if (arrival === undefined) return;
      site.event(arrival.edgeId, {
        kind: now.how,
        gateId: arrival.gateId,
        arrival: arrival.seq,
        slotId: slotIds[now.pick % slotIds.length] ?? null,
        basis: 'allowance',
        reason: 'full',
      });
      return;
    case 'uninvited':
      site.event('edge-in', {
        kind: now.how,
        gateId: 'in',
        direction: now.direction,
        passed: true,
        leader: null,
        mode: 'fire',
      });
      return;
    case 'allowance':
      playAllowance(site, now);
      return;
    case 'edge':
      playEdge(site, now.how, now.carries);
      return;
    case 'wait':
      site.wait(now.minutes * 60_000).apply({ type: 'tick' });
      return;
    case 'operator': {
      const input = operatorInput(
        site,
        now,
        act,
        arrival === undefined ? '' : `${arrival.edgeId}:${arrival.epoch}:${String(arrival.seq)}`,
      );
      if (input !== undefined) site.apply(input);
    }
  }
}

function playAllowance(site: TestSite, now: Extract<Step, { do: 'allowance' }>): void {
  const edgeId = 'edge-in';
  const { version = 0 } = site.state.allowances.get(edgeId) ?? {};
  if (now.how === 'plan' || now.how === 'short') site.plan({ isShort: now.how === 'short' });
  else if (now.how === 'gap') {
    site.apply({ type: 'events-gap', edgeId, epoch: site.epochOf(edgeId), fromSeq: 1, toSeq: 2, open: [] });
  } else {
    site.event(edgeId, {
      kind: 'allowance-accepted',
      version: Math.max(1, version - (now.how === 'accept-old' ? 1 : 0)),
      returned: now.returned,
      remaining: now.how === 'accept-partly' ? 1 : 0,
    });
  }
}

function playEdge(site: TestSite, how: string, carries: boolean): void {
  const edgeId = 'edge-in';
  if (how === 'epoch-replaced') {
    const epoch = site.newId();
    site.apply({ type: 'epoch-replaced', edgeId, previousEpoch: site.epochOf(edgeId), epoch, cause: 'test' });
    site.epochs.set(edgeId, epoch);
    for (const [from, arrival] of [...site.state.arrivals]) {
      if (arrival.state !== 'frozen' || arrival.edgeId !== edgeId || !carries) continue;
      site.apply({ type: 'arrival-carried-over', edgeId, from, epoch, seq: site.nextSeq(edgeId) });
    }
  } else if (how === 'store-restored' || how === 'edge-recovered') site.apply({ type: how, edgeId });
  else if (how === 'release') site.apply({ type: 'release-holdings', edgeId, by: 'x', reason: 'y' });
  else site.apply({ type: 'edge-currency', edgeId, current: how === 'current' });
}

function operatorInput(
  site: TestSite,
  now: Extract<Step, { do: 'operator' }>,
  act: { by: string; reason: string },
  arrival: string,
): SiteInput | undefined {
  const { state } = site;
  const session = choose(state.sessions.keys(), now.pick) ?? '';
  const other = choose(state.sessions.keys(), now.pick + 1) ?? '';
  const { slotId } = now;
  switch (now.how) {
    case 'assign':
      return {
        type: 'assign-slot',
        credential: now.plate === undefined ? null : site.credential(now.plate),
        vehicle: null,
        slotClass: 'standard',
        slotId: now.pick % 2 === 0 ? slotId : null,
        ...act,
      };
    case 'release':
    case 'force':
      return { type: 'release-slot', slotId, force: now.how === 'force', ...act };
    case 'out':
    case 'in':
      return { type: 'set-out-of-service', slotId, outOfService: now.how === 'out', ...act };
    case 'admit':
      return { type: 'admit-arrival', arrival, slotId: null, ttlMs: 1, ...act };
    case 'move':
      return { type: 'move-session', sessionId: session, slotId, ...act };
    case 'close':
      return { type: 'close-session', sessionId: session, exitAtMs: site.nowMs, ...act };
    case 'merge':
      return { type: 'merge-sessions', sessionId: session, duplicateSessionId: other, ...act };
    case 'count':
      return { type: 'correct-count', count: now.pick % 6, ...act };
    case 'resolve':
      return {
        type: 'resolve-review',
        reviewId: choose(state.reviews.keys(), now.pick) ?? '',
        resolution: now.pick % 2 === 0 ? 'passed' : 'turned-back',
        sessionId: now.pick % 3 === 0 ? session : null,
        ...act,
      };
    case 'shrink':
    case 'grow':
      return { type: 'put-layout', layout: layout({ slotCount: now.how === 'shrink' ? 2 : 4 }), ...act };
    case 'erase':
      return now.plate === undefined ? undefined : { type: 'erase-credential', credentialId: `c-${now.plate}`, ...act };
  }
}

/** A store that keeps what change sets say, as the real one does. */
class Kept {
  private readonly tables = new Map<string, Map<string, unknown>>();

  take(changes: SiteChanges): void {
    this.put('site', changes.sites, () => 'site');
    this.put('ledger', changes.ledgers, () => 'ledger');
    this.put('slots', changes.slots, (row) => row.slotId);
    this.put('allowances', changes.allowances, (row) => row.edgeId);
    this.put('sessions', changes.sessions, (row) => row.sessionId);
    this.put('arrivals', changes.arrivals, (row) => `${row.edgeId}:${row.epoch}:${String(row.seq)}`);
    this.put('reviews', changes.reviews, (row) => row.reviewId);
    for (const { slotId } of changes.removedSlots) this.tables.get('slots')?.delete(slotId);
  }

  private put<T>(name: string, rows: readonly T[], key: (row: T) => string): void {
    const table = this.tables.get(name) ?? new Map<string, unknown>();
    this.tables.set(name, table);
    for (const row of rows) table.set(key(row), structuredClone(row));
  }

  restore(state: SiteState): SiteState {
    const rows = <T>(name: string): T[] => [...(this.tables.get(name)?.values() ?? [])] as T[];
    return restoreSite({
      site: rows<never>('site')[0] as never,
      ledger: rows<never>('ledger')[0] as never,
      slots: rows('slots'),
      allowances: rows('allowances'),
      sessions: rows<{ state: string }>('sessions').filter(
        (row) => row.state === 'open' || row.state === 'uncertain',
      ) as never,
      arrivals: rows<{ state: string }>('arrivals').filter(
        (row) => row.state === 'open' || row.state === 'frozen',
      ) as never,
      reviews: rows<{ resolvedAtMs: number | null }>('reviews').filter((row) => row.resolvedAtMs === null) as never,
      credentials: state.credentials,
    });
  }
}

const sorted = (rows: Iterable<object>): string[] => [...rows].map((row) => JSON.stringify(row)).sort();

describe('whatever happens at a site', () => {
  it('no two sessions share a slot, no slot is lost, nobody is admitted beyond the room, and the store can rebuild it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (story) => {
        const site = new TestSite(layout({ slotCount: 4, allowance: { sharePercent: 60, maxSlotsPerEdge: 3 } }));
        const kept = new Kept();
        const whole = site.apply({
          type: 'put-layout',
          layout: layout({ slotCount: 4, name: 'Again' }),
          by: 'x',
          reason: 'y',
        });
        expect(whole.length).toBeGreaterThan(0);
        for (const slot of site.state.slots.values()) site.state.dirty.slots.set(slot.slotId, slot);
        kept.take(takeChanges(site.state));
        for (const now of story) {
          try {
            play(site, now);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
          }
          checkInvariants(site.state);
          kept.take(takeChanges(site.state));
        }
        const rebuilt = kept.restore(site.state);
        for (const rows of ['slots', 'allowances', 'sessions', 'arrivals', 'reviews'] as const) {
          expect(sorted(rebuilt[rows].values())).toEqual(sorted(site.state[rows].values()));
        }
        expect(rebuilt.ledger).toEqual(site.state.ledger);
        expect(rebuilt.counts).toEqual(site.state.counts);
        checkInvariants(rebuilt);
        expect([...rebuilt.admittedWithoutSlot].sort()).toEqual([...site.state.admittedWithoutSlot].sort());
      }),
      { numRuns: 400 },
    );
  });

  it('an automatic admission is never beyond the room there is', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (story) => {
        const site = new TestSite(layout({ slotCount: 4, allowance: { sharePercent: 60, maxSlotsPerEdge: 3 } }));
        const apply = site.apply.bind(site);
        site.apply = (input) => {
          const facts = apply(input);
          if (input.type !== 'edge-event') return facts;
          const admitted = decisionsOf(facts).some(
            ({ decision, arrival }) => decision.outcome === 'admit' && arrival.direction === 'entry',
          );
          const { state } = site;
          const taken =
            Math.max(state.ledger.count, state.sessions.size - state.uncertain.size) +
            state.counts.reserved +
            state.counts.held +
            state.admittedWithoutSlot.size;
          if (admitted && taken > capacityOf(state))
            throw new Error(`${String(taken)} vehicles for ${String(capacityOf(state))} places`);
          return facts;
        };
        for (const now of story) {
          try {
            play(site, now);
          } catch (error) {
            if (!(error instanceof Refusal)) throw error;
          }
        }
      }),
      { numRuns: 400 },
    );
  });

  it('where every vehicle is seen and read, the two ledgers agree', () => {
    const visits = fc.array(
      fc.record({
        plate: fc.nat({ max: 5 }).map((n) => `CAR${String(n)}XYZ`),
        gapMinutes: fc.integer({ min: 1, max: 600 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(visits, (story) => {
        const site = new TestSite(layout({ slotCount: 6 }));
        const inside = new Set<string>();
        for (const { plate, gapMinutes } of story) {
          site.wait(gapMinutes * 60_000);
          if (inside.delete(plate)) site.leave(plate);
          else {
            inside.add(plate);
            site.enter(plate);
          }
          expect(summaryOf(site.state)).toMatchObject({
            vehiclesInside: inside.size,
            sessionsOpen: inside.size,
            drift: 0,
            free: 6 - inside.size,
          });
        }
      }),
    );
  });
});

it('a slot given to somebody else is an engine error, never silent', () => {
  const site = new TestSite();
  site.enter();
  expect(() => {
    evolve(site.state, { type: 'slot-occupied', slotId: 's1', sessionId: 'other', key: null, confirmed: true });
  }).toThrow('occupied by another session');
  expect(epochA).toHaveLength(32);
});
