/** What an event says, as far as the books care. */
import type { Direction, EdgeEvent } from '@gatehouse/shared';

/** Which way a vehicle went, if the event counts one. */
export function passageOf(event: EdgeEvent): Direction | null {
  switch (event.kind) {
    case 'vehicle-passed':
    case 'vehicle-tailgated':
    case 'free-flow-passed':
      return event.direction;
    case 'wrong-way':
      return event.passed ? event.direction : null;
    default:
      return null;
  }
}

export interface Ending {
  readonly arrival: number;
  readonly slotId: string | null;
  readonly basis: string;
}

/** The arrival that a terminal event ends. */
export function endingOf(event: EdgeEvent): Ending | null {
  switch (event.kind) {
    case 'vehicle-passed':
      return event.arrival === null ? null : { arrival: event.arrival, slotId: event.slotId, basis: event.basis };
    case 'vehicle-backed-out':
    case 'arrival-void':
    case 'arrival-unresolved':
      return { arrival: event.arrival, slotId: event.slotId, basis: event.basis };
    default:
      return null;
  }
}

/** The arrival an event decides or ends: what may end a reservation of the aggregator's. */
export function settledArrivalOf(event: EdgeEvent): number | null {
  if (event.kind === 'vehicle-admitted' || event.kind === 'vehicle-denied') return event.arrival;
  return endingOf(event)?.arrival ?? null;
}

export interface PassageCount {
  entry: number;
  exit: number;
}

export function net(count: PassageCount): number {
  return count.entry - count.exit;
}
