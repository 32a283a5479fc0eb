import { describe, expect, it } from '@jest/globals';
import { edgeEventSchema, eventBatchSchema, genesisHash, nextHash, parsePayload, parseValue } from '@gatehouse/shared';
import type { EdgeEvent } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createPacketReader, readPublish } from '../../src/bare-mqtt/packets.js';
import type { Packet } from '../../src/bare-mqtt/packets.js';
import { createStory, storySlots } from '../../src/bench/edge-load/story.js';
import { createStream } from '../../src/bench/edge-load/stream.js';
import { slopeOf } from '../../src/bench/statistics.js';

const edge = {
  siteId: 'site-a',
  edgeId: 'edge-1',
  entryGateIds: ['in-1', 'in-2'],
  exitGateIds: ['out-1', 'out-2'],
  slotIds: Array.from({ length: storySlots }, (_, index) => `s${String(index + 1)}`),
};
const epoch = 'e'.repeat(32);
const bootId = 'b'.repeat(32);

describe('the messages of an edge under load', () => {
  it.each([1, 4, 7])('are whole batches of %i events whose hashes go on from one to the next', (eventsPerMessage) => {
    const story = createStory(edge, { atMs: 1_700_000_000_000, monoMs: 5_000, bootId });
    const stream = createStream({ siteId: edge.siteId, edgeId: edge.edgeId, instance: 'a'.repeat(32), epoch });
    let hash = genesisHash(sha256, epoch);
    let next = 1;
    for (let round = 0; round < 3; round += 1) {
      const { bytes, ends, lastSeqs } = stream.build((seq) => story.next(seq), 20, eventsPerMessage);
      expect(ends.at(-1)).toBe(bytes.length);
      const packets: Packet[] = [];
      createPacketReader((packet) => packets.push(packet))(bytes);
      expect(packets).toHaveLength(20);
      for (const [index, packet] of packets.entries()) {
        const { topic, packetId, payload } = readPublish(packet);
        expect([topic, packetId > 0]).toEqual(['gatehouse/v1/site-a/edge-1/events', true]);
        const batch = parsePayload(eventBatchSchema, payload);
        if (!batch.ok) throw new Error(batch.error);
        expect([batch.value.first, batch.value.prevHash]).toEqual([next, hash]);
        for (const event of batch.value.events) {
          expect(parseValue(edgeEventSchema, event)).toMatchObject({ ok: true });
          hash = nextHash(sha256, hash, event);
        }
        next += eventsPerMessage;
        expect(lastSeqs[index]).toBe(next - 1);
      }
    }
    expect(stream.nextSeq).toBe(next);
  });

  it('tell of vehicles that come one to a gate, go in where nobody stands, and leave having been inside', () => {
    const story = createStory(edge, { atMs: 0, monoMs: 0, bootId });
    const atGate = new Map<string, Extract<EdgeEvent, { kind: 'vehicle-arrived' }>>();
    const slotOf = new Map<string, string>();
    let exits = 0;
    for (let seq = 1; seq <= 5_000; seq += 1) {
      const event = story.next(seq);
      if (event.kind === 'vehicle-arrived') {
        expect(atGate.has(event.gateId)).toBe(false);
        atGate.set(event.gateId, event);
        continue;
      }
      if (event.kind !== 'vehicle-passed') throw new Error(event.kind);
      const plate = atGate.get(event.gateId)?.credential?.value ?? '';
      atGate.delete(event.gateId);
      if (event.direction === 'entry') {
        expect(slotOf.has(plate)).toBe(false);
        expect([...slotOf.values()]).not.toContain(event.slotId);
        slotOf.set(plate, event.slotId ?? '');
      } else {
        expect(slotOf.delete(plate)).toBe(true);
        exits += 1;
      }
    }
    expect(exits).toBeGreaterThan(1_000);
    expect(slotOf.size).toBeLessThanOrEqual(storySlots);
  });
});

describe('a line through readings', () => {
  it('has the slope that least squares give, and the standard error of it', () => {
    expect(
      slopeOf([
        [0, 1],
        [1, 3],
        [2, 5],
        [3, 7],
      ]),
    ).toEqual({ slope: 2, standardError: 0 });
    const { slope, standardError } = slopeOf([
      [1, 1],
      [2, 3],
      [3, 2],
      [4, 5],
      [5, 4],
    ]);
    expect(slope).toBeCloseTo(0.8, 12);
    // By hand: residuals 0.4, 0.8, 1.0, 1.2, 0.6 in size; √(3.6 / 3 / 10).
    expect(standardError).toBeCloseTo(Math.sqrt(0.12), 12);
    expect(() =>
      slopeOf([
        [1, 1],
        [2, 2],
      ]),
    ).toThrow(RangeError);
    expect(() =>
      slopeOf([
        [1, 1],
        [1, 2],
        [1, 3],
      ]),
    ).toThrow(RangeError);
  });
});
