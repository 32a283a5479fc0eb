import { describe, expect, it } from '@jest/globals';
import { slotsAfter, slotsOf } from '../../src/domain/engine.js';
import { layout, TestSite } from './site.js';

describe('the slots of a site in the order of their ids', () => {
  const idsAfter = (site: TestSite, afterId: string | null): string[] =>
    [...slotsAfter(site.state, afterId)].map(({ slotId }) => slotId);

  it('are those after an id, which need not be there', () => {
    const site = new TestSite(layout({ slotCount: 11 }));
    expect(idsAfter(site, null)).toEqual(['s1', 's10', 's11', 's2', 's3', 's4', 's5', 's6', 's7', 's8', 's9']);
    expect(idsAfter(site, 's7')).toEqual(['s8', 's9']);
    expect(idsAfter(site, 's70')).toEqual(['s8', 's9']);
    expect(idsAfter(site, 's9')).toEqual([]);
  });

  it('are those that a later layout has', () => {
    const site = new TestSite(layout({ slotCount: 3 }));
    expect(idsAfter(site, null)).toEqual(['s1', 's2', 's3']);

    site.apply({ type: 'put-layout', layout: layout({ slotCount: 4 }), by: 'test', reason: 'another slot' });
    expect(idsAfter(site, null)).toEqual(['s1', 's2', 's3', 's4']);

    site.apply({ type: 'put-layout', layout: layout({ slotCount: 2 }), by: 'test', reason: 'fewer slots' });
    expect(idsAfter(site, null)).toEqual(['s1', 's2']);
    expect(idsAfter(site, null)).toHaveLength([...slotsOf(site.state)].length);
  });

  it('are as they stand now', () => {
    const site = new TestSite();
    expect([...slotsAfter(site.state, null)].map(({ state }) => state)).toEqual(['free', 'free', 'free']);
    site.arrive('entry', { plate: 'AB12345' });
    expect([...slotsAfter(site.state, null)].map(({ state }) => state)).toEqual(['reserved', 'free', 'free']);
  });
});
