/**
 * Drives the vehicles of an itinerary through the gates, each at its time. A vehicle leaves only after it has passed in, and comes
 * back only after it has passed out; one that was refused never leaves. Nothing is dropped when time is short: it happens later.
 */
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { Itinerary, ReplayStep, ReplayVehicle } from './itinerary.js';

/** What became of a vehicle at a gate. */
export interface GateResult {
  readonly passed: boolean;
  /** Why it did not, as far as is known. */
  readonly reason: string | null;
  /** From joining the lane to reaching the gate, on the lane's clock. */
  readonly waitedMs: number;
}

/** The gates of the site; a vehicle takes the lane with the fewest before it. */
export interface ReplayGates {
  enter(vehicle: ReplayVehicle): Promise<GateResult>;
  leave(vehicle: ReplayVehicle): Promise<GateResult>;
}

/** The aggregator, as an operator sees it. */
export interface ReplayCentre {
  /** Resolves once it has stored everything that has happened at the gates; rejects if that takes too long. */
  settled(): Promise<void>;
  /** Corrects the count of vehicles inside. */
  setCount(count: number): Promise<void>;
}

export interface Refusal {
  readonly line: number;
  readonly atMs: number;
  readonly reason: string;
}

/** What happened, as the gates saw it. */
export interface ReplayTally {
  readonly entriesPassed: number;
  readonly exitsPassed: number;
  readonly refused: readonly Refusal[];
  /** Exits that did not happen because their vehicle had been refused. */
  readonly exitsOfRefused: number;
  /** Exits of vehicles that the recording never saw come in. */
  readonly exitsWithoutEntry: number;
  /** Vehicles that could not get out, however often they tried. */
  readonly stuckInside: number;
  readonly corrections: number;
  /** Vehicles inside by what passed and what was corrected; below zero when more left than were ever seen. */
  readonly count: number;
  readonly longestWaitMs: number;
  /** Lines of the file whose vehicle passed in. */
  readonly enteredLines: ReadonlySet<number>;
}

export interface ReplayProgress {
  readonly stepsDone: number;
  readonly steps: number;
  readonly simulatedMs: number;
}

export interface ReplayRun {
  readonly clock: Clock;
  readonly gates: ReplayGates;
  readonly centre: ReplayCentre;
  readonly onProgress?: (progress: ReplayProgress) => void;
}

/** How often a vehicle that an exit did not let out tries again. */
const maxExitTries = 10;

type Whereabouts = 'outside' | 'entering' | 'inside' | 'leaving' | 'left' | 'refused';

export async function runReplay(itinerary: Itinerary, run: ReplayRun): Promise<ReplayTally> {
  return new Promise((resolve, reject) => {
    createDirector(itinerary, run, resolve, reject).begin();
  });
}

interface Director {
  begin(): void;
}

