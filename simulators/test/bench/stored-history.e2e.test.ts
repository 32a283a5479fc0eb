import { describe, expect, it, jest } from '@jest/globals';
import { prepareSites } from '../../src/bench/figures/large-site.js';
import { prepareStarts } from '../../src/bench/figures/starting.js';
import { prepareHistory } from '../../src/bench/figures/stored-history.js';
import { createTidyUp } from '../../src/processes/index.js';
import type { System } from '../../src/processes/index.js';

jest.setTimeout(120_000);

const context = { say: () => undefined, tidyUp: createTidyUp(() => undefined) };

interface Stay {
  readonly state: string;
  readonly slotId: string | null;
  readonly credential: { readonly value: string | null } | null;
}

const staysOf = (system: System, siteId: string): Promise<Stay[]> =>
  system.list<Stay>(`/api/v1/sites/${siteId}/sessions`);

describe('figures over stores that were filled', () => {
  it('measure vehicles that come and leave over the history that was written, and lists of it', async () => {
    const size = { inside: 12, vehicles: 20, slotsPerSite: 60, page: 3, cycles: 4, asks: 2, warmUpCycles: 2 };
    const prepared = await prepareHistory(context, { ...size, sessions: { ours: 4_000, floor: 800 } });
    try {
      for (const side of ['floor', 'ours'] as const) {
        const measured = await prepared.measure(side, 1);
        expect(Object.values(measured).every((value) => value > 0)).toBe(true);
        const { system, history } = prepared.aggregators[side];
        const came = 2 * (size.cycles + size.warmUpCycles);
        const stays = await staysOf(system, 'site-1');
        expect(stays).toHaveLength(history.sessions / 4 + size.inside + came);
        expect(stays.filter(({ state }) => state === 'open')).toHaveLength(size.inside);
        expect(stays.every(({ credential }) => credential?.value != null)).toBe(true);
        const { vehiclesInside } = await system.api<{ vehiclesInside: number }>(
          'GET',
          '/api/v1/sites/site-1/occupancy',
        );
        expect(vehiclesInside).toBe(size.inside);
        expect(await staysOf(system, 'site-2')).toHaveLength(history.sessions / 4);
      }
    } finally {
      await prepared.close();
    }
  });

  it('measure decisions in sites that are half full and nearly full', async () => {
    const size = { left: 12, vehicles: 5, warmUpVehicles: 2 };
    const prepared = await prepareSites(context, { ...size, slots: { ours: 300, floor: 60 } });
    try {
      for (const side of ['floor', 'ours'] as const) {
        expect(Object.values(await prepared.measure(side, 1)).every((value) => value > 0)).toBe(true);
        const { system, sites } = prepared.aggregators[side];
        for (const { siteId, inside } of sites) {
          const open = (await staysOf(system, siteId)).filter(({ state }) => state === 'open');
          expect(open).toHaveLength(inside);
          expect(new Set(open.map(({ slotId }) => slotId)).size).toBe(inside);
        }
      }
    } finally {
      await prepared.close();
    }
  });

  it('measure starts until a vehicle is decided about', async () => {
    const prepared = await prepareStarts(context, { sessions: 500, inside: 20, vehicles: 5, slots: 60 });
    try {
      const [ours, floor] = [await prepared.measure('ours', 1), await prepared.measure('floor', 1)];
      expect([ours.startMs, ours.smallMs, floor.startMs].every((value) => Number(value) > 0)).toBe(true);
    } finally {
      await prepared.close();
    }
  });
});
