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
        ? { state: 'free' }
        : slot.state === 'held'
          ? { state: 'held', edge: numberOf(slot.heldBy), epoch: numberOf(slot.heldEpoch), frozen: slot.frozen }
          : { state: 'taken', ...placeOf(key) };
  }
  return {
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
      };
    }),
    claims: [],
    recovering: before.rows.map((_, edge) => books.ledger.recoveringEdges.includes(edgeIdOf(edge))),
  };
}

/** Everything in the rows that later turns can depend on. */
export function booksText({ ledger, slots, allowances, sessions, arrivals, reviews }: Books): string {
  const parts = [
    slots.map((slot) =>
      [slot.slotId, slot.state[0], slot.heldBy, slot.heldEpoch, slot.frozen ? 'f' : '', slot.arrivalKey, slot.sessionId]
        .concat(slot.recall === null ? [] : [slot.recall.kind, slot.recall.sessionId])
        .join('.'),
    ),
    allowances.map((row) =>
      [row.edgeId, row.epoch, row.version, row.asOf, row.slotIds.join(''), row.settled, row.mustReport].join('.'),
    ),
    sessions.map(({ sessionId, slotId, state }) => [sessionId, slotId, state].join('.')),
    arrivals.map(({ edgeId, epoch, seq, state, decision, localOutcome }) =>
      [edgeId, epoch, seq, state, decision?.outcome, decision?.slotId, localOutcome].join('.'),
    ),
    [ledger.count, ...ledger.recoveringEdges, '/', ...ledger.unmatchedExits.map(({ exitId }) => exitId)],
    reviews.filter(({ kind }) => kind === 'store-restored').map(({ reviewId }) => reviewId),
  ];
  return parts.map((part) => part.join(',')).join(';');
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
