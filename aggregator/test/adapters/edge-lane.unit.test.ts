import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { createEdgeLane, publishBytes } from '../../src/adapters/broker/embedded/edge-lane.js';

const topic = 'gatehouse/v1/site-a/edge-1/events';

interface Sent {
  readonly bytes: Buffer;
  /** What the lane takes of it: the payload and the packet id of a message, nothing of a receipt. Left out: it is for the broker. */
  readonly taken?: { readonly payload: string; readonly packetId: number } | 'receipt';
}

interface Seen {
  readonly taken: string[];
  readonly receipts: number[];
  readonly passed: Buffer[];
}

function newLane(isOpen = true): { seen: Seen; read: (chunk: Buffer) => void } {
  const seen: Seen = { taken: [], receipts: [], passed: [] };
  const lane = createEdgeLane(topic, {
    mayTake: () => isOpen,
    onEvents: (payload) => seen.taken.push(Buffer.from(payload).toString()),
    acknowledge: (packets) => {
      const bytes = Buffer.from(packets);
      for (let at = 0; at < bytes.length; at += 4) {
        expect(bytes.readUInt16BE(at)).toBe(0x4002);
        seen.receipts.push(bytes.readUInt16BE(at + 2));
      }
    },
    pass: (bytes) => seen.passed.push(Buffer.from(bytes)),
  });
  return {
    seen,
    read(chunk) {
      lane.read(chunk);
    },
  };
}

const generated = (packet: Packet): Buffer => mqttPacket.generate(packet);
const publish = (over: Partial<Extract<Packet, { cmd: 'publish' }>>): Buffer =>
  generated({ cmd: 'publish', topic, payload: '{}', qos: 1, retain: false, dup: false, messageId: 7, ...over });

const payloads = fc.string({ maxLength: 400 });
const packetIds = fc.integer({ min: 1, max: 65_535 });
const events = fc.tuple(payloads, packetIds, fc.boolean()).map(([payload, packetId, dup]): Sent => ({
  bytes: publish({ payload, messageId: packetId, dup }),
  taken: { payload, packetId },
}));
const receipts = packetIds.map((messageId): Sent => ({
  bytes: generated({ cmd: 'puback', messageId }),
  taken: 'receipt',
}));
const others: fc.Arbitrary<Sent> = fc
  .oneof(
    payloads.map((payload) => publish({ payload, retain: true })),
    payloads.map((payload) => publish({ payload, qos: 0 })),
    payloads.map((payload) => publish({ payload, qos: 2 })),
    payloads.map((payload) => publish({ payload, topic: 'gatehouse/v1/site-a/edge-1/state', retain: true })),
    payloads.map((payload) => publish({ payload, topic: 'gatehouse/v1/site-a/edge-2/events' })),
    payloads.map((payload) => publish({ payload, topic: `${topic}/` })),
    fc.constant(generated({ cmd: 'pingreq' })),
    fc.constant(generated({ cmd: 'disconnect' })),
    packetIds.map((messageId) =>
      generated({ cmd: 'subscribe', messageId, subscriptions: [{ topic: 'gatehouse/v1/site-a/edge-1/acks', qos: 1 }] }),
    ),
    // Wrong: no packet id, the packet id 0, a topic beyond its end, a receipt with more in it. The broker says so.
    fc.constant(Buffer.concat([Buffer.from([0x32, 2 + topic.length, 0, topic.length]), Buffer.from(topic)])),
    fc.constant(
      Buffer.concat([Buffer.from([0x32, 4 + topic.length, 0, topic.length]), Buffer.from(topic), Buffer.alloc(2)]),
    ),
    fc.constant(Buffer.from([0x32, 3, 0, 200, 65])),
    fc.constant(Buffer.from([0x40, 3, 0, 1, 1])),
    fc.constant(Buffer.from([0x32, 0])),
  )
  .map((bytes) => ({ bytes }));

describe('the lane of an edge', () => {
  it('takes the messages of its topic, answers them, and passes everything else on, wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(events, receipts, others), { maxLength: 12 }),
        fc.array(fc.nat(3_000), { maxLength: 12 }),
        (sent, cuts) => {
          const { seen, read } = newLane();
          const bytes = Buffer.concat(sent.map((one) => one.bytes));
          for (const piece of pieces(bytes, cuts)) read(piece);
          const messages = sent.flatMap(({ taken }) => (taken === undefined || taken === 'receipt' ? [] : [taken]));
          expect(seen.taken).toEqual(messages.map(({ payload }) => payload));
          expect(seen.receipts).toEqual(messages.map(({ packetId }) => packetId));
          const expected = Buffer.concat(sent.filter(({ taken }) => taken === undefined).map((one) => one.bytes));
          expect(Buffer.concat(seen.passed).equals(expected)).toBe(true);
        },
      ),
    );
  });

  it('keeps the beginning of a packet until the rest is there', () => {
    const { seen, read } = newLane();
    const bytes = publish({ payload: 'x'.repeat(100_000), messageId: 9 });
    for (let at = 0; at < bytes.length; at += 100) {
      expect(seen.taken).toHaveLength(0);
      read(bytes.subarray(at, at + 100));
    }
    expect(seen.taken[0]).toHaveLength(100_000);
    expect(seen.receipts).toEqual([9]);
  });

  it('passes everything on but receipts while it is closed', () => {
    const { seen, read } = newLane(false);
    const message = publish({});
    read(Buffer.concat([message, generated({ cmd: 'puback', messageId: 3 }), message]));
    expect(seen.taken).toEqual([]);
    expect(Buffer.concat(seen.passed).equals(Buffer.concat([message, message]))).toBe(true);
  });
});

describe('a message that is written past the broker', () => {
  it('has the bytes that the library of the protocol gives it', () => {
    const lengths = [0, 1, 60, 90, 91, 92, 127, 128, 16_300, 16_345, 16_346, 16_347, 16_383, 16_384];
    for (const payload of [...lengths.map((length) => 'x'.repeat(length)), 'Grüße, 車 🚗']) {
      const expected = generated({
        cmd: 'publish',
        topic,
        payload,
        qos: 1,
        retain: false,
        dup: false,
        messageId: 4_660,
      });
      expect(publishBytes(topic, 4_660, payload).equals(expected)).toBe(true);
    }
  });
});

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const sorted = [0, ...cuts.filter((cut) => cut < bytes.length).sort((one, other) => one - other), bytes.length];
  return sorted.slice(1).flatMap((end, index) => {
    const piece = bytes.subarray(sorted[index], end);
    return piece.length > 0 ? [piece] : [];
  });
}
