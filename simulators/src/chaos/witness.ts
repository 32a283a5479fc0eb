/** The physical truth: what the simulated lanes wrote down themselves, whatever became of the agent that ran them. */

export type Direction = 'entry' | 'exit';

export interface Passage {
  readonly plate: string;
  readonly gateId: string;
  readonly direction: Direction;
  /** Simulated time. */
  readonly atMs: number;
}

/** A vehicle that was in a lane when its agent was killed: with the process the lane vanished, and what was in it. */
export interface Vanished {
  readonly plate: string;
  readonly gateId: string;
  readonly direction: Direction;
  /** It had begun to drive through. */
  readonly wasPassing: boolean;
  readonly atMs: number;
}

export interface Witnessed {
  readonly passages: readonly Passage[];
  /** Vehicles that went away again without passing. */
  readonly turnedAway: readonly Passage[];
  readonly vanished: readonly Vanished[];
}

type Line = Readonly<Record<string, unknown>>;

interface Seen {
  readonly gateId: string;
  plate: string | null;
  wasPassing: boolean;
  atMs: number;
}

/** @param lines of all logs of the gates of one site */
export function witnessed(lines: Iterable<Line>, directionOf: (gateId: string) => Direction): Witnessed {
  const underway = new Map<string, Seen>();
  const passages: Passage[] = [];
  const turnedAway: Passage[] = [];
  for (const line of lines) {
    const gateId = String(line.gateId);
    const atMs = Number(line.atMs);
    if (line.type === 'ended') {
      const report = line.report as { vehicleId: string; plate: string | null; outcome: string };
      underway.delete(report.vehicleId);
      const one = { plate: report.plate ?? '', gateId, direction: directionOf(gateId), atMs };
      if (report.outcome === 'passed') passages.push(one);
      else turnedAway.push(one);
    } else if (line.type === 'vehicle' || line.type === 'read') {
      const vehicleId = String(line.vehicleId);
      const seen = underway.get(vehicleId) ?? { gateId, plate: null, wasPassing: false, atMs };
      if (line.type === 'read') seen.plate = String(line.value);
      else if (line.step === 'started') seen.wasPassing = true;
      underway.set(vehicleId, { ...seen, atMs });
    }
  }
  const vanished = [...underway.values()].map(({ gateId, plate, wasPassing, atMs }) => ({
    plate: plate ?? '',
    gateId,
    direction: directionOf(gateId),
    wasPassing,
    atMs,
  }));
  return { passages, turnedAway, vanished };
}

/** The most vehicles that were inside at any time. One that vanished on its way out has left; one on its way in never came. */
export function mostInside({ passages, vanished }: Witnessed): number {
  const moves = [
    ...passages.map(({ atMs, direction }) => ({ atMs, by: direction === 'entry' ? 1 : -1 })),
    ...vanished
      .filter(({ direction, wasPassing }) => direction === 'exit' && wasPassing)
      .map(({ atMs }) => ({ atMs, by: -1 })),
    // At the same instant somebody leaves first: which was first cannot be told.
  ].sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let inside = 0;
  let most = 0;
  for (const { by } of moves) {
    inside += by;
    most = Math.max(most, inside);
  }
  return most;
}
