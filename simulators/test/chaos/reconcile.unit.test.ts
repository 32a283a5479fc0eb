/** The judge of the chaos suite finds each kind of disagreement between its three records. */
import { describe, expect, it } from '@jest/globals';
import type { Books, Outbox, StoredEvent } from '../../src/chaos/databases.js';
import { reconcile } from '../../src/chaos/reconcile.js';
import type { Evidence } from '../../src/chaos/reconcile.js';
import { mostInside, witnessed } from '../../src/chaos/witness.js';

const epoch = 'e'.repeat(32);

function event(seq: number, kind: string, body: object, more: Partial<StoredEvent> = {}): StoredEvent {
  const gateId = 'edge-in';
  return {
    edgeId: 'edge',
    epoch,
    seq,
    hash: `hash-${String(seq)}`,
    kind,
    gateId,
    body: JSON.stringify(body),
    origin: null,
    ...more,
  };
}

const arrived = event(1, 'vehicle-arrived', { direction: 'entry' });
const passed = event(2, 'vehicle-passed', { direction: 'entry', arrival: 1 });

function books(change: Partial<Books> = {}): Books {
  return {
    events: [arrived, passed],
    plateOfArrival: new Map([[`edge:${epoch}:1`, 'AA1']]),
    sessions: [{ sessionId: 'one', slotId: 's1', state: 'open', plate: 'AA1' }],
    slots: [{ slotId: 's1', state: 'occupied', sessionId: 'one', arrivalKey: null, heldBy: null }],
    ledger: { count: 1, entriesTotal: 1, exitsTotal: 0 },
    reviews: [],
    quarantined: 0,
    ...change,
  };
}

function outbox(change: Partial<Outbox> = {}): Outbox {
  const events = [arrived, passed].map(({ seq, hash, body }) => ({ seq, hash, json: body }));
  return { epoch, oldest: 1, next: 3, acked: 2, events, ...change };
}

const lane = [
  { gateId: 'edge-in', type: 'ended', atMs: 5, report: { vehicleId: 'v', plate: 'AA1', outcome: 'passed' } },
];

function judged(change: Partial<Evidence> = {}): readonly string[] {
  return reconcile({
    witnessed: witnessed(lane, () => 'entry'),
    books: books(),
    outboxes: [{ edgeId: 'edge', outbox: outbox() }],
    slots: 10,
    ...change,
  }).differences;
}

