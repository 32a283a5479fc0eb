/**
 * What each metric tells.
 * @needs prometheus
 */
import { spawnSync } from 'node:child_process';
import { denialReasons, faultNames, reviewKindNames, siteLayoutSchema } from '@gatehouse/shared';
import type { OnlineState } from '@gatehouse/shared';
import { afterEach, describe, expect, it } from '@jest/globals';
import { edgeRow, siteId, startMs } from '../app/support.js';
import type { Edge, WorldOptions } from '../app/support.js';
import { openMonitored, sizedLayout } from './monitored.js';
import type { Monitored } from './monitored.js';

let monitored: Monitored;
const open = async (options?: WorldOptions): Promise<Edge> => {
  monitored = await openMonitored(options);
  return monitored.world.edge('edge-1');
};

afterEach(async () => {
  await monitored.stop();
});

type Gate = OnlineState['gates'][number];
const gate = (gateId: string, change: Partial<Gate> = {}): Gate => ({
  gateId,
  direction: gateId.endsWith('in') ? 'entry' : 'exit',
  barrier: 'closed',
  mode: 'automatic',
  sensors: {},
  faults: [],
  arrival: null,
  vehicleClass: null,
  ...change,
});

async function state(edge: Edge, change: Partial<OnlineState> = {}): Promise<void> {
  edge.state({ gates: [gate('edge-1-in'), gate('edge-1-out')], ...change });
  await monitored.world.settle();
}

const only = (values: Readonly<Record<string, number>>): string[] =>
  Object.entries(values).flatMap(([labels, value]) => (value === 0 ? [] : [labels]));

describe('the exposition', () => {
  it('is clean by the checker of Prometheus, with everything in it', async () => {
    const edge = await open();
    await state(edge, { faults: ['clock-jumped'], outboxOldestAgeMs: 5, lastDecisionMs: 7 });
    edge.send({ waiting: [edge.arrive('AB12CDE')] });
    edge.write('vehicle-tailgated', { gateId: 'edge-1-in', direction: 'entry', leader: null });
    edge.send({ first: 2 });
    await monitored.world.settle();
    const { text } = await monitored.scrape();
    expect(text).toContain('gatehouse_review_oldest_timestamp_seconds{');
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
    expect({ code: checked.status, out: checked.stdout, error: checked.stderr }).toEqual({
      code: 0,
      out: '',
      error: '',
    });
  });
});

