/** The rows of the production engine: taken from it, shown as the model sees them, and as one text. */
import type { SiteState } from '@gatehouse/aggregator';
import { edgeIdOf, epochIdOf } from './engine-events.js';
import type { Aggregator, Books, SlotRecord } from './state.js';
import { slotNumber } from './state.js';

export function booksOf(state: SiteState): Books {
  if (state.site === null) throw new Error('the site has no layout');
  return {
    site: state.site,
    ledger: state.ledger,
    slots: [...state.slots.values()],
    allowances: [...state.allowances.values()],
    sessions: [...state.sessions.values()],
    arrivals: [...state.arrivals.values()],
    reviews: [...state.reviews.values()],
    credentials: new Map(state.credentials),
  };
}

/** `before` knows where the cursors stand. */
export function viewOf(books: Books, before: Aggregator): Aggregator {
  const entries = new Map(books.sessions.map(({ sessionId, entryEventKey }) => [sessionId, entryEventKey]));
  const slots: SlotRecord[] = [];
  for (const slot of books.slots) {
    const key = slot.arrivalKey ?? entries.get(slot.sessionId ?? '') ?? '';
    slots[slotNumber(slot.slotId)] =
      slot.state === 'free'
        ? slot.outOfService === null
          ? { state: 'free' }
          : { state: 'taken', ...placeOf(slot.outOfService) }
        : slot.state === 'held'
          ? { state: 'held', edge: numberOf(slot.heldBy), epoch: numberOf(slot.heldEpoch), frozen: slot.frozen }
          : { state: 'taken', ...placeOf(key) };
  }
  return {
    books,
    slots,
    rows: before.rows.map((row, edge) => {
      const allowance = books.allowances.find(({ edgeId }) => edgeId === edgeIdOf(edge));
      const isOurs = allowance?.epoch === epochIdOf(row.epoch);
      return {
        ...row,
        version: isOurs ? allowance.version : 0,
        asOf: isOurs ? allowance.asOf : 0,
        slots: isOurs ? allowance.slotIds.map(slotNumber) : [],
        settled: isOurs ? allowance.settled : true,
        mustReport: allowance?.mustReport ?? false,
        isUnknown: reviewsOf(books, edge).length > 0,
      };
    }),
    claims: [],
    recovering: before.rows.map((_, edge) => books.ledger.recoveringEdges.includes(edgeIdOf(edge))),
  };
}

/** What is to be looked at because the outbox of the edge was replaced. */
export function reviewsOf(books: Books, edge: number): Books['reviews'] {
  return books.reviews.filter(({ kind, edgeId }) => kind === 'epoch-replaced' && edgeId === edgeIdOf(edge));
}

/** Everything in the rows that later turns can depend on. `rename` gives edges other names. */
export function booksText(books: Books, rename: (text: string) => string): string {
  const { ledger, slots, allowances, sessions, arrivals, reviews } = books;
  const parts = [
    slots.map(({ recall, ...slot }) =>
      [slot.slotId, slot.state[0], slot.heldBy, slot.heldEpoch, slot.frozen ? 'f' : '', slot.arrivalKey, slot.sessionId]
        .concat(slot.outOfService ?? [])
        .concat(recall === null ? [] : [recall.kind, recall.sessionId, ...(recall.next ?? [])])
        .join(' '),
    ),
    allowances.map((row) =>
      [row.edgeId, row.epoch, row.version, row.asOf, row.slotIds.join(''), row.settled, row.mustReport].join(' '),
    ),
    sessions.map(({ sessionId, slotId, state, credentialId, entryEventKey }) =>
      [sessionId, slotId, state, credentialId, entryEventKey].join(' '),
    ),
    arrivals.map(({ edgeId, epoch, seq, state, decision, localOutcome }) =>
      [edgeId, epoch, seq, state, decision?.outcome, decision?.slotId, localOutcome].join(' '),
    ),
    ledger.recoveringEdges,
    [
      String(ledger.count),
      ...ledger.unmatchedExits.map(({ exitId, credentialId }) => `${exitId} ${credentialId ?? ''}`),
    ],
    reviews.flatMap(({ kind, edgeId }) =>
      kind === 'store-restored' ? [kind] : kind === 'epoch-replaced' ? [`${kind} ${edgeId ?? ''}`] : [],
    ),
  ];
  return parts.map((part) => part.map(rename).sort().join()).join(';');
}

/** The number in `edge-1`, from 0, or in `epoch-0`. */
function numberOf(id: string | null): number {
  const [word, number = '0'] = (id ?? '').split('-');
  return Number(number) - (word === 'edge' ? 1 : 0);
}

function placeOf(key: string): { edge: number; epoch: number; arrival: number } {
  const [edgeId = '', epochId = '', seq = '0'] = key.split(':');
  return { edge: numberOf(edgeId), epoch: numberOf(epochId), arrival: Number(seq) };
}
