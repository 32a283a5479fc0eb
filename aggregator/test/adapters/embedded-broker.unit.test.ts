import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mayPublish, maySubscribe } from '../../src/adapters/broker/embedded/access.js';
import { embeddedBrokerSettingsSchema } from '../../src/adapters/broker/embedded/index.js';
import { createPacketMeter } from '../../src/adapters/broker/embedded/packet-meter.js';
import { createRateBound } from '../../src/adapters/broker/embedded/rate-bound.js';
import type { BrokerIdentity } from '../../src/app/ports.js';

const edge: BrokerIdentity = { kind: 'edge', siteId: 'site-a', edgeId: 'edge-1' };
const auditor: BrokerIdentity = { kind: 'auditor', siteId: 'site-a' };
const everywhere: BrokerIdentity = { kind: 'auditor', siteId: null };
const observer: BrokerIdentity = { kind: 'observer', siteId: 'site-a' };
const anyObserver: BrokerIdentity = { kind: 'observer', siteId: null };

describe('access to topics', () => {
  it.each([
    [edge, 'gatehouse/v1/site-a/edge-1/state', true, true],
    [edge, 'gatehouse/v1/site-a/edge-1/state', false, true],
    [edge, 'gatehouse/v1/site-a/edge-1/events', false, true],
    [edge, 'gatehouse/v1/site-a/edge-1/events', true, false],
    [edge, 'gatehouse/v1/site-a/edge-1/log', false, true],
    [edge, 'gatehouse/v1/site-a/edge-1/log', true, false],
    [edge, 'gatehouse/v1/site-a/edge-2/log', false, false],
    [edge, 'gatehouse/v1/site-a/edge-1/log-requests', false, false],
    [edge, 'gatehouse/v1/site-a/edge-2/events', false, false],
    [edge, 'gatehouse/v1/site-b/edge-1/events', false, false],
    [edge, 'gatehouse/v1/site-a/edge-1/acks', false, false],
    [edge, 'gatehouse/v1/site-a/occupancy', true, false],
    [edge, '$SYS/x', false, false],
    [edge, 'gatehouse/v1/site-a/edge-1/events/', false, false],
    [auditor, 'gatehouse/v1/site-a/edge-1/state', false, false],
    [observer, 'gatehouse/v1/site-a/occupancy', true, false],
  ])('%j may publish %s, retained %s: %s', (identity, topic, retain, allowed) => {
    expect(mayPublish(identity, topic, retain)).toBe(allowed);
  });

  it.each([
    [edge, 'gatehouse/v1/site-a/edge-1/acks', true],
    [edge, 'gatehouse/v1/site-a/edge-1/decisions', true],
    [edge, 'gatehouse/v1/site-a/edge-1/commands', true],
    [edge, 'gatehouse/v1/site-a/edge-1/allowance', true],
    [edge, 'gatehouse/v1/site-a/edge-1/log-requests', true],
    [edge, 'gatehouse/v1/site-a/edge-2/log-requests', false],
    [edge, 'gatehouse/v1/site-a/edge-1/log', false],
    [edge, 'gatehouse/v1/site-a/edge-1/events', false],
    [edge, 'gatehouse/v1/site-a/edge-2/acks', false],
    [edge, 'gatehouse/v1/site-a/+/acks', false],
    [edge, 'gatehouse/v1/site-a/edge-1/#', false],
    [edge, '#', false],
    [auditor, 'gatehouse/v1/site-a/#', true],
    [auditor, 'gatehouse/v1/site-a/+/events', true],
    [auditor, 'gatehouse/v1/site-ab/#', false],
    [auditor, 'gatehouse/v1/+/edge-1/events', false],
    [auditor, '#', false],
    [auditor, '+/v1/site-a/#', false],
    [auditor, `gatehouse/v1/site-a/${'x/'.repeat(200)}`, false],
    [everywhere, 'gatehouse/v1/#', true],
    [everywhere, '$SYS/#', false],
    [observer, 'gatehouse/v1/site-a/occupancy', true],
    [observer, 'gatehouse/v1/site-b/occupancy', false],
    [observer, 'gatehouse/v1/+/occupancy', false],
    [observer, 'gatehouse/v1/site-a/edge-1/log', false],
    [observer, 'gatehouse/v1/site-a/#', false],
    [anyObserver, 'gatehouse/v1/+/occupancy', true],
    [anyObserver, 'gatehouse/v1/site-b/occupancy', true],
    [anyObserver, 'gatehouse/v1/+/+', false],
  ])('%j may subscribe %s: %s', (identity, filter, allowed) => {
    expect(maySubscribe(identity, filter)).toBe(allowed);
  });
});

