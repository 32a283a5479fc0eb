import { describe, expect, it } from '@jest/globals';
import { engineLimits } from '../../src/domain/state.js';
import { TestSite, checkInvariants, layout } from './site.js';

describe('a slot that a restored store believes to be somebody else’s', () => {
  /** `s1` is reserved for a vehicle at the gate, as in the copy; then edges report what happened since. */
  function restored(): { site: TestSite; reserved: number } {
    const site = new TestSite(layout({ slotCount: 1 }));
    const reserved = site.arrive('entry');
    site.apply({ type: 'store-restored', edgeId: 'edge-in' });
    return { site, reserved };
  }
  const letGo = (site: TestSite, arrival: number): unknown =>
    site.event('edge-in', { kind: 'vehicle-backed-out', gateId: 'in', arrival, slotId: 's1', basis: 'decision' });
  const goIn = (site: TestSite, plate: string): string | null => {
    const arrival = site.arrive('entry', { plate, waiting: false });
    site.pass('entry', arrival, { slotId: 's1', basis: 'decision' });
    return [...site.state.sessions.values()].at(-1)?.sessionId ?? null;
  };

  it('goes to the first of the vehicles that went in there and is still inside, and from that one to the next', () => {
    const { site, reserved } = restored();
    goIn(site, 'AAAAAA');
    const second = goIn(site, 'CCCCCC');
    const third = goIn(site, 'EEEEEE');
    site.leave('AAAAAA');
    letGo(site, reserved);
    expect(site.slot('s1')).toMatchObject({ state: 'occupied', sessionId: second });
    site.leave('CCCCCC');
    expect(site.slot('s1')).toMatchObject({ state: 'occupied', sessionId: third, recall: null });
    site.leave('EEEEEE');
    expect(site.slot('s1').state).toBe('free');
    checkInvariants(site.state);
  });

  it('is waited for by the newest ones, as many as there is room for', () => {
    const { site } = restored();
    const sessions = Array.from({ length: engineLimits.maxClaims + 1 }, (_, index) =>
      goIn(site, `K${String(1000 + index)}`),
    );
    const { recall } = site.slot('s1');
    expect([recall?.sessionId, ...(recall?.next ?? [])]).toEqual(sessions.slice(1));
  });

  it('keeps the site recovering while a vehicle is on its way to it that an edge let in by itself', () => {
    const { site, reserved } = restored();
    const arrival = site.arrive('entry', { plate: 'AAAAAA', waiting: false });
    site.event('edge-in', { kind: 'vehicle-admitted', gateId: 'in', arrival, slotId: 's1', basis: 'allowance' });
    letGo(site, reserved);
    site.plan();
    const { version = 0 } = site.state.allowances.get('edge-in') ?? {};
    site.event('edge-in', { kind: 'allowance-accepted', version, returned: [], remaining: 0 });
    site.apply({ type: 'edge-recovered', edgeId: 'edge-in' });
    expect(site.state.ledger.recoveringEdges).toEqual(['edge-in']);
    site.pass('entry', arrival, { slotId: 's1', basis: 'allowance' });
    site.apply({ type: 'edge-recovered', edgeId: 'edge-in' });
    expect([site.state.ledger.recoveringEdges, site.slot('s1').state]).toEqual([[], 'occupied']);
  });

  it('keeps the site recovering after an outbox was replaced as well, until a person has looked', () => {
    const { site, reserved } = restored();
    letGo(site, reserved);
    site.apply({
      type: 'epoch-replaced',
      edgeId: 'edge-in',
      epoch: 'f'.repeat(32),
      previousEpoch: 'e'.repeat(32),
      cause: 'new-outbox',
    });
    site.state.allowances.delete('edge-in');
    site.apply({ type: 'edge-recovered', edgeId: 'edge-in' });
    expect(site.state.ledger.recoveringEdges).toEqual(['edge-in']);
    const review = [...site.state.reviews.values()].find(({ kind }) => kind === 'epoch-replaced');
    const act = { by: 'operator', reason: 'looked', resolution: 'every slot was looked at', sessionId: null };
    site.apply({ type: 'resolve-review', reviewId: review?.reviewId ?? '', ...act });
    site.apply({ type: 'edge-recovered', edgeId: 'edge-in' });
    expect(site.state.ledger.recoveringEdges).toEqual([]);
  });
});
