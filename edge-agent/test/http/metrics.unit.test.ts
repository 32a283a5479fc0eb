/** What the metrics of an edge agent tell. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { barrierPositions, faultCatalogue, laneModes } from '@gatehouse/shared';
import type { HarnessOptions } from '../app/harness.js';
import { gibibyte, watchEdge } from './support/watched-edge.js';
import type { WatchedEdge } from './support/watched-edge.js';

let running: WatchedEdge[] = [];
async function watched(...options: Parameters<typeof watchEdge>): Promise<WatchedEdge> {
  const it = watchEdge(...options);
  running.push(it);
  await it.edge.start();
  return it;
}
afterEach(async () => {
  for (const { edge } of running) await edge.agent.stop();
  running = [];
});

const value = async (it: WatchedEdge, name: string): Promise<number | undefined> =>
  (await it.scrape()).get(`gatehouse_agent_${name}`);

/** The words whose series is 1. */
const current = async (it: WatchedEdge, name: string): Promise<string[]> =>
  [...(await it.scrape())].flatMap(([series, count]) =>
    count === 1 && series.startsWith(`gatehouse_agent_${name}{`) ? [series.slice(series.indexOf('{'))] : [],
  );

async function visit(it: WatchedEdge, gateId: string, options: { readonly decided?: boolean } = {}): Promise<void> {
  await it.edge.edge(gateId, 'arming', true);
  await it.edge.advance(200);
  if (options.decided === true) await it.edge.decide(it.edge.backing.next - 1);
  await it.edge.advance(4_000);
  await it.edge.driveThrough(gateId);
  await it.edge.advance(5_000);
}

