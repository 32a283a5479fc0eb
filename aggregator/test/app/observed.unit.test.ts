/** What is counted, and when: once for everything that was stored, and never for what was undone. */
import { afterEach, describe, expect, it } from '@jest/globals';
import type { AggregatorObserver } from '../../src/app/observer.js';
import { StoreError } from '../../src/app/ports.js';
import type { AggregatorStore } from '../../src/app/ports.js';
import { openWorld, siteId } from './support.js';
import type { Edge, World, WorldOptions } from './support.js';

let world: World;
let told: string[];

const observer: Partial<AggregatorObserver> = {
  onAnswered: (_, by) => told.push(`answered by ${by}`),
  onDenied: (_, reason) => told.push(`denied ${reason}`),
  onPassage: (_, gateId, direction) => told.push(`${gateId} ${direction}`),
  onReviewOpened: (_, kind) => told.push(`review ${kind}`),
  onEventsLost: (_, edgeId, events) => told.push(`${edgeId} lost ${String(events)}`),
};

const open = async (options: WorldOptions = {}): Promise<Edge> => {
  told = [];
  world = await openWorld({ observer, ...options });
  const edge = world.edge('edge-1');
  edge.state();
  await world.settle();
  return edge;
};

afterEach(async () => {
  await world.aggregator.stop();
});

const gateId = 'edge-1-in';

async function sent(edge: Edge, waiting: readonly number[] = []): Promise<string[]> {
  told.length = 0;
  edge.send({ waiting });
  await world.settle();
  return told;
}

describe('an answer', () => {
  it('of the aggregator is counted when it is stored, and not when it is sent again', async () => {
    const edge = await open();
    const arrival = edge.arrive('AB12CDE');
    expect(await sent(edge, [arrival])).toEqual(['answered by aggregator']);
    expect(await sent(edge, [arrival])).toEqual([]);
    expect(edge.decisions.length).toBeGreaterThan(1);
  });

  it('that turns somebody away is counted with its reason', async () => {
    const edge = await open();
    await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 20, by: 'olga', reason: 'test' }),
    );
    expect(await sent(edge, [edge.arrive('AB12CDE')])).toEqual(['answered by aggregator', 'denied full']);
  });

  it('of an edge that did not wait is counted as its own', async () => {
    const edge = await open();
    const arrival = edge.arrive('AB12CDE');
    edge.write('vehicle-denied', { gateId, arrival, reason: 'no-allowance' });
    const other = edge.arrive('CD34EFG');
    edge.write('vehicle-admitted', { gateId, arrival: other, slotId: null, basis: 'opted-in' });
    expect(await sent(edge)).toEqual(['answered by edge', 'denied no-allowance', 'answered by edge']);
  });

  it('is not counted for the aggregator too when its own never went out', async () => {
    const edge = await open();
    const arrival = edge.arrive('AB12CDE');
    edge.write('vehicle-denied', { gateId, arrival, reason: 'no-allowance' });
    expect(await sent(edge, [arrival])).toEqual(['answered by edge', 'denied no-allowance']);
  });

  it.each(['locked', 'operator'])('of a lane that is %s is nobody’s', async (reason) => {
    const edge = await open();
    edge.write('vehicle-denied', { gateId, arrival: edge.arrive('AB12CDE'), reason });
    expect(await sent(edge)).toEqual([`denied ${reason}`]);
  });

  it('to take one of its own is the aggregator’s, whatever slot the edge takes', async () => {
    const edge = await open();
    await world.advance(2_000);
    edge.accept();
    await sent(edge);
    await world.aggregator.committer.execute((turn) =>
      turn.apply(siteId, { type: 'correct-count', count: 16, by: 'olga', reason: 'test' }),
    );
    await world.settle();
    const arrival = edge.arrive('AB12CDE');
    expect(await sent(edge, [arrival])).toEqual(['answered by aggregator']);
    expect(edge.decisions.at(-1)).toMatchObject({ arrival, outcome: 'own' });
    edge.write('vehicle-admitted', { gateId, arrival, slotId: 'a-20', basis: 'allowance' });
    expect(await sent(edge)).toEqual([]);
  });
});

describe('a passage', () => {
  it('is counted at its gate, invited or not', async () => {
    const edge = await open();
    const arrival = edge.arrive('AB12CDE');
    await sent(edge, [arrival]);
    edge.pass(arrival, 'a-1');
    edge.write('vehicle-tailgated', { gateId, direction: 'entry', leader: arrival });
    edge.write('free-flow-passed', { gateId: 'edge-1-out', direction: 'exit', mode: 'hold-open' });
    edge.write('wrong-way', { gateId: 'edge-1-out', direction: 'entry', passed: true });
    expect((await sent(edge)).filter((text) => text.startsWith('edge-1-'))).toEqual([
      'edge-1-in entry',
      'edge-1-in entry',
      'edge-1-out exit',
      'edge-1-out entry',
    ]);
  });

  it('opens the reviews that it is counted with', async () => {
    const edge = await open();
    edge.write('vehicle-tailgated', { gateId, direction: 'entry', leader: null });
    edge.write('free-flow-passed', { gateId, direction: 'entry', mode: 'fire' });
    edge.write('free-flow-passed', { gateId, direction: 'entry', mode: 'fire' });
    const reviews = (await sent(edge)).filter((text) => text.startsWith('review'));
    expect(reviews).toEqual(['review tailgating', 'review free-flow']);
  });
});

