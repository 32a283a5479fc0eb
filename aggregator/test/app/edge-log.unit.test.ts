import { afterEach, describe, expect, it } from '@jest/globals';
import type { LogLine, LogLineLevel } from '@gatehouse/shared';
import { wireLimits } from '@gatehouse/shared';
import { hex128, openWorld, startMs } from './support.js';
import type { Edge, World, WorldOptions } from './support.js';

let world: World;
afterEach(async () => {
  await world.aggregator.stop();
});

/** With an edge that is connected and has reported twice. */
async function open(options: WorldOptions = {}, edgeId = 'edge-1'): Promise<Edge> {
  world = await openWorld(options);
  const edge = world.edge(edgeId);
  await report(edge);
  return edge;
}

async function report(edge: Edge): Promise<void> {
  edge.state();
  await world.settle();
  edge.state();
  await world.settle();
}

const line = (number: number, change: Partial<LogLine> = {}): LogLine => ({
  ...{ number, atMs: startMs, level: 'warn', part: null, gateId: null, message: `line ${String(number)}`, fields: {} },
  ...change,
});
const lines = (from: number, to: number): LogLine[] =>
  Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
const dropped = (reason: string): number => world.aggregator.health().dropped[reason] ?? 0;

/** What a person sees who does not wait for the edge. */
async function kept(edgeId = 'edge-1'): Promise<string[]> {
  const answer = world.aggregator.edgeLog(edgeId);
  await world.advance(2_000);
  return (await answer).lines.map(({ message }) => message);
}

describe('the log of an edge', () => {
  it('is asked for once the edge has been heard again after it connected, and every ten minutes', async () => {
    world = await openWorld();
    const edge = world.edge('edge-1');
    edge.state();
    await world.settle();
    expect(edge.logRequests).toEqual([]);
    for (let state = 0; state < 100; state += 1) {
      edge.state();
      await world.advance(10_000);
    }
    expect(edge.logRequests).toEqual([
      { instance: edge.instance, after: 0, now: false },
      { instance: edge.instance, after: 0, now: false },
    ]);
  });

  it('is asked for again over each connection, from the last line on', async () => {
    const edge = await open();
    edge.log(lines(1, 7));
    await world.settle();
    edge.offline();
    await report(edge);
    expect(edge.logRequests).toEqual([
      { instance: edge.instance, after: 0, now: false },
      { instance: edge.instance, after: 7, now: false },
    ]);
  });

  it('is asked for by a person, who waits for the answer', async () => {
    const edge = await open();
    const answer = world.aggregator.edgeLog('edge-1');
    await world.settle();
    expect(edge.logRequests.at(-1)).toEqual({ instance: edge.instance, after: 0, now: true });
    edge.log([line(1)], { more: true });
    await world.settle();
    edge.log([line(2)]);
    expect(await answer).toMatchObject({ upToDate: true, lines: [{ number: 1 }, { number: 2 }] });
  });

  it('is asked for once for all who read at the same time, or soon after', async () => {
    const edge = await open();
    const before = edge.logRequests.length;
    const answers = [world.aggregator.edgeLog('edge-1'), world.aggregator.edgeLog('edge-1')];
    await world.settle();
    edge.log([]);
    await world.settle();
    answers.push(world.aggregator.edgeLog('edge-1'));
    expect((await Promise.all(answers)).map(({ upToDate }) => upToDate)).toEqual([true, true, true]);
    expect(edge.logRequests).toHaveLength(before + 1);
    await world.advance(1_000);
    const later = world.aggregator.edgeLog('edge-1');
    await world.settle();
    expect(edge.logRequests).toHaveLength(before + 2);
    await world.advance(2_000);
    await later;
  });

  it('is what was told before when the edge does not answer in two seconds, as older ones never do', async () => {
    const edge = await open();
    edge.log([line(1)]);
    await world.advance(60_000);
    edge.state();
    await world.settle();
    let answered = false;
    const answer = world.aggregator.edgeLog('edge-1').finally(() => (answered = true));
    await world.advance(1_999);
    expect(answered).toBe(false);
    await world.advance(1);
    expect(await answer).toMatchObject({ upToDate: false, lines: [{ number: 1 }] });
  });

  it('is still there, with its times, when the edge is away; and nobody waits for it', async () => {
    const edge = await open();
    edge.log([line(1, { atMs: startMs - 5_000 })]);
    edge.offline();
    await world.settle();
    expect(await world.aggregator.edgeLog('edge-1')).toEqual({
      upToDate: false,
      lines: [{ ...line(1, { atMs: startMs - 5_000 }), instance: edge.instance, receivedAtMs: startMs, order: 1 }],
    });
    expect(await world.aggregator.edgeLog('nobody')).toEqual({ upToDate: false, lines: [] });
  });

  it('goes on over a new start of the agent, which counts from one again', async () => {
    const edge = await open();
    edge.log(lines(1, 3));
    await world.settle();
    const next = world.edge('edge-1', { instance: hex128('after a restart') });
    await report(next);
    next.log([line(1, { message: 'started anew' })]);
    await world.settle();
    expect(await kept()).toEqual(['line 1', 'line 2', 'line 3', 'started anew']);
    expect(next.logRequests[0]).toMatchObject({ after: 0 });
  });

  it('holds each line once, however often it is told', async () => {
    const edge = await open();
    edge.log(lines(1, 3));
    edge.log(lines(1, 3));
    edge.log(lines(2, 4));
    await world.settle();
    expect(await kept()).toEqual(['line 1', 'line 2', 'line 3', 'line 4']);
  });

  it('counts lines by their severity', async () => {
    const counted: [string, string, LogLineLevel, number][] = [];
    const edge = await open({
      observer: { onLogLines: (site, id, level, count) => void counted.push([site, id, level, count]) },
    });
    edge.log([line(1), line(2, { level: 'info' }), line(3), line(4, { level: 'error' })]);
    edge.log([line(4, { level: 'error' })]);
    await world.settle();
    expect(counted).toEqual([
      ['north', 'edge-1', 'info', 1],
      ['north', 'edge-1', 'warn', 2],
      ['north', 'edge-1', 'error', 1],
    ]);
  });

  it('is not asked for and not taken where it is not wanted', async () => {
    const edge = await open({ settings: { edges: { logLines: 0 } } });
    edge.log([line(1)]);
    await world.settle();
    expect(await world.aggregator.edgeLog('edge-1')).toEqual({ upToDate: false, lines: [] });
    expect(edge.logRequests).toEqual([]);
    expect(dropped('log-refused')).toBe(1);
  });
});

