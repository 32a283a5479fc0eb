import { describe, expect, it } from '@jest/globals';
import type { SiteLayout } from '@gatehouse/shared';
import { engineLimits } from '../../src/domain/state.js';
import { TestSite, checkInvariants, layout } from './site.js';

describe('a slot that a restored store believes to be somebody else’s', () => {
  /** `s1` is reserved for a vehicle at the gate, as in the copy; then edges report what happened since. */
  function restored(): { site: TestSite; reserved: number } {
    const site = new TestSite(layout({ slotCount: 1, uncertainAgeLimitHours: 1 }));
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

  it('goes to nobody whose session ends at the same moment', () => {
    const { site, reserved } = restored();
    const [first, second, third] = ['AAAAAA', 'CCCCCC', 'EEEEEE'].map((plate) => goIn(site, plate));
    letGo(site, reserved);
    for (const plate of ['XXX111', 'YYY222']) site.leave(plate);
    expect([first, second].map((id) => site.state.sessions.get(id ?? '')?.state)).toEqual(['uncertain', 'uncertain']);
    expect(site.slot('s1')).toMatchObject({ sessionId: first, recall: { sessionId: second, next: [third] } });
    site.wait(3_600_000).apply({ type: 'tick' });
    expect([...site.state.sessions.keys()]).toEqual([third]);
    expect(site.slot('s1')).toMatchObject({ state: 'occupied', sessionId: third });
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

describe('a store that was restored on purpose, before any edge is heard', () => {
  const gates: SiteLayout['gates'] = [
    { gateId: 'in', edgeId: 'edge-in', name: 'In', direction: 'entry', nearestZones: [] },
    { gateId: 'in-2', edgeId: 'edge-2', name: 'In 2', direction: 'entry', nearestZones: [] },
    { gateId: 'out', edgeId: 'edge-out', name: 'Out', direction: 'exit', nearestZones: [] },
  ];
  /** The edge has sent everything and taken the empty set that it was sent. */
  const report = (site: TestSite, edgeId: string): void => {
    site.plan({ edges: [{ edgeId }] });
    const { version = 0 } = site.state.allowances.get(edgeId) ?? {};
    site.event(edgeId, { kind: 'allowance-accepted', version, returned: [], remaining: 0 });
    site.apply({ type: 'edge-recovered', edgeId });
  };
  const recovering = ({ state }: TestSite): string[] => [...state.ledger.recoveringEdges].sort();
  const reviews = ({ state }: TestSite): unknown[] =>
    [...state.reviews.values()].map(({ kind, edgeId }) => ({ kind, edgeId }));

  it('gives out no free slot to an edge that has nothing new to tell', () => {
    const site = new TestSite(layout({ gates }));
    site.apply({ type: 'store-restored', edgeId: null });
    expect(recovering(site)).toEqual(['edge-2', 'edge-in']);
    expect(reviews(site)).toEqual([{ kind: 'store-restored', edgeId: null }]);
    report(site, 'edge-in');
    site.arrive('entry', { plate: 'AAAAAA' });
    expect(recovering(site)).toEqual(['edge-2']);
    expect(site.slot('s1').state).toBe('free');
    checkInvariants(site.state);
  });

  it('waits for everybody again when the copy is of a store that was recovering itself', () => {
    const site = new TestSite(layout({ gates }));
    site.apply({ type: 'store-restored', edgeId: 'edge-in' });
    report(site, 'edge-2');
    expect(recovering(site)).toEqual(['edge-in']);
    site.apply({ type: 'store-restored', edgeId: null });
    expect(recovering(site)).toEqual(['edge-2', 'edge-in']);
    expect(reviews(site)).toHaveLength(1);
  });

  it('waits no longer for others when one of them is found to be ahead as well', () => {
    const site = new TestSite(layout({ gates }));
    site.apply({ type: 'store-restored', edgeId: null });
    report(site, 'edge-2');
    site.apply({ type: 'store-restored', edgeId: 'edge-in' });
    expect(recovering(site)).toEqual(['edge-in']);
  });
});
