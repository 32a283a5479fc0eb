/** The agent at a physical model of a lane: what the books say afterwards is what happened. */
import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import type { EdgeEvent, EventBatch, GateDirection } from '@gatehouse/shared';
import { createSimulatedBarrier, simulatedLaneSettingsSchema } from '../../src/adapters/simulated-barrier/index.js';
import type { SimulatedBarrier, VehicleOrderInput } from '../../src/adapters/simulated-barrier/index.js';
import { createHarness, seededRandom } from './harness.js';
import type { Harness } from './harness.js';

interface Lane {
  readonly edge: Harness;
  readonly barrier: SimulatedBarrier;
}

/** One gate with a reader; the test answers every arrival at once. */
async function laneOf(direction: GateDirection, seed: number, admit = true): Promise<Lane> {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
  const barrier = createSimulatedBarrier({
    clock,
    random: seededRandom(seed),
    gateId: 'gate-1',
    direction,
    hasReader: true,
    settings: simulatedLaneSettingsSchema.parse({}),
  });
  const edge = createHarness({
    clock,
    settings: { gates: [{ gateId: 'gate-1', direction, hasReader: true }] },
    lanes: new Map([['gate-1', barrier]]),
  });
  edge.link.peer.onPublished(({ channel, payload }) => {
    if (channel !== 'events') return;
    const batch = JSON.parse(payload) as EventBatch;
    void edge.acknowledge(batch.first + batch.events.length - 1);
    for (const seq of batch.waiting) {
      void edge.decide(seq, admit ? {} : { outcome: 'deny', reason: 'full' });
    }
  });
  await edge.start();
  return { edge, barrier };
}

async function send({ edge, barrier }: Lane, orders: readonly VehicleOrderInput[], apartMs: number): Promise<void> {
  for (const order of orders) {
    barrier.send(order);
    await edge.advance(apartMs);
  }
  for (let minute = 0; minute < 200 && barrier.vehicles().length < orders.length; minute += 1)
    await edge.advance(60_000);
  await edge.advance(60_000);
}

const plateOf = (index: number): string => `AB${String(100 + index * 37)}XY${String(index)}`;

function passagesOf(edge: Harness): EdgeEvent[] {
  return edge.stored().filter((event) => event.kind === 'vehicle-passed' || event.kind === 'vehicle-tailgated');
}

describe('at a simulated lane', () => {
  it.each(['entry', 'exit', 'both'] as const)('%s: each of a stream of vehicles is counted once', async (direction) => {
    const lane = await laneOf(direction, 7);
    const orders = Array.from({ length: 40 }, (_unused, index): VehicleOrderInput => {
      const vehicleClass = (['standard', 'motorcycle', 'large', 'standard'] as const)[index % 4] ?? 'standard';
      return { plate: plateOf(index), vehicleClass, fromFarSide: direction === 'both' && index % 3 === 0 };
    });
    await send(lane, orders, 15_000);
    const { edge, barrier } = lane;
    expect(barrier.vehicles().map(({ outcome }) => outcome)).toEqual(orders.map(() => 'passed'));
    expect(passagesOf(edge)).toHaveLength(orders.length);
    expect(edge.kinds().filter((kind) => kind === 'vehicle-passed')).toHaveLength(orders.length);
    const inward = barrier.vehicles().filter((report) => report.direction === 'inward').length;
    const entries = passagesOf(edge).filter((event) => 'direction' in event && event.direction === 'entry').length;
    if (direction === 'both') expect(entries).toBe(inward);
    expect(edge.agent.status().gates[0]).toMatchObject({ barrier: 'closed', arrival: null, faults: [] });
    await edge.agent.stop();
    barrier.dispose();
  });

  it('a queue without gaps is counted once a vehicle, too', async () => {
    const lane = await laneOf('entry', 11);
    const orders = Array.from({ length: 30 }, (_unused, index): VehicleOrderInput => ({ plate: plateOf(index) }));
    await send(lane, orders, 0);
    expect(lane.barrier.vehicles()).toHaveLength(30);
    const through = lane.barrier.vehicles().filter(({ direction }) => direction !== null).length;
    expect(passagesOf(lane.edge)).toHaveLength(through);
    await lane.edge.agent.stop();
    lane.barrier.dispose();
  });

  it.each([
    ['back-out', ['vehicle-backed-out']],
    ['reverse-half-way', ['vehicle-backed-out']],
    ['wrong-way', ['wrong-way']],
    ['tailgate', ['vehicle-passed', 'vehicle-tailgated']],
  ] as const)('%s is told as what it is', async (behaviour, kinds) => {
    const lane = await laneOf('entry', 3);
    const leader: VehicleOrderInput[] = behaviour === 'tailgate' ? [{ plate: 'LEADER1' }] : [];
    await send(lane, [...leader, { plate: 'XY34ZZZ', behaviour }], 0);
    const told = lane.edge.kinds().filter((kind) => kind !== 'vehicle-arrived' && kind !== 'arrival-void');
    expect(told).toEqual(kinds);
    expect(lane.edge.agent.status().gates[0]?.barrier).toBe('closed');
    await lane.edge.agent.stop();
    lane.barrier.dispose();
  });

  it('whoever is turned away leaves, and nothing opens', async () => {
    const lane = await laneOf('entry', 5, false);
    await send(lane, [{ plate: 'AB12CDE' }, { plate: 'XY34ZZZ' }], 0);
    expect(lane.barrier.vehicles().map(({ outcome }) => outcome)).toEqual(['denied-left', 'denied-left']);
    expect(lane.edge.agent.status().counters.openRequests).toBe(0);
    expect(lane.edge.kinds().filter((kind) => kind === 'arrival-void')).toHaveLength(2);
    await lane.edge.agent.stop();
    lane.barrier.dispose();
  });
});
