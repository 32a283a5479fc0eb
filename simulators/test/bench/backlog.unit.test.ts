import { describe, expect, it } from '@jest/globals';
import {
  canonicalJson,
  edgeEventSchema,
  eventBatchSchema,
  genesisHash,
  nextHash,
  parsePayload,
  wireLimits,
} from '@gatehouse/shared';
import type { EventBatch } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { historyOf } from '../../src/bench/backlog/history.js';
import { packOutbox } from '../../src/bench/backlog/packed-outbox.js';

const edge = {
  siteId: 'north',
  edgeId: 'edge-1',
  entryGateId: 'in',
  exitGateId: 'out',
  slotIds: Array.from({ length: 20 }, (_, index) => `s${String(index)}`),
};
const untilMs = Date.UTC(2026, 4, 4);
const instance = 'ab'.repeat(16);
const epoch = 'cd'.repeat(16);

describe('the history of an edge that was alone', () => {
  it('is as edges report it, the same each time, and ends at its time', () => {
    const events = [...historyOf(edge, 3_000, untilMs)];
    expect(events).toHaveLength(3_000);
    for (const event of events) expect(() => edgeEventSchema.parse(event)).not.toThrow();
    expect([...historyOf(edge, 3_000, untilMs)]).toEqual(events);
    expect(new Set(events.map(({ kind }) => kind)).size).toBe(5);
    expect(Math.max(...events.map(({ atMs }) => atMs))).toBeLessThanOrEqual(untilMs);
  });

  it('gives no slot to two vehicles, and lets nobody out who is not inside', () => {
    const plateOf = new Map<number, string>();
    const inside = new Map<string, string>();
    for (const [index, event] of [...historyOf(edge, 3_000, untilMs)].entries()) {
      if (event.kind === 'vehicle-arrived') plateOf.set(index + 1, event.credential?.value ?? '');
      if (event.kind !== 'vehicle-passed') continue;
      const plate = plateOf.get(event.arrival ?? 0) ?? '';
      expect(plate).not.toBe('');
      if (event.direction === 'exit') expect(inside.delete(plate)).toBe(true);
      else {
        expect([...inside.values()]).not.toContain(event.slotId);
        inside.set(plate, event.slotId ?? '');
      }
    }
  });
});

describe('a packed outbox', () => {
  const events = [...historyOf(edge, 1_000, untilMs)];
  const outbox = packOutbox(epoch, events);

  it('tells each event and the running hash after it', () => {
    let hash = genesisHash(sha256, epoch);
    expect(outbox.hashAt(0)).toBe(hash);
    for (const [index, event] of events.entries()) {
      hash = nextHash(sha256, hash, event);
      expect(outbox.text(index + 1)).toBe(canonicalJson(event));
      expect(outbox.hashAt(index + 1)).toBe(hash);
    }
  });

  it('cuts batches of all events, each as large as it may be', () => {
    let first = 1;
    while (first <= outbox.count) {
      const { payload, last } = outbox.batch(instance, first);
      const parsed = parsePayload(eventBatchSchema, payload);
      const batch = parsed.ok ? parsed.value : ({} as EventBatch);
      expect(batch).toMatchObject({ instance, epoch, first, prevHash: outbox.hashAt(first - 1) });
      expect(batch.events).toEqual(events.slice(first - 1, last));
      const bytesUpTo = (end: number): number =>
        events.slice(first - 1, end).reduce((sum, event) => sum + Buffer.byteLength(canonicalJson(event)), 0);
      expect(bytesUpTo(last)).toBeLessThanOrEqual(wireLimits.maxBatchBytes);
      const isFull =
        batch.events.length === wireLimits.maxBatchEvents || bytesUpTo(last + 1) > wireLimits.maxBatchBytes;
      expect(isFull || last === outbox.count).toBe(true);
      first = last + 1;
    }
  });
});