function createDirector(
  { vehicles, steps }: Itinerary,
  { clock, gates, centre, onProgress }: ReplayRun,
  finish: (tally: ReplayTally) => void,
  fail: (error: unknown) => void,
): Director {
  const whereabouts: Whereabouts[] = vehicles.map(({ entryAtMs }) => (entryAtMs === null ? 'inside' : 'outside'));
  const wantsOut = new Set<number>();
  /** By vehicle: the one that waits for it to be out. */
  const waitsFor = new Map<number, ReplayVehicle>();
  const tally = newTally();
  let next = 0;
  /** Vehicles in a lane, and a correction being made. */
  let busy = 0;
  let correcting = false;
  let finishing = false;
  let stepsDone = 0;
  let cancelTimer: CancelTimer = () => undefined;

  const done = (): void => {
    stepsDone += 1;
    onProgress?.({ stepsDone, steps: steps.length, simulatedMs: clock.wallMs() });
  };
  const track = (work: Promise<void>): void => {
    busy += 1;
    work
      .then(() => {
        busy -= 1;
        if (busy === 0) goOn();
      })
      .catch(fail);
  };

  const enter = async (vehicle: ReplayVehicle): Promise<void> => {
    whereabouts[vehicle.index] = 'entering';
    const result = await gates.enter(vehicle);
    tally.longestWaitMs = Math.max(tally.longestWaitMs, result.waitedMs);
    if (!result.passed) {
      refuse(vehicle, result.reason ?? 'unknown');
      return;
    }
    done();
    whereabouts[vehicle.index] = 'inside';
    tally.entriesPassed += 1;
    tally.count += 1;
    tally.enteredLines.add(vehicle.line);
    if (wantsOut.delete(vehicle.index)) track(leave(vehicle));
  };
  const leave = async (vehicle: ReplayVehicle): Promise<void> => {
    whereabouts[vehicle.index] = 'leaving';
    for (let tries = 1; tries <= maxExitTries; tries += 1) {
      const result = await gates.leave(vehicle);
      tally.longestWaitMs = Math.max(tally.longestWaitMs, result.waitedMs);
      if (!result.passed) continue;
      whereabouts[vehicle.index] = 'left';
      tally.exitsPassed += 1;
      tally.count -= 1;
      done();
      letFollow(vehicle);
      return;
    }
    tally.stuckInside += 1;
    done();
    const follower = waitsFor.get(vehicle.index);
    if (follower !== undefined) refuse(follower, 'still-inside');
  };
  const refuse = (vehicle: ReplayVehicle, reason: string): void => {
    whereabouts[vehicle.index] = 'refused';
    tally.refused.push({ line: vehicle.line, atMs: clock.wallMs(), reason });
    done();
    if (wantsOut.delete(vehicle.index)) skipExit();
    letFollow(vehicle);
  };
  const letFollow = (vehicle: ReplayVehicle): void => {
    const follower = waitsFor.get(vehicle.index);
    waitsFor.delete(vehicle.index);
    if (follower !== undefined) track(enter(follower));
  };
  const skipExit = (): void => {
    tally.exitsOfRefused += 1;
    done();
  };

  const startEntry = (vehicle: ReplayVehicle): void => {
    const before = vehicle.afterVehicle;
    const where = before === null ? 'left' : whereabouts[before];
    if (before === null || where === 'left' || where === 'refused') track(enter(vehicle));
    else waitsFor.set(before, vehicle);
  };
  const startExit = (vehicle: ReplayVehicle): void => {
    const where = whereabouts[vehicle.index];
    if (where === 'refused') skipExit();
    else if (where === 'inside') track(leave(vehicle));
    else wantsOut.add(vehicle.index);
  };

  /** Whoever was refused and is inside by the recording is there now: somebody counted them. */
  const correct = async (count: number): Promise<void> => {
    await centre.settled();
    await centre.setCount(count);
    tally.corrections += 1;
    tally.count = count;
    whereabouts.forEach((where, index) => {
      if (where === 'refused') whereabouts[index] = 'inside';
    });
    done();
  };

  const begin = (step: ReplayStep): void => {
    if (step.act === 'set-count') {
      correcting = true;
      track(
        correct(step.count).then(() => {
          correcting = false;
        }),
      );
      return;
    }
    const vehicle = vehicles[step.vehicle];
    if (vehicle === undefined) throw new RangeError(`no vehicle ${String(step.vehicle)} in the itinerary`);
    if (step.act === 'entry') startEntry(vehicle);
    else {
      if (vehicle.entryAtMs === null) tally.exitsWithoutEntry += 1;
      startExit(vehicle);
    }
  };
  const goOn = (): void => {
    cancelTimer();
    try {
      for (let step = steps[next]; step !== undefined; step = steps[next]) {
        // A correction waits until nobody is between the loops, so that it means the same to gates and aggregator.
        if (correcting || (step.act === 'set-count' && busy > 0)) return;
        const waitMs = step.atMs - clock.wallMs();
        if (waitMs > 0) {
          cancelTimer = clock.setTimer(waitMs, goOn);
          return;
        }
        next += 1;
        begin(step);
      }
      if (busy > 0 || finishing) return;
      finishing = true;
      centre.settled().then(() => {
        finish(tally);
      }, fail);
    } catch (error) {
      fail(error);
    }
  };
  return { begin: goOn };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
interface RunningTally extends Omit<Mutable<ReplayTally>, 'refused' | 'enteredLines'> {
  refused: Refusal[];
  enteredLines: Set<number>;
}

function newTally(): RunningTally {
  return {
    entriesPassed: 0,
    exitsPassed: 0,
    refused: [],
    exitsOfRefused: 0,
    exitsWithoutEntry: 0,
    stuckInside: 0,
    corrections: 0,
    count: 0,
    longestWaitMs: 0,
    enteredLines: new Set(),
  };
}