describe('the reconciliation of a chaos run', () => {
  it('finds nothing where all records agree', () => {
    expect(judged()).toEqual([]);
  });

  it.each<[string, Partial<Evidence>, RegExp]>([
    [
      'a passage that was not counted',
      { books: books({ events: [arrived], ledger: { count: 0, entriesTotal: 0, exitsTotal: 0 } }), outboxes: [] },
      /AA1 at edge-in/,
    ],
    ['a passage that never happened', { witnessed: witnessed([], () => 'entry') }, /never happened/],
    [
      'a passage that was counted twice',
      {
        books: books({
          events: [arrived, passed, event(3, 'vehicle-passed', { direction: 'entry', arrival: 1 })],
          ledger: { count: 2, entriesTotal: 2, exitsTotal: 0 },
        }),
        outboxes: [],
      },
      /counted 2 times/,
    ],
    [
      'an event that was committed and is not stored',
      {
        outboxes: [
          {
            edgeId: 'edge',
            outbox: outbox({ next: 4, events: [...outbox().events, { seq: 3, hash: 'x', json: '{}' }] }),
          },
        ],
      },
      /is not stored/,
    ],
    [
      'an event that is stored with another hash',
      { outboxes: [{ edgeId: 'edge', outbox: outbox({ events: [{ seq: 1, hash: 'other', json: '{}' }] }) }] },
      /another hash/,
    ],
    [
      'an event that its edge never committed',
      { outboxes: [{ edgeId: 'edge', outbox: outbox({ next: 2 }) }] },
      /never committed/,
    ],
    [
      'an event that is stored again under a new epoch',
      {
        books: books({
          events: [
            arrived,
            passed,
            event(1, 'fault-raised', {}, { epoch: 'f'.repeat(32), origin: `${epoch}:2:hash-2` }),
          ],
        }),
      },
      /stored twice/,
    ],
    [
      'a hole without a recorded gap',
      { books: books({ events: [arrived, passed, event(9, 'fault-raised', {})] }), outboxes: [] },
      /no gap is recorded/,
    ],
    [
      'a ledger that has something else',
      { books: books({ ledger: { count: 1, entriesTotal: 2, exitsTotal: 0 } }) },
      /the ledger has 2/,
    ],
    [
      'a slot with two sessions',
      {
        books: books({
          sessions: [...books().sessions, { sessionId: 'two', slotId: 's1', state: 'open', plate: 'BB2' }],
        }),
      },
      /used by sessions one and two/,
    ],
    [
      'a free slot with a session',
      { books: books({ slots: [{ slotId: 's1', state: 'free', sessionId: null, arrivalKey: null, heldBy: null }] }) },
      /while session one is open/,
    ],
    ['more vehicles than slots', { slots: 0 }, /inside at once/],
    ['events in quarantine', { books: books({ quarantined: 1 }) }, /quarantine/],
  ])('finds %s', (_what, change, sentence) => {
    expect(judged(change).join('\n')).toMatch(sentence);
  });

  it('lets a passage be under review, reported lost, or destroyed with an alarm, and says how many', () => {
    const unresolved = event(2, 'arrival-unresolved', { arrival: 1 });
    const ledger = { count: 0, entriesTotal: 0, exitsTotal: 0 };
    const evidence: Evidence = {
      witnessed: witnessed(lane, () => 'entry'),
      books: books({ events: [arrived, unresolved], ledger }),
      outboxes: [],
      slots: 10,
    };
    expect(reconcile(evidence)).toMatchObject({
      differences: [],
      entries: { physical: 1, counted: 0, underReview: 1 },
    });
    const review = { kind: 'arrival-unresolved', edgeId: 'edge', gateId: 'edge-in', detail: '' };
    const seen = [{ ...review, resolution: 'it was seen to leave' }];
    const left = books({ events: [arrived, unresolved], ledger: { ...ledger, entriesTotal: 1 }, reviews: seen });
    expect(reconcile({ ...evidence, books: left }).differences).toEqual([]);
    const replaced = books({
      events: [arrived],
      ledger: { ...ledger, entriesTotal: 0 },
      unknownArrivals: [`edge:${epoch}:1`],
    });
    expect(reconcile({ ...evidence, books: replaced })).toMatchObject({ differences: [], entries: { underReview: 1 } });
    const lost = event(1, 'events-lost', { entries: 1, exits: 0 });
    const reported = books({ events: [lost], ledger: { count: 1, entriesTotal: 1, exitsTotal: 0 } });
    expect(reconcile({ ...evidence, books: reported })).toMatchObject({
      differences: [],
      entries: { reportedLost: 1 },
    });
  });
});

describe('the witness', () => {
  it('tells vehicles that vanished with their lane from those that passed or turned away', () => {
    const lines = [
      { gateId: 'out', type: 'read', atMs: 1, vehicleId: 'a', value: 'AA1' },
      { gateId: 'out', type: 'vehicle', atMs: 2, vehicleId: 'a', step: 'started' },
      { gateId: 'out', type: 'ended', atMs: 3, report: { vehicleId: 'b', plate: 'BB2', outcome: 'denied-left' } },
    ];
    expect(witnessed(lines, () => 'exit')).toEqual({
      passages: [],
      turnedAway: [{ plate: 'BB2', gateId: 'out', direction: 'exit', atMs: 3 }],
      vanished: [{ plate: 'AA1', gateId: 'out', direction: 'exit', wasPassing: true, atMs: 2 }],
    });
  });

  it('knows how many were inside at once', () => {
    const passage = (plate: string, direction: 'entry' | 'exit', atMs: number) => ({
      plate,
      gateId: 'g',
      direction,
      atMs,
    });
    const passages = [
      passage('A', 'entry', 1),
      passage('B', 'entry', 2),
      passage('A', 'exit', 3),
      passage('C', 'entry', 3),
    ];
    expect(mostInside({ passages, turnedAway: [], vanished: [] })).toBe(2);
  });
});
