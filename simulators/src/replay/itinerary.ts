/**
 * Turns a recording into what vehicles do: who goes in when, who comes out when, and who has to be out before who may go in.
 *
 * A passages recording names no vehicles. Its exits are given to the vehicles that have been inside longest, so that a vehicle
 * which the replayed site refuses takes its later exit with it: nobody can leave who never came in.
 */
import type { SlotClass } from '@gatehouse/shared';
import type { RecordedPassage, RecordedVisit, Recording } from './recording.js';

export interface ReplayVehicle {
  /** Position in `Itinerary.vehicles`. */
  readonly index: number;
  /** Line of the file it first appears in. */
  readonly line: number;
  readonly plate: string | null;
  readonly slotClass: SlotClass | null;
  /** null: the recording never saw it come in. */
  readonly entryAtMs: number | null;
  /** null: it stays. */
  readonly exitAtMs: number | null;
  /** The vehicle of the same identity that has to be out before this one goes in: it is the same vehicle. */
  readonly afterVehicle: number | null;
  /** Its stay overlaps another of the same identity. */
  readonly overlaps: boolean;
}

export type ReplayStep =
  | { readonly atMs: number; readonly line: number; readonly act: 'entry' | 'exit'; readonly vehicle: number }
  | { readonly atMs: number; readonly line: number; readonly act: 'set-count'; readonly count: number };

export interface Itinerary {
  readonly vehicles: readonly ReplayVehicle[];
  /** In order of time. */
  readonly steps: readonly ReplayStep[];
  readonly withPlates: boolean;
  /** The most vehicles inside at once, by the recording alone. */
  readonly mostInside: number;
  /** The same for each class that vehicles of the recording need; `standard` for those that do not say. */
  readonly mostInsideByClass: ReadonlyMap<SlotClass, number>;
}

export function planReplay(recording: Recording): Itinerary {
  const planned = recording.form === 'visits' ? planVisits(recording.visits) : planPassages(recording.passages);
  const withPlates = recording.form === 'visits' && recording.visits.some(({ plate }) => plate !== null);
  return {
    ...planned,
    withPlates,
    mostInside: mostInside(planned.steps),
    mostInsideByClass: mostInsideByClass(planned),
  };
}

interface Planned {
  readonly vehicles: ReplayVehicle[];
  readonly steps: ReplayStep[];
}

// ---------------------------------------------------------------- visits

interface LastStay {
  readonly vehicle: number;
  readonly exitAtMs: number;
}

function planVisits(visits: readonly RecordedVisit[]): Planned {
  const vehicles: ReplayVehicle[] = [];
  const steps: ReplayStep[] = [];
  const lastStays = new Map<string, LastStay>();
  for (const visit of visits) {
    const index = vehicles.length;
    const before = visit.plate === null ? undefined : lastStays.get(visit.plate);
    const overlaps = before !== undefined && before.exitAtMs > visit.entryAtMs;
    vehicles.push({ ...visit, index, afterVehicle: overlaps ? null : (before?.vehicle ?? null), overlaps });
    steps.push({ atMs: visit.entryAtMs, line: visit.line, act: 'entry', vehicle: index });
    if (visit.exitAtMs !== null) {
      steps.push({ atMs: visit.exitAtMs, line: visit.line, act: 'exit', vehicle: index });
    }
    const exitAtMs = visit.exitAtMs ?? Infinity;
    if (visit.plate !== null && !(before !== undefined && before.exitAtMs > exitAtMs)) {
      lastStays.set(visit.plate, { vehicle: index, exitAtMs });
    }
  }
  // Of what happens at one moment: first who leaves, then who comes.
  const rank = (step: ReplayStep): number => (step.act === 'exit' ? 0 : 1);
  steps.sort((a, b) => a.atMs - b.atMs || rank(a) - rank(b) || a.line - b.line);
  return { vehicles, steps };
}

// ---------------------------------------------------------------- passages

function planPassages(passages: readonly RecordedPassage[]): Planned {
  const vehicles: ReplayVehicle[] = [];
  const steps: ReplayStep[] = [];
  /** Vehicles inside by the recording, longest inside first, from `oldest` on. */
  const inside: number[] = [];
  let oldest = 0;
  const appear = (line: number, entryAtMs: number | null): number => {
    const index = vehicles.length;
    vehicles.push({ ...anonymous, index, line, entryAtMs });
    return index;
  };
  for (const { line, atMs, what } of passages) {
    if (what === 'entry') {
      const vehicle = appear(line, atMs);
      inside.push(vehicle);
      steps.push({ atMs, line, act: 'entry', vehicle });
    } else if (what === 'exit') {
      const vehicle = inside[oldest] ?? appear(line, null);
      oldest = Math.min(oldest + 1, inside.length);
      const known = vehicles[vehicle];
      if (known !== undefined) vehicles[vehicle] = { ...known, exitAtMs: atMs };
      steps.push({ atMs, line, act: 'exit', vehicle });
    } else {
      // Somebody counted: vehicles nobody saw come in are there too, and those inside longest have gone unseen.
      while (inside.length - oldest < what.setCount) inside.push(appear(line, null));
      oldest = inside.length - what.setCount;
      steps.push({ atMs, line, act: 'set-count', count: what.setCount });
    }
  }
  return { vehicles, steps };
}

const anonymous = {
  plate: null,
  slotClass: null,
  exitAtMs: null,
  afterVehicle: null,
  overlaps: false,
} as const;

function mostInside(steps: readonly ReplayStep[]): number {
  let inside = 0;
  let most = 0;
  for (const step of steps) {
    if (step.act === 'set-count') inside = step.count;
    else inside += step.act === 'entry' ? 1 : -1;
    most = Math.max(most, inside);
  }
  return most;
}

function mostInsideByClass({ vehicles, steps }: Planned): Map<SlotClass, number> {
  const classOf = (step: ReplayStep): SlotClass =>
    step.act === 'set-count' ? 'standard' : (vehicles[step.vehicle]?.slotClass ?? 'standard');
  const classes = new Set(steps.map(classOf));
  return new Map(
    [...classes].map((slotClass) => [slotClass, mostInside(steps.filter((step) => classOf(step) === slotClass))]),
  );
}