describe('events that are lost', () => {
  it('are counted as the edge tells them', async () => {
    const edge = await open();
    edge.write('events-lost', { reason: 'outbox-full', lost: 7, entries: 2, exits: 1 });
    expect(await sent(edge)).toEqual(['edge-1 lost 7', 'review events-lost']);
  });

  it('are counted in a gap that will never be filled', async () => {
    const edge = await open();
    for (let count = 0; count < 5; count += 1) edge.write('barrier-forced', { gateId });
    edge.send({ last: 2 });
    await world.settle();
    told.length = 0;
    edge.state({ oldest: 5 });
    await world.settle();
    expect(told).toEqual(['edge-1 lost 2', 'review events-gap']);
    edge.state({ oldest: 5 });
    await world.settle();
    expect(told).toHaveLength(2);
  });
});

describe('a commit that fails', () => {
  /** Refuses commits that bring events, for as long as `code` is set. */
  const failing = (): { code: 'full' | 'constraint' | null; readonly options: WorldOptions } => {
    const state = {
      code: null as 'full' | 'constraint' | null,
      options: {
        wrapStore: (store) =>
          Object.assign(Object.create(store) as AggregatorStore, {
            async commit(changes: Parameters<AggregatorStore['commit']>[0]) {
              if (state.code !== null && changes.events.length > 0) throw new StoreError(state.code, 'by the test');
              await store.commit(changes);
            },
          }),
      } satisfies WorldOptions as WorldOptions,
    };
    return state;
  };

  it('for the disk counts nothing; tried again it counts once', async () => {
    const store = failing();
    const edge = await open(store.options);
    const arrival = edge.arrive('AB12CDE');
    edge.pass(arrival, null, { basis: 'opted-in' });
    edge.write('vehicle-denied', { gateId, arrival: edge.arrive('CD34EFG'), reason: 'blocked' });
    edge.write('events-lost', { reason: 'outbox-full', lost: 1, entries: 0, exits: 0 });
    store.code = 'full';
    expect(await sent(edge)).toEqual([]);
    await world.advance(2_000);
    expect(told).toEqual([]);
    store.code = null;
    await world.advance(20_000);
    expect([...told].sort()).toEqual(
      [
        'answered by edge',
        'denied blocked',
        'edge-1 lost 1',
        'edge-1-in entry',
        'review events-lost',
        'review no-slot',
      ].sort(),
    );
  });

  it('for the content of one event counts the others once, piece by piece', async () => {
    const options: WorldOptions = {
      edges: ['edge-1', 'edge-2'],
      wrapStore: (store) =>
        Object.assign(Object.create(store) as AggregatorStore, {
          async commit(changes: Parameters<AggregatorStore['commit']>[0]) {
            if (changes.events.some(({ kind }) => kind === 'wrong-way'))
              throw new StoreError('constraint', 'by the test');
            await store.commit(changes);
          },
        }),
    };
    const edge = await open(options);
    edge.write('vehicle-tailgated', { gateId, direction: 'entry', leader: null });
    edge.write('wrong-way', { gateId: 'edge-1-out', direction: 'entry', passed: true });
    edge.write('vehicle-tailgated', { gateId, direction: 'entry', leader: null });
    expect((await sent(edge)).filter((text) => text.startsWith('edge-1-'))).toEqual([
      'edge-1-in entry',
      'edge-1-in entry',
    ]);
    expect(await world.quarantine()).toHaveLength(1);
  });
});

describe('what somebody waits for at a gate', () => {
  it('has left before anybody who counts or follows hears of the turn', async () => {
    const order: string[] = [];
    const tell = (what: string) => (): void => void order.push(what);
    let isLeaving = false;
    /** As connections do: what was written in one go leaves when that is over. */
    const deliver = (topic: string): boolean => {
      order.push(topic.split('/').at(-1) ?? '');
      if (!isLeaving) {
        queueMicrotask(() => {
          isLeaving = false;
          order.push('left');
        });
      }
      isLeaving = true;
      return true;
    };
    const edges = ['edge-1', 'edge-2'];
    world = await openWorld({
      edges,
      wrapLink: (link) => ({ ...link, deliver }),
      observer: {
        onEvent: tell('event'),
        onAnswered: tell('answered'),
        onDenied: tell('denied'),
        onPassage: tell('passage'),
        onReviewOpened: tell('review'),
        onAllowanceAdmission: tell('allowance'),
      },
    });
    world.aggregator.onNotices(tell('notices'));
    for (const edgeId of edges) world.edge(edgeId).state();
    await world.settle();
    const waiting = edges.map((edgeId) => {
      const edge = world.edge(edgeId);
      const gate = { gateId: `${edgeId}-in` };
      edge.write('vehicle-denied', { ...gate, arrival: edge.arrive('XY98ZYX'), reason: 'no-allowance' });
      edge.write('vehicle-tailgated', { ...gate, direction: 'entry', leader: null });
      return { edge, arrival: edge.arrive(`AB12CD${edgeId.slice(-1)}`) };
    });
    order.length = 0;

    for (const { edge, arrival } of waiting) edge.send({ waiting: [arrival] });
    await world.settle();

    const answers = order.slice(0, 5);
    expect(answers).toEqual(['decisions', 'decisions', 'acks', 'acks', 'left']);
    const told = order.slice(5);
    for (const what of ['event', 'answered', 'denied', 'passage', 'review', 'notices']) expect(told).toContain(what);
    for (const sent of ['decisions', 'acks']) expect(told).not.toContain(sent);
  });
});