describe('counters', () => {
  it('stand at 0 before anything happened, for every word and every gate', async () => {
    await open();
    const exposition = await monitored.scrape();
    const zeros = (words: readonly string[], label: string) =>
      Object.fromEntries(words.map((word) => [`site="north",${label}="${word}"`, 0]));
    expect(exposition.of('gatehouse_denials_total')).toEqual(zeros(denialReasons, 'reason'));
    expect(exposition.of('gatehouse_reviews_opened_total')).toEqual(zeros(reviewKindNames, 'kind'));
    expect(exposition.of('gatehouse_reviews_open')).toEqual(zeros(reviewKindNames, 'kind'));
    expect(exposition.of('gatehouse_decisions_total')).toEqual(zeros(['aggregator', 'edge'], 'by'));
    expect(exposition.of('gatehouse_gate_passages_total')).toEqual({
      'site="north",gate="edge-1-in",direction="entry"': 0,
      'site="north",gate="edge-1-out",direction="exit"': 0,
    });
    expect(exposition.of('gatehouse_lost_events_total')).toEqual({ 'site="north",edge="edge-1"': 0 });
    expect(exposition.of('gatehouse_allowance_admissions_total')).toEqual({ 'site="north",edge="edge-1"': 0 });
    expect(exposition.of('gatehouse_quarantined_events_total')).toEqual({ 'site="north"': 0 });
    expect(exposition.of('gatehouse_decision_duration_seconds_count')).toEqual(
      zeros(['admit', 'own', 'deny'], 'outcome'),
    );
    expect(Object.keys(exposition.of('gatehouse_session_duration_seconds_count'))).toHaveLength(11);
    expect(exposition.of('gatehouse_commit_failures_total')).toMatchObject({ 'code="full"': 0, 'code="io"': 0 });
  });

  it('count what happened', async () => {
    const edge = await open();
    await state(edge);
    const arrival = edge.arrive('AB12CDE');
    edge.send({ waiting: [arrival] });
    await monitored.world.settle();
    const first = edge.kept.length + 1;
    edge.pass(arrival, 'a-1');
    edge.write('vehicle-tailgated', { gateId: 'edge-1-in', direction: 'entry', leader: arrival });
    edge.write('wrong-way', { gateId: 'edge-1-out', direction: 'entry', passed: true });
    const next = edge.arrive('CD34EFG');
    edge.write('vehicle-denied', { gateId: 'edge-1-in', arrival: next, reason: 'no-allowance' });
    edge.write('events-lost', { reason: 'outbox-full', lost: 3, entries: 0, exits: 0 });
    edge.send({ first });
    await monitored.world.settle();
    const exposition = await monitored.scrape();
    expect(exposition.of('gatehouse_gate_passages_total')).toEqual({
      'site="north",gate="edge-1-in",direction="entry"': 2,
      'site="north",gate="edge-1-out",direction="exit"': 0,
      'site="north",gate="edge-1-out",direction="entry"': 1,
    });
    expect(exposition.of('gatehouse_decisions_total')).toEqual({
      'site="north",by="aggregator"': 1,
      'site="north",by="edge"': 1,
    });
    expect(only(exposition.of('gatehouse_denials_total'))).toEqual(['site="north",reason="no-allowance"']);
    expect(only(exposition.of('gatehouse_reviews_open')).sort()).toEqual([
      'site="north",kind="events-lost"',
      'site="north",kind="tailgating"',
      'site="north",kind="wrong-way"',
    ]);
    expect(exposition.of('gatehouse_reviews_opened_total')).toEqual(exposition.of('gatehouse_reviews_open'));
    expect(exposition.of('gatehouse_lost_events_total')).toEqual({ 'site="north",edge="edge-1"': 3 });
    expect(exposition.of('gatehouse_review_oldest_timestamp_seconds')).toEqual({ 'site="north"': startMs / 1000 });
  });

  it('of a gate go with it, and begin at 0 with a new one', async () => {
    const edge = await open();
    edge.write('vehicle-tailgated', { gateId: 'edge-1-in', direction: 'entry', leader: null });
    edge.write('wrong-way', { gateId: 'edge-1-out', direction: 'entry', passed: true });
    edge.send();
    await monitored.world.settle();
    await monitored.putLayout(sizedLayout({ gates: { 'edge-1-out': 'exit', 'edge-1-new': 'both' } }));
    edge.write('vehicle-tailgated', { gateId: 'edge-1-in', direction: 'entry', leader: null });
    edge.send({ first: 3 });
    await monitored.world.settle();
    const now = await monitored.scrape();
    expect(now.of('gatehouse_gate_passages_total')).toEqual({
      'site="north",gate="edge-1-out",direction="exit"': 0,
      'site="north",gate="edge-1-out",direction="entry"': 1,
      'site="north",gate="edge-1-new",direction="entry"': 0,
      'site="north",gate="edge-1-new",direction="exit"': 0,
    });
    for (const name of ['barrier', 'mode', 'faults']) {
      const gates = Object.keys(now.of(`gatehouse_gate_${name}`)).map((labels) => /gate="([^"]*)"/.exec(labels)?.[1]);
      expect([...new Set(gates)].filter((gateId) => gateId !== '').sort()).toEqual(['edge-1-new', 'edge-1-out']);
    }
    await monitored.putLayout(sizedLayout());
    expect((await monitored.scrape()).of('gatehouse_gate_passages_total', 'edge-1-in')).toEqual({
      'site="north",gate="edge-1-in",direction="entry"': 0,
    });
  });
});

