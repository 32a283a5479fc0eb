/** What is read of a batch is what its schemas make of it, whichever way it was checked. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { edgeEventKinds, edgeEventSchema, eventBatchSchema, futureEventSchema, nextHash } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { readBatch } from '../../src/app/ingest/read-batch.js';
import type { ReadEvent } from '../../src/app/ingest/read-batch.js';
import { hex128 } from './support.js';

const stamp = { atMs: 1_777_881_600_000, monoMs: 1_000, bootId: hex128('boot') };
const credential = { kind: 'plate', value: 'AB12CDE', source: 'camera', confidence: 0.9 };
const rightEvents: readonly Record<string, unknown>[] = [
  {
    kind: 'vehicle-arrived',
    ...stamp,
    gateId: 'in',
    direction: 'entry',
    credential,
    vehicleClass: null,
    supersedes: null,
  },
  { kind: 'vehicle-denied', ...stamp, gateId: 'in', arrival: 1, reason: 'full' },
  { kind: 'allowance-accepted', ...stamp, version: 2, returned: ['a-1', 'a-2'], remaining: 0 },
  {
    kind: 'barrier-forced',
    ...stamp,
    gateId: 'in',
    origin: { epoch: hex128('old'), seq: 3, hash: sha256('old') },
  },
  { kind: 'gate-painted', ...stamp, colour: 'red', seen: { by: credential } },
];
const rightBatch = {
  instance: hex128('instance'),
  epoch: hex128('epoch'),
  first: 7,
  prevHash: sha256('before'),
  waiting: [7],
};

const names = fc.constantFrom(
  'kind',
  'atMs',
  'gateId',
  'origin',
  'credential',
  'extra',
  'returned',
  'waiting',
  'first',
);
/** A payload with a member named __proto__ is refused before it comes to any schema. */
const anyJson = fc.jsonValue({ maxDepth: 2 }).filter((value) => !JSON.stringify(value).includes('__proto__'));
const values = fc.oneof(fc.constantFrom<unknown>(null, 'in', 1, 1.5, [], {}, credential), anyJson);
const change = fc.dictionary(names, values, { maxKeys: 2 });
const event = fc.tuple(fc.constantFrom(...rightEvents), fc.oneof(fc.constant({}), change)).map(([right, changed]) => ({
  ...right,
  ...changed,
}));
const batch = fc
  .tuple(fc.array(event, { maxLength: 4 }), fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, change))
  .map(([events, changed]) => ({ ...rightBatch, events, ...changed }));

/** What the schemas say, copied and all. */
function judged(raw: Record<string, unknown>): Pick<ReadEvent, 'type'> & { event?: unknown } {
  const isKnown = (edgeEventKinds as readonly unknown[]).includes(raw.kind);
  const parsed = (isKnown ? edgeEventSchema : futureEventSchema).safeParse(raw);
  return parsed.success ? { type: isKnown ? 'known' : 'future', event: parsed.data } : { type: 'bad' };
}

describe('a batch', () => {
  it('is taken when its schema takes it, with what its schema would have left of it', () => {
    fc.assert(
      fc.property(batch, (sent) => {
        const payload = new TextEncoder().encode(JSON.stringify(sent));
        const read = readBatch(payload, sha256);
        const parsed = eventBatchSchema.safeParse(JSON.parse(JSON.stringify(sent)));
        expect(read.ok).toBe(parsed.success);
        if (!read.ok || !parsed.success) return;
        const { instance, epoch, first, prevHash, waiting, events } = parsed.data;
        expect(read.value).toMatchObject({ instance, epoch, first, prevHash, last: first + events.length - 1 });
        expect(read.value.waiting).toEqual(waiting);
        const seen = read.value.events.map((one) =>
          one.type === 'bad' ? { type: 'bad' } : { type: one.type, event: one.event },
        );
        expect(seen).toEqual(events.map(judged));
        let hash = prevHash;
        for (const [index, raw] of events.entries()) {
          hash = nextHash(sha256, hash, raw);
          expect(read.value.hashes[index]).toBe(hash);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('with a member that nobody knows is refused, in its head and in an event', () => {
    const read = (sent: unknown): unknown => readBatch(new TextEncoder().encode(JSON.stringify(sent)), sha256);
    const events = [rightEvents[1]];
    expect(read({ ...rightBatch, events })).toMatchObject({ ok: true, value: { events: [{ type: 'known' }] } });
    expect(read({ ...rightBatch, events, extra: 1 })).toEqual({
      ok: false,
      error: 'value: Unrecognized key: "extra"',
    });
    expect(read({ ...rightBatch, events: [{ ...rightEvents[1], extra: 1 }] })).toMatchObject({
      ok: true,
      value: { events: [{ type: 'bad', reason: 'value: Unrecognized key: "extra"' }] },
    });
  });

  it('tells what has to be looked up: what it shows, and where its events stood before', () => {
    const payload = new TextEncoder().encode(JSON.stringify({ ...rightBatch, events: rightEvents }));
    const plate = { kind: 'plate', value: 'AB12CDE' };
    expect(readBatch(payload, sha256)).toMatchObject({
      ok: true,
      value: { credentials: [plate, plate], origins: [{ epoch: hex128('old'), seq: 3 }] },
    });
  });
});
