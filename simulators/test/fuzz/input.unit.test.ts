import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import {
  eventBatchSchema,
  logReportSchema,
  logRequestSchema,
  edgeEventSchema,
  parsePayload,
  parseValue,
  stateSchema,
  decisionSchema,
} from '@gatehouse/shared';
import { bookBatch, createTally, newHistory } from '../../src/fuzz/account.js';
import { createDice } from '../../src/fuzz/dice.js';
import { changesBy, parseExposition } from '../../src/fuzz/exposition.js';
import { hostileDocument } from '../../src/fuzz/hostile.js';
import { createPool } from '../../src/fuzz/http-pool.js';
import { buildRequest } from '../../src/fuzz/http-requests.js';
import type { Caller } from '../../src/fuzz/http-requests.js';
import { connectPacket, createPacketReader, publishPacket, readPublish } from '../../src/bare-mqtt/packets.js';
import { mutated } from '../../src/fuzz/mutate.js';
import { readDocument } from '../../src/fuzz/openapi.js';
import { textOf } from '../../src/fuzz/pattern-text.js';
import { payloadOf, wireValue } from '../../src/fuzz/wire-values.js';

const draws = 300;
const dice = () => createDice('input');

describe('the input of the fuzzer', () => {
  it('is the same for the same seed, and another for another', () => {
    const some = (seed: string) => JSON.stringify(wireValue('state', createDice(seed)));
    expect(some('a')).toBe(some('a'));
    expect(some('a')).not.toBe(some('b'));
  });

  it.each([
    ['event', edgeEventSchema],
    ['state', stateSchema],
    ['decisions', decisionSchema],
    ['log', logReportSchema],
    ['log-requests', logRequestSchema],
  ] as const)('is valid where it is meant to be: %s', (shape, schema) => {
    const random = dice();
    for (let draw = 0; draw < draws; draw += 1) {
      const parsed = parseValue<unknown>(schema, wireValue(shape, random));
      expect(parsed).toMatchObject({ ok: true });
    }
  });

  it.each(['^[a-z0-9][a-z0-9-]{0,62}$', '^(?:\\d\\d[24]|x+)-0?$', '^[^\\p{Cc}\\p{Cs}]+$', '^[\\p{L}\\p{N}?_.:-]+$'])(
    'has texts for %s',
    (pattern) => {
      const random = dice();
      for (let draw = 0; draw < draws; draw += 1) expect(textOf(pattern, random)).toMatch(new RegExp(pattern, 'u'));
    },
  );

  it('is wrong in most cases where it nearly fits, and leaves what it was made from alone', () => {
    const random = dice();
    const event = wireValue('event', random);
    const text = JSON.stringify(event);
    let refused = 0;
    for (let draw = 0; draw < draws; draw += 1) {
      if (!parseValue(edgeEventSchema, mutated(event, random)).ok) refused += 1;
    }
    expect(refused).toBeGreaterThan(draws / 2);
    expect(JSON.stringify(event)).toBe(text);
  });

  it('stays within what the broker takes', () => {
    const random = dice();
    const json = JSON.stringify(wireValue('state', random));
    for (let draw = 0; draw < draws; draw += 1) {
      expect(hostileDocument(json, random, 133_000).length).toBeLessThan(140_000);
      expect(payloadOf({ a: json }, 'hostile', random).length).toBeLessThanOrEqual(133_000);
    }
  });
});

