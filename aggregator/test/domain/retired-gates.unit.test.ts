import { describe, expect, it } from '@jest/globals';
import { gateStanding, restoreSite } from '../../src/domain/engine.js';
import { engineLimits } from '../../src/domain/state.js';
import { TestSite, layout } from './site.js';

const gates = layout().gates;
const [entry, exit] = gates as [(typeof gates)[0], (typeof gates)[0]];
const north = { ...entry, gateId: 'north', edgeId: 'edge-north', name: 'North' };

function put(site: TestSite, ...present: typeof gates): void {
  site.apply({
    type: 'put-layout',
    layout: layout({ gates: present, slotCount: site.state.slots.size }),
    by: 'test',
    reason: 'test',
  });
}

function retired(site: TestSite): [string, string, boolean][] {
  return (site.state.site?.retiredGates ?? []).map(({ gateId, edgeId, drained }) => [gateId, edgeId, drained]);
}

describe('a gate that a layout takes away', () => {
  it('is remembered as it was until the layout gives it to the same edge again', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north] }));
    put(site, entry, exit);
    expect(site.state.site?.retiredGates).toEqual([
      {
        gateId: 'north',
        edgeId: 'edge-north',
        name: 'North',
        direction: 'entry',
        removedAtMs: site.nowMs,
        drained: false,
      },
    ]);
    expect(gateStanding(site.state, 'edge-north', 'north')).toBe('retired');
    put(site, entry, exit, { ...north, direction: 'both' });
    expect(retired(site)).toEqual([]);
    expect(gateStanding(site.state, 'edge-north', 'north')).toBe('live');
  });

  it('is not mixed up with the same gate of the edge that has it now', () => {
    const site = new TestSite();
    put(site, { ...entry, edgeId: 'edge-new' }, exit);
    expect(gateStanding(site.state, 'edge-in', 'in')).toBe('retired');
    expect(gateStanding(site.state, 'edge-new', 'in')).toBe('live');
    expect(gateStanding(site.state, 'edge-out', 'in')).toBe('anothers');
    expect(gateStanding(site.state, 'edge-out', 'nowhere')).toBe('unknown');
    put(site, entry, exit);
    expect(retired(site)).toEqual([['in', 'edge-new', false]]);
  });

  it('keeps its side of the books: what went through is counted, with the slot that was set aside', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north] })).hold('edge-in', 's3');
    put(site, exit, north);
    const arrival = site.arrive('entry', { plate: 'AB12CDE', waiting: false });
    site.event('edge-in', { kind: 'vehicle-admitted', gateId: 'in', arrival, slotId: 's3', basis: 'allowance' });
    site.pass('entry', arrival, { slotId: 's3', basis: 'allowance' });
    expect(site.state.ledger.count).toBe(1);
    expect(site.slot('s3')).toMatchObject({ state: 'occupied' });
    expect(site.openReviews()).toEqual([]);
    site.leave('AB12CDE');
    expect(site.state.ledger.count).toBe(0);
  });

  it('does not keep a vehicle that stands there from standing in the way of another layout', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north] }));
    put(site, exit, north);
    site.arrive('entry', { waiting: false });
    expect(() => {
      put(site, north);
    }).not.toThrow();
  });

  it('is drained when its edge has told everything since, or an operator takes the edge for lost', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north] }));
    put(site, exit);
    expect(retired(site)).toEqual([
      ['in', 'edge-in', false],
      ['north', 'edge-north', false],
    ]);
    site.apply({ type: 'edge-currency', edgeId: 'edge-in', current: true });
    expect(site.apply({ type: 'edge-currency', edgeId: 'edge-in', current: true })).toEqual([]);
    expect(retired(site)).toEqual([
      ['in', 'edge-in', true],
      ['north', 'edge-north', false],
    ]);
    site.apply({ type: 'release-holdings', edgeId: 'edge-north', by: 'test', reason: 'scrapped' });
    expect(retired(site).map(([, , drained]) => drained)).toEqual([true, true]);
    expect(() => site.apply({ type: 'release-holdings', edgeId: 'edge-north', by: 'test', reason: 'again' })).toThrow();
  });

  it('keeps the slot of an uncertain session back until its edge has told everything', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north], slotCount: 1 }));
    site.enter('AB12CDE');
    put(site, entry, exit);
    site.wait(60_000).leave('ZZ99ZZZ');
    expect(site.state.uncertain.size).toBe(1);
    expect(site.decisionOf(site.arrive('entry', { plate: 'CD34EFG' }))).toMatchObject({ reason: 'full' });
    site.apply({ type: 'edge-currency', edgeId: 'edge-north', current: true });
    expect(site.decisionOf(site.arrive('entry', { plate: 'EF56GHJ' }))).toMatchObject({ slotId: 's1' });
  });

  it('has a part in a recovery while it is not drained', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north] }));
    put(site, exit, north);
    site.apply({ type: 'store-restored', edgeId: 'edge-north' });
    expect(site.state.ledger.recoveringEdges).toEqual(['edge-north', 'edge-in']);
  });

  it('comes back from the store', () => {
    const site = new TestSite(layout({ gates: [entry, exit, north] }));
    put(site, exit, north);
    const { site: row, ledger } = site.state;
    if (row === null) throw new Error('no layout');
    const nothing = { slots: [], allowances: [], sessions: [], arrivals: [], reviews: [], credentials: new Map() };
    const restored = restoreSite({ site: row, ledger, ...nothing });
    expect(gateStanding(restored, 'edge-in', 'in')).toBe('retired');
  });

  it('is forgotten beyond the bound, the oldest first, those that are drained before all others', () => {
    const site = new TestSite();
    const lot = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => {
        const edgeId = from + index === 1 ? 'edge-1' : 'edge-x';
        return { ...entry, gateId: `g${String(from + index)}`, edgeId };
      });
    const most = engineLimits.maxRetiredGates;
    for (let from = 0; from < most; from += 400) put(site, entry, exit, ...lot(from, Math.min(400, most - from)));
    site.apply({ type: 'edge-currency', edgeId: 'edge-1', current: true });
    put(site, entry, exit, north);
    expect(retired(site)).toHaveLength(most);
    expect(gateStanding(site.state, 'edge-1', 'g1')).toBe('retired');
    put(site, entry, exit);
    expect(retired(site)).toHaveLength(most);
    expect(gateStanding(site.state, 'edge-1', 'g1')).toBe('unknown');
    expect(gateStanding(site.state, 'edge-x', 'g0')).toBe('retired');
    put(site, entry);
    expect(gateStanding(site.state, 'edge-x', 'g0')).toBe('unknown');
    expect(gateStanding(site.state, 'edge-out', 'out')).toBe('retired');
  });

  it('is recalled where a restored store is older than it, up to the bound, and never in place of a live one', () => {
    const site = new TestSite();
    const recall = (edgeId: string, gateId: string): void => {
      site.apply({ type: 'gate-recalled', edgeId, gateId });
    };
    recall(entry.edgeId, entry.gateId);
    expect(retired(site)).toEqual([]);
    for (let index = 0; index < engineLimits.maxRetiredGates; index += 1) recall('edge-1', `g${String(index)}`);
    recall('edge-1', 'g0');
    expect(retired(site)).toHaveLength(engineLimits.maxRetiredGates);
    expect(gateStanding(site.state, 'edge-1', 'g0')).toBe('retired');
    recall('edge-1', 'one-more');
    expect(gateStanding(site.state, 'edge-1', 'one-more')).toBe('unknown');
    expect(retired(site)).toHaveLength(engineLimits.maxRetiredGates);
  });
});
