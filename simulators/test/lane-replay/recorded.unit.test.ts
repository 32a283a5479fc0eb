/** What the agent recorded replays to what the agent told. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createMemoryRecording, createSimulatedBarrier, simulatedLaneSettingsSchema } from '@gatehouse/edge-agent';
import type { VehicleOrderInput } from '@gatehouse/edge-agent';
import { createVirtualClock } from '@gatehouse/shared';
import type { EdgeEvent, EventBatch } from '@gatehouse/shared';
import { createHarness, seededRandom } from '../../../edge-agent/test/app/harness.js';
import { readLaneRecording } from '../../src/lane-replay/read-recording.js';
import { replayLane } from '../../src/lane-replay/replay-lane.js';

const gateId = 'gate-1';
const plates = ['AB12CDE', 'XY34ZZT', 'KL56MNP', 'RS78TUV'];

/** An agent at a simulated lane with a reader; the test answers every arrival. */
async function recordedDay(seed: number, orders: readonly VehicleOrderInput[], maxBytes = 1024 * 1024) {
  const clock = createVirtualClock({ wallMs: 1_700_000_000_000, monoMs: 1_000 });
  const recording = createMemoryRecording();
  const settings = simulatedLaneSettingsSchema.parse({});
  const random = seededRandom(seed);
  const lane = createSimulatedBarrier({ clock, random, gateId, direction: 'entry', hasReader: true, settings });
  const edge = createHarness({
    clock,
    settings: { gates: [{ gateId, direction: 'entry', hasReader: true }] },
    lanes: new Map([[gateId, lane]]),
    recording: { sink: recording.sink, maxBytes, origin: 'simulated' },
  });
  edge.link.peer.onPublished(({ channel, payload }) => {
    if (channel !== 'events') return;
    const batch = JSON.parse(payload) as EventBatch;
    void edge.acknowledge(batch.first + batch.events.length - 1);
    for (const seq of batch.waiting) void edge.decide(seq, {});
  });
  await edge.start();
  for (const order of orders) {
    lane.send(order);
    await edge.advance(4_000);
  }
  await edge.advance(180_000);
  await edge.agent.stop();
  return { recording, told: edge.stored().flatMap(essence) };
}

/** What makes two accounts of an event the same, whatever its arrival is called and whenever it is stored. */
function essence(event: object): object[] {
  const {
    kind,
    gateId: gate,
    direction,
    flags,
    reason,
    basis,
    fault,
  } = event as Partial<
    Record<keyof EdgeEvent | 'direction' | 'flags' | 'reason' | 'basis' | 'fault' | 'gateId', unknown>
  >;
  return gate === undefined || gate === gateId ? [{ kind, direction, flags, reason, basis, fault }] : [];
}

async function replayed(text: string) {
  const directory = mkdtempSync(join(tmpdir(), 'lane-recording-'));
  try {
    writeFileSync(join(directory, 'inputs.jsonl'), text);
    const { runs } = await readLaneRecording(join(directory, 'inputs.jsonl'));
    return runs.flatMap((run) =>
      replayLane(run, gateId).moments.flatMap((moment) => (moment.what === 'event' ? essence(moment.event) : [])),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const behaviours = ['pass', 'back-out', 'tailgate'] as const;

describe('a recording by the agent', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('replays to the same events (traffic %d)', async (seed) => {
    const orders = plates.map((plate, index): VehicleOrderInput => {
      const behaviour = behaviours[(seed + index) % 3] ?? 'pass';
      return { plate, vehicleClass: 'standard', behaviour };
    });
    const { recording, told } = await recordedDay(seed, orders);
    expect(told.length).toBeGreaterThan(4);
    expect(await replayed(recording.current)).toEqual(told);
  });

  it('holds no plate', async () => {
    const { recording } = await recordedDay(
      3,
      plates.map((plate) => ({ plate, vehicleClass: 'standard' })),
    );
    expect(recording.current).toContain('"type":"read"');
    for (const plate of plates) expect(recording.current).not.toContain(plate);
  });

  it('keeps within its bytes, and each file can be understood without the one before it', async () => {
    const maxBytes = 16_000;
    const orders = Array.from({ length: 24 }, (_, index): VehicleOrderInput => {
      return { plate: `QQ${String(100 + index * 31)}WX`, vehicleClass: 'standard' };
    });
    const { recording, told } = await recordedDay(5, orders, maxBytes);
    const { current, former } = recording;
    expect(former).toBeDefined();
    for (const file of [current, former ?? '']) {
      expect(Buffer.byteLength(file)).toBeLessThanOrEqual(maxBytes / 2);
      const events = await replayed(file);
      expect(events.length).toBeGreaterThan(0);
    }
    // What is left is the end of the day, but for the vehicle that was under way at the cut.
    const last = await replayed(current);
    expect(last.at(-1)).toEqual(told.at(-1));
  });
});