describe('gates', () => {
  it('tell one position and one mode of each, and unknown while nobody can know', async () => {
    const edge = await open();
    expect(only((await monitored.scrape()).of('gatehouse_gate_barrier'))).toEqual([
      'site="north",edge="edge-1",gate="edge-1-in",position="unknown"',
      'site="north",edge="edge-1",gate="edge-1-out",position="unknown"',
    ]);
    await state(edge, { gates: [gate('edge-1-in', { barrier: 'open', mode: 'hold-open' }), gate('edge-1-out')] });
    const connected = await monitored.scrape();
    expect(only(connected.of('gatehouse_gate_barrier'))).toEqual([
      'site="north",edge="edge-1",gate="edge-1-in",position="open"',
      'site="north",edge="edge-1",gate="edge-1-out",position="closed"',
    ]);
    expect(Object.keys(connected.of('gatehouse_gate_barrier'))).toHaveLength(12);
    expect(only(connected.of('gatehouse_gate_mode', 'edge-1-in'))).toEqual([
      'site="north",edge="edge-1",gate="edge-1-in",mode="hold-open"',
    ]);
    edge.offline();
    await monitored.world.settle();
    const away = await monitored.scrape();
    expect(only(away.of('gatehouse_gate_barrier', 'edge-1-in'))).toEqual([
      'site="north",edge="edge-1",gate="edge-1-in",position="unknown"',
    ]);
    expect(away.of('gatehouse_gate_mode')).toEqual(connected.of('gatehouse_gate_mode'));
  });

  it('tell every fault, raised or not', async () => {
    const edge = await open();
    await state(edge, {
      faults: ['clock-jumped'],
      gates: [gate('edge-1-in', { faults: ['loop-dead'] }), gate('edge-1-out')],
    });
    const raised = await monitored.scrape();
    expect(only(raised.of('gatehouse_gate_faults'))).toEqual([
      'site="north",edge="edge-1",gate="",fault="clock-jumped"',
      'site="north",edge="edge-1",gate="edge-1-in",fault="loop-dead"',
    ]);
    const ofGates = Object.keys(raised.of('gatehouse_gate_faults', 'gate="edge-1-in"')).length;
    const ofEdge = Object.keys(raised.of('gatehouse_gate_faults', 'gate=""')).length;
    expect(ofGates + ofEdge).toBe(faultNames.length);
    await monitored.world.advance(1_000);
    await state(edge);
    const cleared = await monitored.scrape();
    expect(cleared.of('gatehouse_gate_faults')).toEqual(
      Object.fromEntries(Object.keys(raised.of('gatehouse_gate_faults')).map((labels) => [labels, 0])),
    );
  });
});

describe('edges', () => {
  const edgeLabels = 'site="north",edge="edge-1"';

  it('tell what they reported, and nothing of what they have not', async () => {
    const edge = await open();
    const before = await monitored.scrape();
    for (const name of ['last_seen_timestamp_seconds', 'outbox_oldest_age_seconds', 'decision_seconds']) {
      expect(before.of(`gatehouse_edge_${name}`)).toEqual({});
    }
    await state(edge, { outboxOldestAgeMs: 12_500, lastDecisionMs: 45 });
    await monitored.world.advance(5_000);
    const after = await monitored.scrape();
    expect(after.of('gatehouse_edge_last_seen_timestamp_seconds')).toEqual({ [edgeLabels]: startMs / 1000 });
    expect(after.of('gatehouse_edge_outbox_oldest_age_seconds')).toEqual({ [edgeLabels]: 12.5 });
    expect(after.of('gatehouse_edge_decision_seconds')).toEqual({ [edgeLabels]: 0.045 });
    expect(after.of('gatehouse_edge_clock_off')).toEqual({ [edgeLabels]: 0 });
  });

  it('whose events are all acknowledged have no age of the oldest, and not none that is known', async () => {
    const edge = await open();
    await state(edge, { outboxOldestAgeMs: null, lastDecisionMs: null });
    const exposition = await monitored.scrape();
    expect(exposition.of('gatehouse_edge_outbox_oldest_age_seconds')).toEqual({ [edgeLabels]: 0 });
    expect(exposition.of('gatehouse_edge_decision_seconds')).toEqual({});
  });

  it('whose clock is off say so', async () => {
    const edge = await open();
    await state(edge, { clock: { atMs: startMs + 60_000, monoMs: 1_000, bootId: '0'.repeat(32) } });
    const exposition = await monitored.scrape();
    expect(exposition.of('gatehouse_edge_clock_off')).toEqual({ [edgeLabels]: 1 });
    expect(exposition.of('gatehouse_edge_clock_offset_seconds')).toEqual({ [edgeLabels]: 60 });
  });

  it('that are revoked are not told of any more', async () => {
    await open();
    await monitored.world.aggregator.committer.execute((turn) => {
      turn.put('edges', edgeRow('edge-1', { revokedAtMs: startMs }));
    });
    const { labels } = await monitored.scrape();
    expect(labels.filter(({ name }) => name === 'edge')).toEqual([]);
  });
});

