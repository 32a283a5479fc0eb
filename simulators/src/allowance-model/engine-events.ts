/** The model's events as the production engine is told of them. */
import type { EdgeEventInput } from '@gatehouse/aggregator';
import type { EdgeEvent } from '@gatehouse/shared';
import type { LoggedEvent } from './state.js';
import { slotName } from './state.js';

export const siteId = 'site';
const startMs = 1_700_000_000_000;
/** So that nobody stays too short to have been inside. */
const stepMs = 60_000;
export const nowMs = startMs + 1_000 * stepMs;

export function edgeIdOf(edge: number): string {
  return `edge-${String(edge + 1)}`;
}

export function epochIdOf(epoch: number): string {
  return `epoch-${String(epoch)}`;
}

interface Place {
  readonly edge: number;
  readonly epoch: number;
  readonly seq: number;
}

/** The event, as the engine names arrivals. */
export function eventKey({ edge, epoch, seq }: Place): string {
  return `${edgeIdOf(edge)}:${epochIdOf(epoch)}:${String(seq)}`;
}

export function inputsFor(place: Place, event: LoggedEvent): EdgeEventInput[] {
  const { seq } = place;
  switch (event.kind) {
    case 'arrived':
      return [arrived(place, seq, 'entry')];
    case 'admitted': {
      const { arrival } = event;
      const own = arrival === 0 ? [arrived(place, seq, 'entry')] : [];
      const slotId = slotName(event.slot);
      const admitted = { kind: 'vehicle-admitted', arrival: arrival === 0 ? seq : arrival, slotId } as const;
      return [...own, input(place, { ...admitted, ...at(place, 'in'), basis: 'allowance' })];
    }
    case 'passed': {
      const passed = { kind: 'vehicle-passed', arrival: event.arrival, slotId: slotName(event.slot) } as const;
      return [input(place, { ...passed, ...at(place, 'in'), direction: 'entry', basis: 'decision', flags: [] })];
    }
    case 'backed-out': {
      const backedOut = { kind: 'vehicle-backed-out', arrival: event.arrival, slotId: null } as const;
      return [input(place, { ...backedOut, ...at(place, 'in'), basis: 'none' })];
    }
    case 'left': {
      const passed = { kind: 'vehicle-passed', arrival: seq, slotId: null, direction: 'exit' } as const;
      return [
        arrived(place, event.arrival, 'exit'),
        input(place, { ...passed, ...at(place, 'out'), basis: 'exit-alone', flags: [] }),
      ];
    }
    case 'accepted': {
      const { kind: _, ...rest } = event;
      const returned = event.returned.map(slotName);
      const { gateId: __, ...common } = at(place, 'in');
      return [input(place, { kind: 'allowance-accepted', ...common, ...rest, returned })];
    }
  }
}

/** The vehicle of `arrival` comes, to go in or out. */
function arrived(place: Place, arrival: number, direction: 'entry' | 'exit'): EdgeEventInput {
  const plate = plateOf({ ...place, seq: arrival });
  const credential = { kind: 'plate', value: plate, source: 'camera', confidence: 1 } as const;
  const event: EdgeEvent = {
    kind: 'vehicle-arrived',
    ...at(place, direction === 'entry' ? 'in' : 'out'),
    direction,
    credential,
    vehicleClass: null,
    supersedes: null,
  };
  return {
    ...input(place, event),
    credential: { credentialId: eventKey({ ...place, seq: arrival }), kind: 'plate', value: plate },
  };
}

function input(place: Place, event: EdgeEvent): EdgeEventInput {
  const { edge, epoch, seq } = place;
  return {
    type: 'edge-event',
    edgeId: edgeIdOf(edge),
    epoch: epochIdOf(epoch),
    seq,
    event,
    atMs: event.atMs,
    waiting: false,
    credential: null,
    vehicle: null,
  };
}

function at({ edge, seq }: Place, way: 'in' | 'out') {
  const atMs = startMs + seq * stepMs;
  return { atMs, monoMs: seq * stepMs, bootId: 'boot', gateId: `${edgeIdOf(edge)}-${way}` };
}

/** Letters that are not taken for one another. */
const letters = 'ACEHKMPRTXY';

/** No two alike enough to be confused. */
function plateOf({ edge, epoch, seq }: Place): string {
  return [edge, 4 + epoch, seq].map((number) => (letters[number] ?? 'W').repeat(3)).join('');
}