describe('the metrics of an edge', () => {
  it('tell version, link and readiness', async () => {
    const it = await watched({ connected: false });
    expect(await value(it, 'build_info{version="1.2.3"}')).toBe(1);
    expect(await value(it, 'ready')).toBe(1);
    expect(await value(it, 'link_up')).toBe(0);
    it.edge.link.peer.connect();
    await it.edge.settle();
    expect(await value(it, 'link_up')).toBe(1);
    await it.edge.agent.stop();
    expect(await value(it, 'ready')).toBe(0);
  });

  it('tell the outbox: how much waits, how long, and how much room there is', async () => {
    const it = await watched();
    expect(await value(it, 'outbox_unacknowledged_events')).toBe(0);
    expect(await value(it, 'outbox_oldest_unacknowledged_seconds')).toBe(0);
    await it.edge.edge('entry-1', 'fire', true);
    const events = it.edge.backing.events.length;
    await it.edge.advance(7_500);
    expect(await value(it, 'outbox_unacknowledged_events')).toBe(events);
    expect(await value(it, 'outbox_oldest_unacknowledged_seconds')).toBe(7.5);
    expect(await value(it, 'outbox_bytes')).toBe(it.edge.agent.status().outbox.bytes);
    expect(await value(it, 'outbox_limit_bytes')).toBe(512 * 2 ** 20);
    await it.edge.acknowledge(events);
    expect(await value(it, 'outbox_oldest_unacknowledged_seconds')).toBe(0);
    expect(await value(it, 'events_committed_total')).toBe(events);
    expect(await value(it, 'batches_published_total')).toBe(it.edge.batches().length);
  });

  it('leave the age of a backlog of an earlier run out until it has been looked up', async () => {
    const before = await watched({ connected: false });
    await before.edge.edge('entry-1', 'fire', true);
    await before.edge.agent.stop();
    const { backing, clock } = before.edge;
    const it = await watched({ backing, clock, seed: 2, connected: false });
    expect(await value(it, 'outbox_oldest_unacknowledged_seconds')).toBeUndefined();
    await it.edge.advance(3_000);
    expect(await value(it, 'outbox_oldest_unacknowledged_seconds')).toBe(3);
  });

  it('count what was lost, and go on counting when it has been reported', async () => {
    const it = await watched();
    it.edge.backing.failure = (operation) => (operation === 'append' ? 'full' : undefined);
    await visit(it, 'exit-1');
    const lost = it.edge.backing.lost.events;
    expect(lost).toBeGreaterThan(0);
    expect(await value(it, 'events_lost_total')).toBe(lost);
    expect(await current(it, 'gate_faults')).toContain('{gate="",fault="outbox-full"}');
    it.edge.backing.failure = undefined;
    await it.edge.advance(60_000);
    expect(await current(it, 'gate_faults')).toEqual([]);
    expect(await value(it, 'events_lost_total')).toBe(lost);
  });

  it('count passages gate by gate and direction by direction, from 0 on', async () => {
    const it = await watched();
    const passages = (gate: string, direction: string): Promise<number | undefined> =>
      value(it, `passages_total{gate="${gate}",direction="${direction}"}`);
    for (const gate of ['entry-1', 'exit-1']) {
      for (const direction of ['entry', 'exit']) expect(await passages(gate, direction)).toBe(0);
    }
    await visit(it, 'exit-1');
    await visit(it, 'exit-1');
    await visit(it, 'entry-1', { decided: true });
    expect(await passages('exit-1', 'exit')).toBe(2);
    expect(await passages('entry-1', 'entry')).toBe(1);
    expect(await passages('entry-1', 'exit')).toBe(0);
    expect(await value(it, 'open_requests_total')).toBe(3);
  });

  it('count edges that were missed, gate by gate, from 0 on, of gates on real lines', async () => {
    const missedEdges = new Map([['entry-1', 0]]);
    const it = await watched({}, { missedEdges });
    expect(await value(it, 'missed_edges_total{gate="entry-1"}')).toBe(0);
    missedEdges.set('entry-1', 3);
    expect(await value(it, 'missed_edges_total{gate="entry-1"}')).toBe(3);
    expect(await value(await watched(), 'missed_edges_total{gate="entry-1"}')).toBeUndefined();
  });

  it('measure decisions by who made them, and commits', async () => {
    const it = await watched();
    const decisions = (by: string): Promise<number | undefined> =>
      value(it, `decision_duration_seconds_count{by="${by}"}`);
    expect(await decisions('aggregator')).toBe(0);
    expect(await decisions('edge')).toBe(0);
    await visit(it, 'entry-1', { decided: true });
    await visit(it, 'exit-1');
    expect(await decisions('aggregator')).toBe(1);
    expect(await decisions('edge')).toBe(1);
    expect(await value(it, 'decision_duration_seconds_sum{by="aggregator"}')).toBe(0.2);
    expect(await value(it, 'decision_duration_seconds_sum{by="edge"}')).toBe(1.5);
    expect(await value(it, 'commit_duration_seconds_count')).toBe(it.edge.agent.status().counters.commits);
  });

  it('tell arm, mode and faults of each gate as one series a word: 1 for what is so', async () => {
    const it = await watched();
    expect(await current(it, 'gate_barrier')).toEqual([
      '{gate="entry-1",position="closed"}',
      '{gate="exit-1",position="closed"}',
    ]);
    expect(await current(it, 'gate_faults')).toEqual([]);
    await it.edge.edge('entry-1', 'fire', true);
    await it.edge.advance(3_000);
    expect(await current(it, 'gate_barrier')).toContain('{gate="entry-1",position="open"}');
    expect(await current(it, 'gate_mode')).toEqual([
      '{gate="entry-1",mode="fire"}',
      '{gate="exit-1",mode="automatic"}',
    ]);
    expect(await current(it, 'gate_faults')).toEqual(['{gate="entry-1",fault="fire-input"}']);
    const series = [...(await it.scrape()).keys()];
    const named = (name: string): number => series.filter((one) => one.startsWith(`gatehouse_agent_${name}{`)).length;
    const scopes = Object.values(faultCatalogue).map(({ scope }) => scope);
    expect(named('gate_barrier')).toBe(2 * barrierPositions.length);
    expect(named('gate_mode')).toBe(2 * laneModes.length);
    expect(named('gate_faults')).toBe(
      2 * scopes.filter((scope) => scope === 'gate').length + scopes.filter((scope) => scope === 'edge').length,
    );
  });

  it('tell what the edge may give out', async () => {
    const it = await watched();
    const slots = [1, 2].map((number) => ({
      ...{ slotId: `a-${String(number)}`, zoneId: 'a', label: String(number), slotClass: 'standard' },
    }));
    const access = { version: 1, page: 1, pages: 1, unlisted: 'admit', entries: [] };
    const { epoch } = it.edge.backing;
    await it.edge.deliver('allowance', { epoch, version: 4, asOf: 0, slots, access });
    expect(await value(it, 'allowance_slots')).toBe(2);
    expect(await value(it, 'allowance_version')).toBe(4);
  });

  it('tell the volume, and the certificate only where there is one', async () => {
    const without = await watched();
    expect(await value(without, 'data_volume_free_bytes')).toBe(3 * gibibyte);
    expect(await value(without, 'data_volume_size_bytes')).toBe(8 * gibibyte);
    expect(await without.text()).not.toContain('certificate_expiry');
    const withOne = await watched({}, { certificateEnd: () => Promise.resolve(1_900_000_000) });
    expect(await value(withOne, 'certificate_expiry_timestamp_seconds')).toBe(1_900_000_000);
  });

  it('leave out what cannot be read, and take it in again when it can', async () => {
    let seconds: number | undefined = 1_900_000_000;
    const it = await watched(
      {},
      { certificateEnd: () => Promise.resolve(seconds), volume: () => Promise.resolve(undefined) },
    );
    expect(await value(it, 'data_volume_free_bytes')).toBeUndefined();
    seconds = undefined;
    expect(await value(it, 'certificate_expiry_timestamp_seconds')).toBeUndefined();
    seconds = 1_900_000_001;
    expect(await value(it, 'certificate_expiry_timestamp_seconds')).toBe(1_900_000_001);
  });

  it('can be asked for before the agent runs, and by two at once', async () => {
    const it = watchEdge();
    expect(await value(it, 'ready')).toBe(0);
    expect(await value(it, 'gate_barrier{gate="entry-1",position="unknown"}')).toBe(1);
    running.push(it);
    await it.edge.start();
    const [one, other] = await Promise.all([it.metrics.render(), it.metrics.render()]);
    expect(one.text).toBe(other.text);
    expect(one.contentType).toContain('text/plain; version=0.0.4');
  });
});

