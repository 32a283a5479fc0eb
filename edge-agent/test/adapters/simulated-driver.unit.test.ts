import { describe, expect, it } from '@jest/globals';
import { createSimulatedBarrier } from '../../src/adapters/simulated-barrier/index.js';
import type { GateHappening, SimulatedBarrier } from '../../src/adapters/simulated-barrier/index.js';
import { simulatedLaneSettingsSchema } from '../../src/adapters/simulated-barrier/settings.js';
import type { CredentialRead, InputEdge } from '../../src/app/ports.js';
import { createManualClock } from './support/manual-clock.js';
import { createSeededRandom } from './support/seeded-random.js';

const wallBaseMs = 1_700_000_000_000;

async function rig(settings: Record<string, unknown> = {}, hasReader = true) {
  const clock = createManualClock(wallBaseMs);
  const simulated: SimulatedBarrier = createSimulatedBarrier({
    clock,
    random: createSeededRandom(7),
    gateId: 'entry-1',
    direction: 'entry',
    hasReader,
    settings: simulatedLaneSettingsSchema.parse(settings),
  });
  const edges: InputEdge[] = [];
  const reads: CredentialRead[] = [];
  const happenings: GateHappening[] = [];
  simulated.onHappening((happening) => happenings.push(happening));
  const levels = await simulated.barrier.start({
    onInput: (edge) => edges.push(edge),
    onTrouble: () => undefined,
    onTroubleOver: () => undefined,
  });
  await simulated.reader.start((read) => reads.push(read));
  return { clock, simulated, edges, reads, happenings, levels };
}

describe('the simulated barrier', () => {
  it('answers the levels at the start: a closed arm and an empty lane', async () => {
    const { levels, simulated } = await rig();
    expect(Object.fromEntries(levels)).toEqual({
      arming: false,
      safety: false,
      'limit-open': false,
      'limit-closed': true,
      fire: false,
      tamper: false,
    });
    expect([...simulated.barrier.inputs].sort()).toEqual([...levels.keys()].sort());
  });

  it('never calls back from within a request', async () => {
    const { clock, simulated, edges } = await rig();
    simulated.barrier.requestOpen();
    simulated.setFault('fire', true);
    simulated.setPower(false);
    expect(edges).toEqual([]);
    clock.advance(0);
    expect(edges.length).toBeGreaterThan(0);
  });

  it('lets a vehicle in and reports it with wall-clock times', async () => {
    const { clock, simulated, edges, reads } = await rig({ reader: { misreadRate: 0, noReadRate: 0 } });
    const sent = simulated.send({ plate: 'ab-12 cde', label: 'first' });
    clock.advance(5_000);
    expect(reads).toMatchObject([
      { gateId: 'entry-1', credential: { kind: 'plate', value: 'AB12CDE', source: 'camera' } },
    ]);
    simulated.barrier.requestOpen();
    simulated.barrier.setLamp('green');
    clock.advance(30_000);
    expect(edges.every((edge) => edge.monoMs <= clock.monoMs())).toBe(true);
    const [report] = simulated.vehicles();
    expect(report).toMatchObject({ outcome: 'passed', gateId: 'entry-1', label: 'first', reads: ['AB12CDE'] });
    expect(sent).toEqual({ accepted: true, vehicleId: report?.vehicleId });
    expect(report?.endedAtMs).toBeGreaterThan(wallBaseMs + 5_000);
    expect(report?.endedAtMs).toBeLessThan(wallBaseMs + 35_000);
  });

  it('reads nothing at a gate without a reader, nor while the reader is silent', async () => {
    const without = await rig({}, false);
    without.simulated.send({ plate: 'AB12CDE' });
    without.clock.advance(10_000);
    expect(without.reads).toEqual([]);
    const silent = await rig({ reader: { noReadRate: 0 } });
    silent.simulated.setFault('reader-silent', true);
    silent.simulated.send({ plate: 'AB12CDE' });
    silent.clock.advance(10_000);
    expect(silent.reads).toEqual([]);
  });

  it('goes on without the agent, and shows a new one how things stand', async () => {
    const { clock, simulated, edges } = await rig();
    simulated.barrier.requestOpen();
    clock.advance(5_000);
    await simulated.barrier.stop();
    await simulated.barrier.stop();
    const before = edges.length;
    simulated.send({});
    clock.advance(5_000);
    expect(edges).toHaveLength(before);
    const levels = await simulated.barrier.start({
      onInput: () => undefined,
      onTrouble: () => undefined,
      onTroubleOver: () => undefined,
    });
    expect(levels.get('arming')).toBe(true);
    expect(levels.get('limit-open')).toBe(true);
  });

  it('refuses an order that cannot be, by name', async () => {
    const { simulated } = await rig();
    expect(() => simulated.send({ speedKmh: 900 })).toThrow(/speedKmh/);
    expect(() => simulated.send({ behaviour: 'fly' as 'pass' })).toThrow(/behaviour/);
  });

  it('does nothing any more once disposed of', async () => {
    const { clock, simulated, happenings } = await rig();
    simulated.send({});
    simulated.dispose();
    clock.advance(100_000);
    expect(happenings).toEqual([]);
  });
});