describe('the packet meter', () => {
  const bounds = { maxConnectBytes: 100, maxPacketBytes: 300 };
  const connect = packet(0x10, 20);

  it.each([
    ['a CONNECT at its bound', [packet(0x10, 100)], true],
    ['a CONNECT above its bound', [packet(0x10, 101)], 'packet-too-long'],
    ['a packet at its bound', [connect, packet(0x30, 300)], true],
    ['a packet above its bound', [connect, packet(0x30, 301)], 'packet-too-long'],
    ['an empty packet', [connect, packet(0xc0, 0), packet(0xc0, 0)], true],
    ['a first packet that is not CONNECT', [packet(0x30, 5)], 'not-mqtt'],
    ['a second CONNECT', [connect, connect], 'not-mqtt'],
    ['HTTP', [new TextEncoder().encode('GET / HTTP/1.1\r\n')], 'not-mqtt'],
    ['a length of five bytes', [Uint8Array.from([0x10, 0x80, 0x80, 0x80, 0x80, 0x01])], 'not-mqtt'],
  ])('answers %s in one piece and byte by byte', (_, packets, expected) => {
    const bytes = join(packets);
    const whole = createPacketMeter(bounds).measure(bytes);
    expect(whole.ok ? true : whole.reason).toBe(expected);
    expect(inPieces(bytes, [...bytes.keys()].slice(1), bounds)).toBe(expected);
  });

  it('refuses a long packet by its header alone', () => {
    const meter = createPacketMeter(bounds);
    expect(meter.measure(connect)).toEqual({ ok: true, packets: 1 });
    expect(meter.measure(packet(0x30, 10_000_000).subarray(0, 5))).toEqual({ ok: false, reason: 'packet-too-long' });
  });

  it('counts the packets wherever the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(300), { maxLength: 10 }),
        fc.array(fc.nat(2000), { maxLength: 20 }),
        (lengths, cuts) => {
          const bytes = join([connect, ...lengths.map((length) => packet(0x30, length))]);
          const sorted = cuts.filter((cut) => cut < bytes.length).sort((one, other) => one - other);
          expect(inPieces(bytes, sorted, bounds, (packets) => expect(packets).toBe(lengths.length + 1))).toBe(true);
        },
      ),
    );
  });
});

describe('the rate bound', () => {
  it('lets through a second’s worth at once, then holds for what is overdrawn', () => {
    let nowMs = 0;
    const bound = createRateBound(100, { monoMs: () => nowMs });
    expect(bound.take(100)).toBe(0);
    expect(bound.take(50)).toBe(500);
    nowMs = 500;
    expect(bound.take(0)).toBe(0);
    expect(bound.take(1)).toBe(10);
    nowMs = 1_000_000;
    expect(bound.take(100)).toBe(0);
    expect(bound.take(1)).toBe(10);
  });
});

describe('the settings of the embedded broker', () => {
  it('listen on loopback unless plaintext is allowed', () => {
    expect(embeddedBrokerSettingsSchema.parse({})).toMatchObject({ host: '127.0.0.1', port: 1883, tls: null });
    const issue = embeddedBrokerSettingsSchema.safeParse({ host: '0.0.0.0' }).error?.issues[0];
    expect(issue?.path).toEqual(['host']);
    expect(issue?.message).toContain('allowPlaintext');
    expect(embeddedBrokerSettingsSchema.safeParse({ host: '0.0.0.0', allowPlaintext: true }).success).toBe(true);
    const tls = { certFile: 'c', keyFile: 'k' };
    expect(embeddedBrokerSettingsSchema.safeParse({ host: '0.0.0.0', port: null, tls }).success).toBe(true);
    expect(embeddedBrokerSettingsSchema.safeParse({ port: null }).error?.issues[0]?.path).toEqual(['port']);
    expect(embeddedBrokerSettingsSchema.safeParse({ ports: 1 }).success).toBe(false);
  });
});

function packet(type: number, length: number): Uint8Array {
  const header = [type];
  let left = length;
  do {
    const digit = left % 128;
    left = Math.floor(left / 128);
    header.push(left > 0 ? digit | 0x80 : digit);
  } while (left > 0);
  const bytes = new Uint8Array(header.length + Math.min(length, 1000));
  bytes.set(header);
  return bytes;
}

function join(packets: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(packets.flatMap((bytes) => [...bytes]));
}

function inPieces(
  bytes: Uint8Array,
  cuts: readonly number[],
  bounds: Parameters<typeof createPacketMeter>[0],
  onPackets: (packets: number) => void = () => undefined,
): true | string {
  const meter = createPacketMeter(bounds);
  let packets = 0;
  for (const [index, from] of [0, ...cuts].entries()) {
    const verdict = meter.measure(bytes.subarray(from, cuts[index] ?? bytes.length));
    if (!verdict.ok) return verdict.reason;
    packets += verdict.packets;
  }
  onPackets(packets);
  return true;
}
