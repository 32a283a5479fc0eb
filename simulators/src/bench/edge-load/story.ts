/**
 * What the lanes of an edge report while vehicles come and go: two entries and two exits, a vehicle at each, and each goes on when it
 * has been answered. Nobody is turned away, and every plate that leaves had come in.
 */
import type { EdgeEvent } from '@gatehouse/shared';

export interface StoryEdge {
  readonly siteId: string;
  readonly edgeId: string;
  /** Two of each. */
  readonly entryGateIds: readonly string[];
  readonly exitGateIds: readonly string[];
  /** Slots that nobody but its vehicles is given, in the order in which they are given. */
  readonly slotIds: readonly string[];
}

export interface Story {
  /** The next event; `seq` is the one it will have. */
  next(seq: number): EdgeEvent;
}

export interface StoryTime {
  /** Of the first event; each further one is a millisecond later. */
  readonly atMs: number;
  readonly monoMs: number;
  readonly bootId: string;
}

interface Vehicle {
  readonly plate: string;
  readonly slotId: string;
}

type Step = (seq: number, time: Pick<EdgeEvent, 'atMs' | 'monoMs' | 'bootId'>) => EdgeEvent;

/** Vehicles of one edge in the car park, between two rounds. */
const vehiclesInside = 8;
/** Vehicles of one edge, of which the one that has been away the longest comes next. */
const vehiclesPerEdge = 400;

/** Free slots of an edge that its story needs at most. */
export const storySlots = vehiclesInside + 4;

export function createStory(edge: StoryEdge, time: StoryTime): Story {
  const inside: Vehicle[] = [];
  const free = [...edge.slotIds];
  let steps: Step[] = [];
  let vehicles = 0;
  let events = 0;

  const arrived = (gateId: string, direction: 'entry' | 'exit', plate: string, at: number[]): Step => {
    return (seq, stamp) => {
      at.push(seq);
      const credential = { kind: 'plate', value: plate, source: 'camera', confidence: 0.97 } as const;
      return { kind: 'vehicle-arrived', ...stamp, gateId, direction, credential, vehicleClass: null, supersedes: null };
    };
  };
  const passed = (gateId: string, direction: 'entry' | 'exit', slotId: string | null, at: number[]): Step => {
    return (_seq, stamp) => {
      const [arrival = 0] = at;
      return { kind: 'vehicle-passed', ...stamp, gateId, direction, arrival, slotId, basis: 'decision', flags: [] };
    };
  };

  /** A vehicle at every gate; then each of them passes. An exit has nobody before there are enough inside. */
  const nextRound = (): Step[] => {
    const leaving = inside.length < vehiclesInside ? [] : inside.splice(0, edge.exitGateIds.length);
    const coming = edge.entryGateIds.map((_, index): Vehicle => {
      const number = (vehicles + index) % vehiclesPerEdge;
      return {
        plate: `${edge.edgeId}N${String(number)}`.toUpperCase().replaceAll('-', ''),
        slotId: free.shift() ?? '',
      };
    });
    vehicles += coming.length;
    inside.push(...coming);
    free.push(...leaving.map(({ slotId }) => slotId));
    free.sort((one, other) => edge.slotIds.indexOf(one) - edge.slotIds.indexOf(other));
    const atEntry = coming.map((vehicle, index) => ({ ...vehicle, gateId: edge.entryGateIds[index] ?? '', at: [] }));
    const atExit = leaving.map((vehicle, index) => ({ ...vehicle, gateId: edge.exitGateIds[index] ?? '', at: [] }));
    return [
      ...atEntry.map(({ gateId, plate, at }) => arrived(gateId, 'entry', plate, at)),
      ...atExit.map(({ gateId, plate, at }) => arrived(gateId, 'exit', plate, at)),
      ...atEntry.map(({ gateId, slotId, at }) => passed(gateId, 'entry', slotId, at)),
      ...atExit.map(({ gateId, at }) => passed(gateId, 'exit', null, at)),
    ];
  };

  return {
    next(seq) {
      if (steps.length === 0) steps = nextRound();
      const step = steps.shift();
      if (step === undefined) throw new RangeError('an edge of the load has no gates');
      const stamp = { atMs: time.atMs + events, monoMs: time.monoMs + events, bootId: time.bootId };
      events += 1;
      return step(seq, stamp);
    },
  };
}
