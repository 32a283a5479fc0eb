import { describe, expect, it } from '@jest/globals';
import { createVirtualClock, siteLayoutSchema } from '@gatehouse/shared';
import type { SiteLayout } from '@gatehouse/shared';
import { createSeededRandom } from '../../../src/random.js';
import type { Happening, HappeningOf } from '../../../src/world/happenings.js';
import type { ActResult, DeskView, OperatorAct } from '../../../src/world/operator-desk.js';
import { createPeople } from '../../../src/world/people/people.js';
import type { PeoplePlan, SitePlan } from '../../../src/world/scenario.js';

const hourMs = 3_600_000;
const slotIds = ['s-1', 's-2', 's-3', 's-4', 's-5'];

const site: SitePlan = {
  siteId: 'site-1',
  slots: slotIds.map((slotId) => ({ slotId, slotClass: 'standard' })),
  edges: [],
  vehiclesPerHour: 0,
  stayMinutes: 1,
  plateless: 0,
  habits: { misread: 0, noRead: 0, backsOut: 0, tailgates: 0, wrongWay: 0 },
  allowance: { sharePercent: 20, maxSlotsPerEdge: 2 },
  openWhenNoAllowance: false,
};

const built = siteLayoutSchema.parse({
  siteId: 'site-1',
  name: 'Site',
  zones: [{ zoneId: 'all', name: 'All' }],
  slots: slotIds.map((slotId) => ({ slotId, zoneId: 'all', label: slotId })),
  gates: [
    { gateId: 'in-1', edgeId: 'edge-1', name: 'in', direction: 'entry' },
    { gateId: 'in-2', edgeId: 'edge-1', name: 'in', direction: 'entry' },
    { gateId: 'out-1', edgeId: 'edge-1', name: 'out', direction: 'exit' },
  ],
});

/** A desk that does what it is asked, and remembers it. */
function createTown(plan: Partial<PeoplePlan>, seed = 1) {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000 });
  const told: Happening[] = [];
  const acts: OperatorAct[] = [];
  const modes = new Map<string, 'automatic' | 'hold-open' | 'locked'>();
  const town = { layout: built, revoked: false, frozen: ['s-5'], answer: 'done' as ActResult['outcome'], away: false };
  const act = (asked: OperatorAct): Promise<ActResult> => {
    acts.push(asked);
    if (town.answer === 'done') take(asked);
    return Promise.resolve({ outcome: town.answer, detail: '' });
  };
  const take = (asked: OperatorAct): void => {
    if (asked.kind === 'put-layout') town.layout = siteLayoutSchema.parse(asked.layout);
    if (asked.kind === 'revoke-edge') town.revoked = true;
    if (asked.kind === 'enrol-edge') town.revoked = false;
    if (asked.kind === 'release-slot') town.frozen = town.frozen.filter((slotId) => slotId !== asked.slotId);
    if (asked.kind !== 'command') return;
    if (asked.command === 'lock') modes.set(asked.gateId, 'locked');
    if (asked.command === 'hold-open' || asked.command === 'automatic') modes.set(asked.gateId, asked.command);
  };
  const view = (): DeskView => ({
    layout: town.layout,
    vehiclesInside: 3,
    recovering: true,
    slots: town.layout.slots.map(({ slotId, slotClass }) => ({
      slotId,
      slotClass,
      state: 'free',
      heldBy: null,
      frozen: town.frozen.includes(slotId),
      outOfService: false,
    })),
    sessions: [],
    arrivals: [{ arrivalKey: 'edge-1:e:1', gateId: 'in-1' }],
    reviews: [],
    gates: town.layout.gates.map(({ gateId }) => ({ gateId, mode: modes.get(gateId) ?? null })),
    edges: [{ edgeId: 'edge-1', revokedAtMs: town.revoked ? 1 : null, online: true }],
  });
  const people = createPeople({
    clock,
    random: createSeededRandom('people', seed),
    tell: (happening) => told.push(happening),
    desk: { view: () => (town.away ? undefined : view()), act },
    sites: [site],
    plan: {
      actsPerHour: 0,
      reckless: false,
      layoutChangesPerHour: 0,
      revocationsPerHour: 0,
      revokedMeanMs: 60_000,
      ...plan,
    },
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
  };
  return {
    people,
    town,
    acts,
    modes,
    told,
    operatorActs: () =>
      told.filter((happening): happening is HappeningOf<'operator-acted'> => happening.type === 'operator-acted'),
    advance: (durationMs: number) => clock.advanceSettled(durationMs, settle),
  };
}