describe('the logs of hostile edges', () => {
  it('hold the last lines of each edge only', async () => {
    const edge = await open({ settings: { edges: { logLines: 5 } } });
    edge.log(lines(1, 5));
    await world.settle();
    expect(await kept()).toHaveLength(5);
    edge.log([line(6)]);
    await world.settle();
    expect(await kept()).toEqual(['line 2', 'line 3', 'line 4', 'line 5', 'line 6']);
  });

  it('are bounded together: the edge that was quiet the longest gives way', async () => {
    const edges = ['edge-1', 'edge-2', 'edge-3'];
    const one = await open({ edges, settings: { edges: { logChars: 3_000 } } });
    const [two, three] = [world.edge('edge-2'), world.edge('edge-3')];
    await report(two);
    await report(three);
    // Each takes some 1,300 of the characters.
    one.log(lines(1, 5));
    two.log(lines(1, 5));
    one.log([line(6)]);
    await world.settle();
    expect([(await kept('edge-1')).length, (await kept('edge-2')).length]).toEqual([6, 5]);
    three.log(lines(1, 5));
    await world.settle();
    expect(await kept('edge-2')).toEqual([]);
    expect([(await kept('edge-1')).length, (await kept('edge-3')).length]).toEqual([6, 5]);
    three.log(lines(6, 60));
    await world.settle();
    expect(await kept('edge-1')).toEqual([]);
    expect(await kept('edge-3')).toEqual(lines(50, 60).map(({ message }) => message));
  });

  it('refuse what cannot be read, is too long, or is not of the agent that runs, and put none of it in quarantine', async () => {
    const edge = await open();
    edge.sendRaw('{', 'log');
    edge.sendRaw(JSON.stringify({ instance: edge.instance, lines: [{ text: 'AB12CDE' }], more: false }), 'log');
    edge.log([line(1)], { instance: hex128('another') });
    edge.log([line(1, { level: 'debug' as never })]);
    edge.log([line(1, { fields: { error: { deep: 1 } } as never })]);
    edge.log(lines(1, wireLimits.maxLogLines + 1));
    const text = JSON.stringify({ instance: edge.instance, lines: [line(1)], more: false });
    edge.sendRaw(text.padEnd(wireLimits.maxLogReportBytes + 1), 'log');
    await world.settle();
    expect(await kept()).toEqual([]);
    expect(dropped('log-refused')).toBe(7);
    expect(await world.quarantine()).toEqual([]);
    edge.sendRaw(text.padEnd(wireLimits.maxLogReportBytes), 'log');
    await world.settle();
    expect(await kept()).toEqual(['line 1']);
  });

  it('take sixty reports of one edge in a minute, and leave other edges alone', async () => {
    const edge = await open({ edges: ['edge-1', 'edge-2'] });
    const other = world.edge('edge-2');
    await report(other);
    await world.advance(60_000 - (world.clock.monoMs() % 60_000));
    for (let number = 1; number <= 61; number += 1) edge.log([line(number)]);
    other.log([line(1)]);
    await world.settle();
    expect(dropped('log-too-many')).toBe(1);
    expect(await kept()).toHaveLength(60);
    expect(await kept('edge-2')).toEqual(['line 1']);
    await world.advance(60_000);
    edge.log([line(61)]);
    await world.settle();
    expect((await kept()).at(-1)).toBe('line 61');
  });

  it('show no control characters and nothing that turns a text around', async () => {
    const edge = await open();
    edge.log([line(1, { message: 'a\u001b[2Jb\nc\u202ed\ud800', fields: { error: '\u0000\u2028x\u009b' } })]);
    await world.settle();
    const { lines: shown } = await world.aggregator.edgeLog('edge-1');
    expect(shown).toMatchObject([{ message: 'a [2Jb c d ', fields: { error: '  x ' } }]);
  });

  it('cannot be written by an edge that was revoked, is of another site, or unknown', async () => {
    const edge = await open();
    await world.aggregator.committer.execute((turn) => {
      const row = turn.directory.edge('edge-1');
      if (row !== undefined) turn.put('edges', { ...row, revokedAtMs: startMs });
    });
    edge.log([line(1)]);
    world.edge('edge-9').log([line(1)]);
    const end = world.hub.connect({ clientId: 'stranger', onMessage: () => undefined });
    end.publish('gatehouse/v1/south/edge-1/log', '{}', { retain: false });
    await world.settle();
    expect([dropped('revoked-edge'), dropped('unknown-edge')]).toEqual([2, 1]);
    expect(await world.aggregator.edgeLog('edge-1')).toEqual({ upToDate: false, lines: [] });
  });
});