describe('the number of series', () => {
  const busy: HarnessOptions = {
    settings: {
      gates: [
        { gateId: 'entry-1', direction: 'entry', hasReader: true },
        { gateId: 'exit-1', direction: 'exit', hasReader: true },
      ],
    },
  };

  it('does not depend on traffic, faults, losses, or new epochs', async () => {
    const it = await watched(busy);
    const before = [...(await it.scrape()).keys()];
    expect(before.length).toBeGreaterThan(80);
    for (let vehicle = 0; vehicle < 20; vehicle += 1) {
      await it.edge.read('entry-1', { value: `AB${String(vehicle)}CDE` });
      await visit(it, 'entry-1', { decided: vehicle % 2 === 0 });
      await it.edge.read('exit-1', { value: `AB${String(vehicle)}CDE` });
      await visit(it, 'exit-1', { decided: vehicle % 3 === 0 });
      await it.edge.acknowledge(it.edge.backing.next - 1);
    }
    await it.edge.edge('entry-1', 'tamper', true);
    await it.edge.edge('exit-1', 'fire', true);
    await it.edge.driveThrough('exit-1');
    it.edge.clock.jumpWall(86_400_000);
    await it.edge.advance(20_000);
    it.edge.backing.failure = (operation) => (operation === 'append' ? 'io' : undefined);
    await visit(it, 'exit-1');
    it.edge.backing.failure = undefined;
    await it.edge.advance(60_000);
    const { instance } = it.edge.agent.status();
    const { epoch } = it.edge.backing;
    await it.edge.deliver('acks', { instance, epoch, upTo: 0, hash: 'e'.repeat(64), conflict: 'hash-mismatch' });
    await it.edge.advance(20_000);
    expect(it.edge.agent.status().counters).toMatchObject({ epochsBegun: 1, passagesEntry: 20 });
    expect(it.edge.agent.status().counters.eventsLost).toBeGreaterThan(0);
    const after = [...(await it.scrape()).keys()];
    expect(after).toEqual(before);
    expect(await it.text()).not.toMatch(/AB\d|CDE/);
  });
});
