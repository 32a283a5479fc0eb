/** Runs the state machine of a lane over what was recorded of it, in virtual time, and notes what it made of it. */
import { decide, modeOf, newLane, nextDeadlineMs } from '@gatehouse/edge-agent';
import type { LaneEffect, LaneEvent, LaneHappening, LaneRules, LaneState, RecordingLine } from '@gatehouse/edge-agent';
import type { RecordedRun } from './read-recording.js';

export type LaneMoment = { readonly atMs: number } & (
  | { readonly what: 'happening'; readonly happening: LaneHappening }
  | { readonly what: 'event'; readonly event: LaneEvent }
  | { readonly what: 'effect'; readonly effect: LaneEffect }
  /** A part of the lane is otherwise than before. */
  | { readonly what: 'state'; readonly part: 'vehicle' | 'arm' | 'mode'; readonly from: string; readonly to: string }
  | { readonly what: 'dropped'; readonly lines: number }
);

export interface LaneReplay {
  readonly gateId: string;
  /** Times count from the first line of the run. */
  readonly moments: readonly LaneMoment[];
}

export interface LaneReplayOptions {
  /** Settings to try instead of the recorded ones. */
  readonly lane?: Partial<LaneRules>;
  /** What every arrival is answered, at once, instead of what was recorded. */
  readonly answer?: 'admit' | 'deny';
  /** How long to go on after the last line, for timers that run. Default 30 s. */
  readonly runOnMs?: number;
}

/** Timers that fall due without anything else happening, at most: more means that the lane does not come to rest. */
const maxTimersInARow = 10_000;

export function replayLane(run: RecordedRun, gateId: string, options: LaneReplayOptions = {}): LaneReplay {
  const gate = run.header.gates.find((each) => each.gateId === gateId);
  if (gate === undefined) throw new RangeError(`the recording has no gate ${gateId}`);
  const rules: LaneRules = { ...gate.lane, direction: gate.direction, hasReader: gate.hasReader, ...options.lane };
  const lines = run.lines.filter((line) => line.type === 'dropped' || line.gateId === gateId);
  const zeroMs = run.lines.reduce((min, line) => (line.type === 'dropped' ? min : Math.min(min, line.atMs)), Infinity);
  const moments: LaneMoment[] = [];
  let state: LaneState | undefined;

  const take = (happening: LaneHappening): void => {
    const before = state ?? newLane(happening.atMs);
    const outcome = decide(before, happening, rules);
    state = outcome.state;
    const atMs = state.nowMs - zeroMs;
    if (happening.type !== 'time-passed') moments.push({ atMs, what: 'happening', happening });
    moments.push(...changesOf(before, state).map((change) => ({ atMs, what: 'state' as const, ...change })));
    for (const effect of outcome.effects) moments.push({ atMs, what: 'effect', effect });
    for (const fact of outcome.facts) {
      if (fact.type === 'reported') moments.push({ atMs, what: 'event', event: fact.event });
    }
    if (options.answer === undefined) return;
    for (const effect of outcome.effects) {
      if (effect.type === 'ask-decision') take(answerTo(effect.arrivalId, options.answer, state.nowMs));
    }
  };
  const passTimeUntil = (untilMs: number): void => {
    for (let timers = 0; state !== undefined; timers += 1) {
      const dueMs = nextDeadlineMs(state, rules);
      if (!Number.isFinite(dueMs) || dueMs >= untilMs) return;
      if (timers >= maxTimersInARow) throw new Error(`gate ${gateId} does not come to rest`);
      take({ type: 'time-passed', atMs: dueMs });
    }
  };

  for (const line of lines) {
    if (line.type === 'dropped') {
      moments.push({ atMs: (state?.nowMs ?? zeroMs) - zeroMs, what: 'dropped', lines: line.lines });
      continue;
    }
    if (options.answer !== undefined && isAnswer(line)) continue;
    // Edges that were noted before the start are nothing to compare with.
    if (state === undefined && line.type !== 'started') continue;
    if (state === undefined && line.type === 'started' && line.nextArrivalId !== undefined) {
      state = { ...newLane(line.atMs), nextArrivalId: line.nextArrivalId };
    }
    passTimeUntil(line.atMs);
    take(happeningOf(line));
  }
  const runOnMs = options.runOnMs ?? 30_000;
  if (state !== undefined) passTimeUntil(state.nowMs + runOnMs);
  return { gateId, moments };
}

function isAnswer({ type }: RecordingLine): boolean {
  return ['decision', 'local-choice', 'admission-recorded', 'admission-failed'].includes(type);
}

function happeningOf(line: Exclude<RecordingLine, { type: 'dropped' }>): LaneHappening {
  if (line.type !== 'started') return line;
  const levels = new Map(Object.entries(line.levels)) as Extract<LaneHappening, { type: 'started' }>['levels'];
  const { atMs, mode, former } = line;
  return { type: 'started', atMs, mode, levels, ...(former === undefined ? {} : { former }) };
}

function answerTo(arrivalId: number, outcome: 'admit' | 'deny', atMs: number): LaneHappening {
  const reason = outcome === 'admit' ? null : 'full';
  const common = { type: 'decision', basis: 'decision', revision: 1, slotId: null, slotLabel: null } as const;
  return { ...common, atMs, arrivalId, outcome, reason };
}

function changesOf(
  before: LaneState,
  after: LaneState,
): { readonly part: 'vehicle' | 'arm' | 'mode'; readonly from: string; readonly to: string }[] {
  const told = (state: LaneState) => [
    { part: 'mode' as const, is: modeOf(state) },
    { part: 'vehicle' as const, is: vehicleOf(state) },
    { part: 'arm' as const, is: state.barrier.position },
  ];
  const now = told(after);
  return told(before).flatMap(({ part, is }, index) => {
    const to = now[index]?.is ?? is;
    return to === is ? [] : [{ part, from: is, to }];
  });
}

/** Where the vehicle is, and how far it has got with being let in. */
function vehicleOf({ vehicle }: LaneState): string {
  if (vehicle === null) return 'none';
  const [first, last] = vehicle.from === 'arming' ? ['arming loop', 'safety loop'] : ['safety loop', 'arming loop'];
  const places = { first: `on ${first}`, both: 'on both loops', last: `on ${last}`, between: 'between loops' };
  const told = vehicle.counted ? 'counted' : vehicle.unknown ? 'unknown' : vehicle.arrival?.progress;
  return told === undefined ? places[vehicle.phase] : `${places[vehicle.phase]}, ${told}`;
}
