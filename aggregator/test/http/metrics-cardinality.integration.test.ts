/** How many series there are depends on the layout alone: not on vehicles, sessions or slots. */
import { slotClasses } from '@gatehouse/shared';
import { systemRandom } from '@gatehouse/shared/node';
import { afterEach, describe, expect, it } from '@jest/globals';
import { sessionsInside } from '../../src/domain/engine.js';
import { siteId } from '../app/support.js';
import type { Edge } from '../app/support.js';
import { openMonitored, sizedLayout } from './monitored.js';
import type { Exposition, Monitored } from './monitored.js';

/** Nothing that traffic makes more of may be a label. */
const allowedLabels = new Set([
  ...['site', 'zone', 'gate', 'edge'],
  ...['state', 'slot_class', 'kind', 'reason', 'by', 'direction', 'position', 'mode', 'fault', 'outcome', 'basis'],
  ...['result', 'code', 'listener', 'method', 'route', 'status', 'version', 'level', 'le'],
  // Of the process.
  ...['space', 'type', 'major', 'minor', 'patch'],
]);

let monitored: Monitored;
const edge = (): Edge => monitored.world.edge('edge-1');

afterEach(async () => {
  await monitored.stop();
});

/** What was used, and must not be told. */
interface Used {
  readonly plates: string[];
  readonly sessionIds: Set<string>;
  readonly slotIds: Set<string>;
  /** Plates, the longest stay first. */
  readonly inside: string[];
}

/** `count` vehicles come, and go when six others have come; with each, one more is turned away, one tailgates, one cannot be matched, and all of it is asked about. */
async function drive(at: Edge, count: number, used: Used): Promise<void> {
  const { world, ask } = monitored;
  const gateId = 'edge-1-out';
  for (let index = 0; index < count; index += 1) {
    const plate = `P${systemRandom.hex(4).toUpperCase()}`;
    used.plates.push(plate);
    const arrival = at.arrive(plate);
    at.send({ first: arrival, waiting: [arrival] });
    await world.settle();
    const { slot, sessionId } = at.decisions.at(-1) ?? {};
    if (slot != null) used.slotIds.add(slot.slotId);
    if (sessionId != null) used.sessionIds.add(sessionId);
    at.send({ first: at.pass(arrival, slot?.slotId ?? null) });
    await world.settle();
    const site = world.aggregator.site(siteId);
    for (const session of site === undefined ? [] : sessionsInside(site)) used.sessionIds.add(session.sessionId);
    expect(await ask('GET', `/api/v1/sites/${siteId}/slots/${slot?.slotId ?? ''}`)).toBe(200);
    expect(await ask('GET', `/api/v1/sites/${siteId}/sessions/${sessionId ?? ''}`)).toBe(200);
    expect(await ask('GET', `/api/v1/sites/${siteId}/sessions/${systemRandom.hex(16)}`)).toBe(404);
    expect(await ask('GET', `/nowhere/${plate}?slot=${slot?.slotId ?? ''}`)).toBe(404);
    expect(await ask('PROPFIND', `/nowhere/${plate}`)).toBe(404);
    used.inside.push(plate);
    if (used.inside.length > 6) await leave(at, used.inside.shift() ?? '');
    const first = at.kept.length + 1;
    at.write('vehicle-denied', { gateId: 'edge-1-in', arrival: at.arrive(`${plate}X`), reason: 'allowance-used-up' });
    at.write('vehicle-tailgated', { gateId: 'edge-1-in', direction: 'entry', leader: arrival });
    at.pass(at.arrive(`${plate}Y`, { gateId, direction: 'exit' }), null, { gateId, direction: 'exit' });
    at.write('newer-than-this', { gateId, note: plate });
    at.write('events-lost', { reason: 'outbox-full', lost: 1, entries: 0, exits: 0 });
    at.sendRaw(`{"instance":"${plate}"}`);
    at.send({ first });
    await world.settle();
    at.send({ first });
    await world.settle();
  }
}

async function leave(at: Edge, plate: string): Promise<void> {
  const gate = { gateId: 'edge-1-out', direction: 'exit' };
  const arrival = at.arrive(plate, gate);
  at.send({ first: arrival, waiting: [arrival] });
  await monitored.world.settle();
  at.send({ first: at.pass(arrival, null, gate) });
  await monitored.world.settle();
}

const used = (): Used => ({ plates: [], sessionIds: new Set(), slotIds: new Set(), inside: [] });
/** What the process tells of itself goes by what it happens to do: which kinds of sweeps there were, which handles are open. */
const namesOf = (exposition: Exposition): string[] =>
  [...exposition.series.keys()].filter((name) => name.startsWith('gatehouse_')).sort();

