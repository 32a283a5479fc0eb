import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import mqttPacket from 'mqtt-packet';
import type { Packet } from 'mqtt-packet';
import { createEdgeLane, publishBytes, subackBytes } from '../../src/adapters/broker/embedded/edge-lane.js';

const own = 'gatehouse/v1/site-a/edge-1/';
const topic = `${own}events`;

interface Sent {
  readonly bytes: Buffer;
  /** What the lane takes of it: the payload and the packet id of a message, nothing of a receipt. Left out: it is for the broker. */
  readonly taken?: { readonly payload: string; readonly packetId: number } | 'receipt' | 'subscribe';
}

interface Seen {
  readonly taken: string[];
  readonly receipts: number[];
  readonly subscribed: { readonly packetId: number; readonly filters: readonly string[] }[];
  readonly passed: Buffer[];
}

interface TestLane {
  readonly seen: Seen;
  read(chunk: Buffer): void;
  /** The broker gets on with one message that it was passed. */
  dispatch(): void;
}

function newLane({ isPrivate = true, isClosed = false, onPass = (_bytes: Buffer): void => undefined } = {}): TestLane {
  const seen: Seen = { taken: [], receipts: [], subscribed: [], passed: [] };
  const lane = createEdgeLane({
    isPrivate: () => isPrivate,
    onEvents: (_topic, payload) => seen.taken.push(Buffer.from(payload).toString()),
    acknowledge: (packetId) => seen.receipts.push(packetId),
    subscribe: (packetId, filters) => {
      seen.subscribed.push({ packetId, filters });
      return filters.every((filter) => filter.startsWith(own));
    },
    pass: (bytes) => {
      seen.passed.push(Buffer.from(bytes));
      onPass(bytes);
    },
  });
  lane.open(topic, { closed: isClosed });
  return {
    seen,
    read(chunk) {
      lane.read(chunk);
    },
    dispatch() {
      lane.onDispatched();
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
const channels = fc.constantFrom('acks', 'decisions', 'commands');
const subscriptions = fc
  .tuple(packetIds, fc.uniqueArray(channels, { minLength: 1 }), fc.constantFrom(1 as const, 2 as const))
  .map(([messageId, names, qos]): Sent => ({
    bytes: generated({
      cmd: 'subscribe',
      messageId,
      subscriptions: names.map((name) => ({ topic: `${own}${name}`, qos })),
    }),
    taken: 'subscribe',
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
    // What is not the edge’s own, or without receipts, is judged by the broker, and all of a packet with it.
    packetIds.map((messageId) =>
      generated({ cmd: 'subscribe', messageId, subscriptions: [{ topic: `${own}acks`, qos: 0 }] }),
    ),
    packetIds.map((messageId) =>
      generated({
        cmd: 'subscribe',
        messageId,
        subscriptions: [
          { topic: `${own}acks`, qos: 1 },
          { topic: 'gatehouse/v1/site-a/edge-2/acks', qos: 1 },
        ],
      }),
    ),
    fc
      .constantFrom(
        // No packet id, the id 0, no filter, a filter beyond the end, no QoS, a QoS there is not.
        ...[
          [0x82, 0],
          [0x82, 1, 1],
          [0x82, 2, 0, 1],
          [0x82, 6, 0, 0, 0, 1, 65, 1],
          [0x82, 4, 0, 1, 0, 9],
        ],
        ...[
          [0x82, 5, 0, 1, 0, 1, 65],
          [0x82, 6, 0, 1, 0, 1, 65, 3],
        ],
      )
      .map((bytes) => Buffer.from(bytes)),
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
  it('takes the messages of its topic and passes everything else on, wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(events, receipts, subscriptions, others), { maxLength: 12 }),
        fc.array(fc.nat(3_000), { maxLength: 12 }),
        (sent, cuts) => {
          const { seen, read, dispatch } = newLane();
          const bytes = Buffer.concat(sent.map((one) => one.bytes));
          const ends: number[] = [];
          for (const piece of pieces(bytes, cuts)) {
            read(piece);
            for (const _ of sent) dispatch();
            ends.push((ends.at(-1) ?? 0) + piece.length);
          }
          const taken = takenOf(sent, ends);
          const messages = sent.flatMap((one) => (taken.has(one) && typeof one.taken === 'object' ? [one.taken] : []));
          expect(seen.taken).toEqual(messages.map(({ payload }) => payload));
          expect(seen.receipts).toEqual(messages.map(({ packetId }) => packetId));
          const expected = Buffer.concat(sent.filter((one) => !taken.has(one)).map((one) => one.bytes));
          expect(Buffer.concat(seen.passed).equals(expected)).toBe(true);
        },
      ),
    );
  });

  it('lets nothing overtake what went to the broker, neither a message nor a PUBACK', () => {
    const messages = fc.record({ isEvent: fc.boolean(), isDispatchedFirst: fc.boolean(), endsPiece: fc.boolean() });
    fc.assert(
      fc.property(fc.array(messages, { maxLength: 20 }), (sent) => {
        const waiting: string[] = [];
        const heard: string[] = [];
        const acknowledged: number[] = [];
        const { seen, read, dispatch } = newLane({
          onPass: (bytes) => {
            takeOver();
            // The broker answers what it reads, and hands it on later.
            for (const packet of packetsOf(bytes)) {
              acknowledged.push(packet.messageId ?? 0);
              waiting.push(packet.payload.toString());
            }
          },
        });
        const takeOver = (): void => {
          heard.push(...seen.taken.splice(0));
          acknowledged.push(...seen.receipts.splice(0));
        };
        let piece: Buffer[] = [];
        for (const [index, { isEvent, isDispatchedFirst, endsPiece }] of sent.entries()) {
          if (isDispatchedFirst && waiting.length > 0) {
            heard.push(waiting.shift() ?? '');
            dispatch();
          }
          const state = { topic: 'gatehouse/v1/site-a/edge-1/state', retain: true };
          piece.push(publish({ payload: String(index), messageId: index + 1, ...(isEvent ? {} : state) }));
          if (!endsPiece) continue;
          read(Buffer.concat(piece));
          takeOver();
          piece = [];
        }
        read(Buffer.concat(piece));
        takeOver();
        heard.push(...waiting);
        expect(heard).toEqual(sent.map((_, index) => String(index)));
        expect(acknowledged).toEqual(sent.map((_, index) => index + 1));
      }),
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

  it('passes everything on but receipts while others read too', () => {
    const { seen, read } = newLane({ isPrivate: false });
    const message = publish({});
    read(Buffer.concat([message, generated({ cmd: 'puback', messageId: 3 }), message]));
    expect(seen.taken).toEqual([]);
    expect(Buffer.concat(seen.passed).equals(Buffer.concat([message, message]))).toBe(true);
  });

  it('passes everything on before it is opened, and opens between two packets even when half of one is there', () => {
    const passed: Buffer[] = [];
    const taken: string[] = [];
    const lane = createEdgeLane({
      isPrivate: () => true,
      onEvents: (_topic, payload) => taken.push(Buffer.from(payload).toString()),
      acknowledge: () => undefined,
      subscribe: () => true,
      pass: (bytes) => passed.push(Buffer.from(bytes)),
    });
    const receipt = generated({ cmd: 'puback', messageId: 3 });
    const early = publish({ payload: 'early' });
    // In the middle of the payload stands what would be a packet of its own.
    const late = publish({ payload: Buffer.concat([receipt, publish({ payload: 'inner' })]), messageId: 8 });
    lane.read(Buffer.concat([receipt, early, late.subarray(0, -60)]));
    lane.open(topic, { closed: false });
    lane.onDispatched();
    lane.read(late.subarray(-60));
    expect(Buffer.concat(passed).equals(Buffer.concat([receipt, early]))).toBe(true);
    expect(taken).toEqual([Buffer.concat([receipt, publish({ payload: 'inner' })]).toString()]);
  });

  it('takes nothing of a client that is closed', () => {
    const { seen, read } = newLane({ isClosed: true });
    const subscribe = generated({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: `${own}acks`, qos: 1 }] });
    read(Buffer.concat([publish({}), subscribe]));
    expect(seen.taken).toEqual([]);
    expect(seen.subscribed).toEqual([]);
    expect(Buffer.concat(seen.passed).equals(Buffer.concat([publish({}), subscribe]))).toBe(true);
  });

  it('asks for the filters of a SUBSCRIBE, in their order', () => {
    const { seen, read } = newLane();
    const subscriptions = ['acks', 'decisions'].map((name) => ({ topic: `${own}${name}`, qos: 1 as const }));
    read(generated({ cmd: 'subscribe', messageId: 4_660, subscriptions }));
    expect(seen.subscribed).toEqual([{ packetId: 4_660, filters: [`${own}acks`, `${own}decisions`] }]);
    expect(seen.passed).toEqual([]);
  });

  it('asks for no more than 16 filters at once', () => {
    const { seen, read } = newLane();
    const filters = (count: number): Buffer =>
      generated({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: Array.from({ length: count }, (_, index) => ({ topic: `${own}${String(index)}`, qos: 1 })),
      });
    read(filters(17));
    expect(seen.subscribed).toEqual([]);
    read(filters(16));
    expect(seen.subscribed[0]?.filters).toHaveLength(16);
  });
});

describe('the grant of a subscription', () => {
  it('has the bytes that the library of the protocol gives it', () => {
    for (const count of [1, 5, 16]) {
      const expected = generated({ cmd: 'suback', messageId: 4_660, granted: Array.from({ length: count }, () => 1) });
      expect(subackBytes(4_660, count).equals(expected)).toBe(true);
    }
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

/** What the lane takes when the broker has got on with everything by the end of each piece. */
function takenOf(sent: readonly Sent[], pieceEnds: readonly number[]): Set<Sent> {
  const taken = new Set<Sent>();
  let end = 0;
  /** The piece in which the last message was completed that the broker has to answer. */
  let brokersPiece = -1;
  for (const one of sent) {
    end += one.bytes.length;
    const piece = pieceEnds.findIndex((pieceEnd) => pieceEnd >= end);
    if (one.taken === 'receipt' || one.taken === 'subscribe' || (one.taken !== undefined && brokersPiece !== piece))
      taken.add(one);
    else if (((one.bytes[0] ?? 0) & 0xf6) === 0x32) brokersPiece = piece;
  }
  return taken;
}

function packetsOf(bytes: Buffer): Extract<Packet, { cmd: 'publish' }>[] {
  const packets: Extract<Packet, { cmd: 'publish' }>[] = [];
  const parser = mqttPacket.parser();
  parser.on('packet', (packet) => {
    if (packet.cmd === 'publish') packets.push(packet);
  });
  parser.parse(bytes);
  return packets;
}