describe('the requests of the fuzzer', () => {
  const document = readDocument(readFileSync(new URL('../../../docs/reference/openapi.json', import.meta.url), 'utf8'));
  const callers: Caller[] = [
    { name: 'admin', authorization: 'Bearer a', role: 'admin', siteId: null },
    { name: 'viewer of lot-1', authorization: 'Bearer b', role: 'viewer', siteId: 'lot-1' },
    { name: 'nobody', authorization: undefined, role: null, siteId: null },
  ];
  const ids = (letter: string) => (number: number) => `id-${letter}-${String(number)}`;
  const names = ['sessionId', 'vehicleId', 'reviewId', 'keyId', 'gateId', 'slotId', 'zoneId', 'enrolmentCode'];
  const poolWith = (known: readonly string[]) => {
    const pool = createPool(new Set());
    for (const id of known) pool.learn('anything', Object.fromEntries(names.map((name) => [name, id])));
    return pool;
  };
  const drawWith = (known: readonly string[], seed = 'requests') => {
    const pool = poolWith(known);
    return Array.from({ length: draws }, (_, number) =>
      buildRequest(document, pool, callers, createDice(seed, number)),
    );
  };

  it('are the same for the same seed, save for the ids that the aggregator has given', () => {
    const shapes = (letter: string) =>
      drawWith([1, 2, 3].map(ids(letter))).map(({ intended, bytes }) => ({ intended, bytes: bytes.length }));
    expect(shapes('a')).toEqual(shapes('b'));
    const asked = (known: readonly string[]) => drawWith(known).map(({ bytes }) => bytes.toString('latin1'));
    expect(asked(['id-a-1']).filter((text) => text.includes('id-a-1')).length).toBeGreaterThan(10);
    expect(asked(['id-a-1'])).toEqual(asked(['id-a-1']));
  });

  it('ask for the same, by the same, when it has given none, or more', () => {
    const intended = (known: readonly string[], seed?: string) => drawWith(known, seed).map((one) => one.intended);
    const few = intended(['id-1']);
    expect(intended([])).toEqual(few);
    expect(intended(Array.from({ length: 50 }, (_, number) => ids('a')(number)))).toEqual(few);
    expect(intended([], 'another')).not.toEqual(few);
  });
});

describe('the books of the fuzzer', () => {
  const event = { kind: 'fault-cleared', atMs: 1, monoMs: 1, bootId: '0'.repeat(32), gateId: null, fault: 'tamper' };
  const epoch = 'a'.repeat(32);
  const batch = (first: number, prevHash: string, events: object[]) =>
    Buffer.from(JSON.stringify({ instance: '0'.repeat(32), epoch, first, prevHash, waiting: [], events }));

  it('follow the rules of the wire', () => {
    const tally = createTally();
    const start = newHistory(epoch);
    const gates = new Set(['gate']);
    const payload = batch(1, start.hash, [event, { ...event, gateId: 'elsewhere' }, { ...event, fault: 'no such' }]);
    expect(parsePayload(eventBatchSchema, payload)).toMatchObject({ ok: true });
    const after = bookBatch(payload, start, gates, tally);
    expect(after.upTo).toBe(3);
    bookBatch(payload, after, gates, tally);
    bookBatch(batch(5, after.hash, [event]), after, gates, tally);
    bookBatch(batch(4, 'f'.repeat(64), [event]), after, gates, tally);
    bookBatch(Buffer.from('{'), after, gates, tally);
    expect(Object.fromEntries(tally.messages)).toEqual({ taken: 2, 'beyond-cursor': 1, conflict: 1, unreadable: 1 });
    expect(Object.fromEntries(tally.events)).toEqual({ applied: 1, quarantined: 2, duplicate: 3 });
  });

  it('read metrics', () => {
    const before = parseExposition('# HELP a b\na_total{site="x",reason="one"} 1\na_total{site="y",reason="one"} 5\n');
    const after = parseExposition('a_total{site="x",reason="one"} 4\na_total{site="x",reason="two"} 2\n');
    expect(changesBy(before, after, 'a_total', 'reason', { site: 'x' })).toEqual({ one: 3, two: 2 });
  });
});

describe('packets made by hand', () => {
  it('are read as they were written, however they are cut', () => {
    const stream = Buffer.concat([
      connectPacket({ clientId: 'c', username: 'u', password: 'p' }),
      publishPacket('a/b', Buffer.alloc(300, 0x41), 7),
    ]);
    for (const size of [1, 3, 200, stream.length]) {
      const types: number[] = [];
      const topics: string[] = [];
      const read = createPacketReader((packet) => {
        types.push(packet.type);
        if (packet.type === 3)
          topics.push(`${readPublish(packet).topic} ${String(readPublish(packet).payload.length)}`);
      });
      for (let at = 0; at < stream.length; at += size) read(stream.subarray(at, at + size));
      expect({ types, topics }).toEqual({ types: [1, 3], topics: ['a/b 300'] });
    }
  });
});
