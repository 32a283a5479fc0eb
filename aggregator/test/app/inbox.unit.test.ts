import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createInbox } from '../../src/app/ingest/inbox.js';
import type { Inbox } from '../../src/app/ingest/inbox.js';
import type { Received } from '../../src/app/ingest/context.js';
import type { Work } from '../../src/app/turn/work.js';

const bounds = { inboxBatchesPerEdge: 8, inboxBytesPerEdge: 1024 * 1024 };

interface NamedWork extends Work {
  readonly name: string;
}

function received(edgeId: string, name: string, bytes = 10): Received {
  const payload = new TextEncoder().encode(name.padEnd(bytes));
  return { edgeId, siteId: 'north', payload, payloadBytes: payload.byteLength, receivedAtMs: 0, receivedMonoMs: 0 };
}

/** An inbox, the names of the batches in the order in which they were read, and the edges of those that were not kept twice. */
function openInbox(nothingToDo: readonly string[] = []): { inbox: Inbox; read: string[]; repeated: string[] } {
  const read: string[] = [];
  const repeated: string[] = [];
  const inbox = createInbox(bounds, {
    batchWork({ payload }) {
      const name = new TextDecoder().decode(payload).trim();
      read.push(name);
      const work: NamedWork = {
        name,
        payloadBytes: payload.byteLength,
        needs: {},
        run: () => undefined,
        onCommitted: () => undefined,
        onFailed: () => undefined,
        whenStoreFails: 'keep',
        split: () => null,
      };
      return nothingToDo.includes(name) ? null : work;
    },
    stateWork: () => null,
    onDropped: () => undefined,
    onRepeated: (edgeId) => repeated.push(edgeId),
  });
  return { inbox, read, repeated };
}

function names(works: readonly Work[]): string[] {
  return works.map((work) => (work as NamedWork).name);
}

describe('a batch that comes again', () => {
  it('is not kept beside the one that waits, also when that is read already or the window is full', () => {
    const { inbox, read, repeated } = openInbox();
    const all = Array.from({ length: bounds.inboxBatchesPerEdge }, (_, index) => `a${String(index)}`);
    for (const name of all) expect(inbox.offerBatch(received('a', name))).toBe(true);
    inbox.readAhead(1, 1_000);
    for (const name of all) expect(inbox.offerBatch(received('a', name))).toBe(true);
    expect(inbox.offerBatch(received('a', 'another'))).toBe(false);
    expect(repeated).toEqual(all.map(() => 'a'));
    expect(names(inbox.take(100, 1_000_000))).toEqual(all);
    expect(read).toEqual(all);
  });

  it('is kept when it differs in its last byte', () => {
    const { inbox } = openInbox();
    const name = 'x'.repeat(2_000);
    inbox.offerBatch(received('a', `${name}1`));
    inbox.offerBatch(received('a', `${name}2`));
    expect(names(inbox.take(100, 10_000))).toHaveLength(2);
  });

  it('is kept when the first one has been taken, and when it is another edge’s', () => {
    const { inbox } = openInbox();
    inbox.offerBatch(received('a', 'x'));
    inbox.offerBatch(received('b', 'x'));
    expect(names(inbox.take(100, 1_000))).toEqual(['x', 'x']);
    inbox.offerBatch(received('a', 'x'));
    expect(names(inbox.take(100, 1_000))).toEqual(['x']);
  });
});

describe('reading ahead', () => {
  it('reads what the next take will take, and nothing beyond its bounds', () => {
    const { inbox, read } = openInbox();
    for (const name of ['a1', 'a2', 'a3']) inbox.offerBatch(received('a', name));
    inbox.offerBatch(received('b', 'b1'));
    expect(inbox.readAhead(3, 1_000)).toBe(true);
    expect(read).toEqual(['a1', 'b1', 'a2']);
    expect(inbox.readAhead(3, 1_000)).toBe(false);
    expect(names(inbox.take(3, 1_000))).toEqual(['a1', 'b1', 'a2']);
    expect(read).toEqual(['a1', 'b1', 'a2']);
  });

  it('stops after a piece, so that nothing else waits for long', () => {
    const { inbox, read } = openInbox();
    for (const name of ['1', '2', '3']) inbox.offerBatch(received('a', name, 20 * 1024));
    expect(inbox.readAhead(10, 1_000_000)).toBe(true);
    expect(read).toEqual(['1', '2']);
    expect(inbox.readAhead(10, 1_000_000)).toBe(true);
    expect(read).toEqual(['1', '2', '3']);
    expect(inbox.readAhead(10, 1_000_000)).toBe(false);
  });

  it('is told whether there is anything to take', () => {
    const { inbox } = openInbox();
    expect(inbox.hasWaiting()).toBe(false);
    inbox.offerBatch(received('a', 'a1'));
    inbox.offerBatch(received('a', 'a2'));
    expect(inbox.hasWaiting()).toBe(true);
    inbox.take(1, 1_000);
    expect(inbox.hasWaiting()).toBe(true);
    const [work] = inbox.take(1, 1_000);
    expect(inbox.hasWaiting()).toBe(false);
    inbox.giveBack(work === undefined ? [] : [work]);
    expect(inbox.hasWaiting()).toBe(true);
    inbox.forget('a');
    expect(inbox.hasWaiting()).toBe(false);
  });

  it('reads nothing of an edge that is forgotten', () => {
    const { inbox, read } = openInbox();
    inbox.offerBatch(received('a', 'a1'));
    inbox.forget('a');
    expect(inbox.readAhead(10, 1_000)).toBe(false);
    inbox.offerBatch(received('a', 'a2'));
    expect(names(inbox.take(10, 1_000))).toEqual(['a2']);
    expect(read).toEqual(['a2']);
  });

  it('changes nothing of what is taken, in which order, and reads each batch once', () => {
    const offer = fc.record({ edge: fc.constantFrom('a', 'b', 'c'), bytes: fc.integer({ min: 1, max: 40_000 }) });
    const take = fc.record({ batches: fc.integer({ min: 1, max: 6 }), bytes: fc.integer({ min: 1, max: 90_000 }) });
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.record({ offer }), fc.record({ take }), fc.record({ ahead: take })), { maxLength: 40 }),
        fc.boolean(),
        (steps, givesBack) => {
          const plain = openInbox(['n3']);
          const ahead = openInbox(['n3']);
          for (const [index, step] of steps.entries()) {
            if ('offer' in step) {
              const batch = received(step.offer.edge, `n${String(index)}`, step.offer.bytes);
              expect(ahead.inbox.offerBatch(batch)).toBe(plain.inbox.offerBatch(batch));
            } else if ('ahead' in step) {
              ahead.inbox.readAhead(step.ahead.batches, step.ahead.bytes);
            } else {
              const [wanted, got] = [plain, ahead].map(({ inbox }) => inbox.take(step.take.batches, step.take.bytes));
              expect(names(got ?? [])).toEqual(names(wanted ?? []));
              if (!givesBack) continue;
              plain.inbox.giveBack((wanted ?? []).slice(1));
              ahead.inbox.giveBack((got ?? []).slice(1));
            }
          }
          expect(ahead.inbox.pendingBatches).toBe(plain.inbox.pendingBatches);
          expect(new Set(ahead.read).size).toBe(ahead.read.length);
        },
      ),
    );
  });
});