describe('sites', () => {
  it('tell slots by state, zone and class, each slot once', async () => {
    await open();
    const layout = sizedLayout({ zones: ['a', 'b', 'c'], slots: 5 });
    await monitored.putLayout(
      siteLayoutSchema.parse({
        ...layout,
        zones: layout.zones,
        slots: layout.slots.map((slot) => ({
          ...slot,
          zoneId: 'a',
          slotClass: slot.slotId === 'a-5' ? 'ev' : 'standard',
        })),
      }),
    );
    await monitored.world.aggregator.committer.execute((turn) => {
      const act = { by: 'olga', reason: 'test' } as const;
      turn.apply(siteId, { type: 'set-out-of-service', slotId: 'a-4', outOfService: true, ...act });
      turn.apply(siteId, {
        type: 'assign-slot',
        slotId: 'a-1',
        slotClass: 'standard',
        credential: null,
        vehicle: null,
        ...act,
      });
    });
    const exposition = await monitored.scrape();
    const states = (free: number, occupied: number, outOfService: number, labels: string) => ({
      [`${labels},state="free"`]: free,
      [`${labels},state="reserved"`]: 0,
      [`${labels},state="occupied"`]: occupied,
      [`${labels},state="held"`]: 0,
      [`${labels},state="out_of_service"`]: outOfService,
    });
    expect(exposition.of('gatehouse_slots')).toEqual(states(3, 1, 1, 'site="north"'));
    expect(exposition.of('gatehouse_slots_by_zone')).toEqual({
      ...states(3, 1, 1, 'site="north",zone="a"'),
      ...states(0, 0, 0, 'site="north",zone="b"'),
      ...states(0, 0, 0, 'site="north",zone="c"'),
    });
    expect(exposition.of('gatehouse_slots_by_class')).toEqual({
      ...states(2, 1, 1, 'site="north",slot_class="standard"'),
      ...states(1, 0, 0, 'site="north",slot_class="ev"'),
    });
  });

  it('are open in their hours, and always without any', async () => {
    await open();
    expect((await monitored.scrape()).of('gatehouse_site_open')).toEqual({ 'site="north"': 1 });
    // Monday, 08:00 UTC.
    const openingHours = [{ days: ['mon' as const], from: '09:00', to: '17:00' }];
    await monitored.putLayout({ ...sizedLayout(), openingHours });
    expect((await monitored.scrape()).of('gatehouse_site_open')).toEqual({ 'site="north"': 0 });
    await monitored.world.advance(3_600_000);
    expect((await monitored.scrape()).of('gatehouse_site_open')).toEqual({ 'site="north"': 1 });
  });

  it('have no oldest review when none waits', async () => {
    await open();
    expect((await monitored.scrape()).of('gatehouse_review_oldest_timestamp_seconds')).toEqual({});
  });
});