const kindsOf = (acts: readonly OperatorAct[]): Set<string> => new Set(acts.map(({ kind }) => kind));

describe('the people of a world', () => {
  it('do everything that can be done at the desk, and each act is told', async () => {
    const { people, acts, operatorActs, advance } = createTown({ actsPerHour: 200 });
    people.start();
    await advance(5 * hourMs);
    expect([...kindsOf(acts)]).toEqual(
      expect.arrayContaining(['command', 'admit', 'assign-slot', 'release-slot', 'out-of-service', 'correct-count']),
    );
    expect(operatorActs().map(({ act }) => act)).toEqual(acts.map(({ kind }) => kind));
  });

  it('give no promise away unless they are reckless', async () => {
    const careful = createTown({ actsPerHour: 300 });
    careful.people.start();
    await careful.advance(5 * hourMs);
    const forced = careful.acts.filter((act) => act.kind === 'release-slot' && act.force && act.slotId !== 's-5');
    expect(forced).toEqual([]);
    expect(kindsOf(careful.acts)).not.toContain('release-holdings');
    expect(kindsOf(careful.acts)).not.toContain('override-recovery');
    const reckless = createTown({ actsPerHour: 300, reckless: true });
    reckless.people.start();
    await reckless.advance(5 * hourMs);
    expect([...kindsOf(reckless.acts)]).toEqual(expect.arrayContaining(['release-holdings', 'override-recovery']));
  });

  it('change the layout within reason: the site keeps a way in, a way out and a slot', async () => {
    const { people, acts, told, advance } = createTown({ layoutChangesPerHour: 100 });
    people.start();
    await advance(5 * hourMs);
    const layouts = acts.flatMap((act): SiteLayout[] => (act.kind === 'put-layout' ? [act.layout] : []));
    expect(layouts.length).toBeGreaterThan(100);
    for (const layout of layouts) {
      expect(siteLayoutSchema.parse(layout)).toEqual(layout);
      expect(layout.slots.length).toBeGreaterThan(0);
      expect(new Set(layout.gates.map(({ direction }) => direction))).toEqual(new Set(['entry', 'exit']));
    }
    expect(told).toContainEqual(expect.objectContaining({ type: 'fault', kind: 'layout-change' }));
  });

  it('enrol an edge again that they revoked, and insist', async () => {
    const { people, town, told, advance } = createTown({ revocationsPerHour: 10 });
    people.start();
    while (!town.revoked) await advance(60_000);
    town.answer = 'failed';
    await advance(hourMs);
    expect(town.revoked).toBe(true);
    town.answer = 'done';
    await advance(6_000);
    expect(told).toContainEqual({ type: 'fault-over', kind: 'edge-revoked', target: 'edge-1' });
  });

  it('leave nothing behind that would stand in the way for ever', async () => {
    const { people, town, acts, modes, advance } = createTown({ layoutChangesPerHour: 100 });
    people.start();
    await advance(hourMs);
    people.rest();
    town.revoked = true;
    modes.set('in-1', 'locked');
    modes.set('out-1', 'hold-open');
    town.away = true;
    await advance(30_000);
    expect(acts.at(-1)?.kind).toBe('put-layout');
    town.away = false;
    await advance(2 * 60_000);
    expect(town.revoked).toBe(false);
    expect([...modes.values()]).not.toContain('locked');
    expect([...modes.values()]).not.toContain('hold-open');
    expect(town.frozen).toEqual([]);
    expect(town.layout.gates).toEqual(built.gates);
    expect(town.layout.slots.slice(0, slotIds.length)).toEqual(built.slots);
    const before = acts.length;
    await advance(hourMs);
    expect(acts).toHaveLength(before);
  });
});