describe('the number of series', () => {
  it('is the same after ten times as many vehicles, sessions and slots in use', async () => {
    monitored = await openMonitored();
    const at = edge();
    at.state();
    await monitored.world.settle();
    const seen = used();
    await monitored.scrape();
    await drive(at, 3, seen);
    const few = namesOf(await monitored.scrape());
    await drive(at, 30, seen);
    const many = await monitored.scrape();
    expect(namesOf(many)).toEqual(few);
    expect(many.of('gatehouse_gate_passages_total', 'edge-1-in')).toEqual({
      'site="north",gate="edge-1-in",direction="entry"': 66,
    });
    expect([seen.plates.length, seen.sessionIds.size > 33, seen.slotIds.size > 3]).toEqual([33, true, true]);
  });

  it('is known before the first vehicle, but for what the API was asked', async () => {
    monitored = await openMonitored();
    const at = edge();
    at.state();
    await monitored.world.settle();
    const before = new Set(namesOf(await monitored.scrape()));
    await drive(at, 3, used());
    const added = namesOf(await monitored.scrape()).filter((name) => !before.has(name));
    const families = new Set(added.map((name) => name.replace(/(_bucket|_sum|_count)?[{].*/, '')));
    expect([...families].sort()).toEqual([
      'gatehouse_http_request_duration_seconds',
      // Vehicles that tailgate make somebody's exit fit nobody: there is a review that waits.
      'gatehouse_review_oldest_timestamp_seconds',
    ]);
  });

  it('grows with a zone, a gate and a class that the site had not, and not with slots', async () => {
    monitored = await openMonitored();
    edge().state();
    await monitored.world.settle();
    const names = async (): Promise<string[]> => namesOf(await monitored.scrape());
    await names();
    const small = await names();
    await monitored.putLayout(sizedLayout({ slots: 2_000 }));
    expect(await names()).toEqual(small);
    await monitored.putLayout(sizedLayout({ slots: 2_000, zones: ['a', 'b'] }));
    const added = (await names()).filter((name) => !small.includes(name));
    expect(added).toHaveLength(5);
    expect(added.every((name) => name.startsWith('gatehouse_slots_by_zone{site="north",zone="b"'))).toBe(true);
    await monitored.putLayout(
      sizedLayout({ gates: { 'edge-1-in': 'entry', 'edge-1-out': 'exit', 'edge-1-side': 'both' } }),
    );
    const atSide = (await names()).filter((name) => !small.includes(name));
    expect(atSide.every((name) => name.includes('gate="edge-1-side"'))).toBe(true);
    expect(atSide.length).toBeGreaterThan(0);
    expect(atSide.length).toBeLessThan(40);
    await monitored.putLayout(sizedLayout());
    expect(await names()).toEqual(small);
  });
});

describe('labels', () => {
  it('have names of a short list, and tell no plate, session or slot', async () => {
    monitored = await openMonitored();
    const at = edge();
    at.state();
    await monitored.world.settle();
    const seen = used();
    await drive(at, 5, seen);
    const { labels, text } = await monitored.scrape();
    expect([...new Set(labels.map(({ name }) => name))].filter((name) => !allowedLabels.has(name))).toEqual([]);
    const told = new Set(labels.map(({ value }) => value));
    expect([...seen.slotIds].filter((slotId) => told.has(slotId))).toEqual([]);
    expect(seen.slotIds.size).toBeGreaterThan(0);
    for (const secret of [...seen.plates, ...seen.sessionIds]) expect(text).not.toContain(secret);
    expect([...told].filter((value) => /[0-9a-f]{16}/.test(value))).toEqual([]);
  });

  it('name routes by their template and methods by a short list, whatever is asked', async () => {
    monitored = await openMonitored();
    await drive(edge(), 2, used());
    const { labels } = await monitored.scrape();
    const of = (name: string): string[] =>
      [...new Set(labels.filter((label) => label.name === name).map(({ value }) => value))].sort();
    const templates = new Set(monitored.http.routes.map(({ url }) => url));
    expect(of('route').filter((route) => !templates.has(route))).toEqual(['none']);
    expect(of('route').length).toBeGreaterThan(2);
    expect(of('method')).toEqual(['GET', 'other']);
    expect(of('slot_class').every((name) => (slotClasses as readonly string[]).includes(name))).toBe(true);
  });
});
