/** Counts what happens, and reads the state of a gate for whoever asks. */
import type { BarrierPosition } from '@gatehouse/shared';
import { modeOf } from '../domain/lane/state.js';
import type { LaneEvent } from '../domain/lane/vocabulary.js';
import { arrivalName } from './lane-events.js';
import type { LaneRunner } from './lane-runner.js';
import type { EdgeCounters, GateStatus } from './status.js';

export interface Tally {
  count(counter: keyof EdgeCounters, by?: number): void;
  committed(durationMs: number, events: number): void;
  decided(durationMs: number, by: 'decisionsOnline' | 'decisionsLocal'): void;
  happened(event: LaneEvent): void;
  counters(): EdgeCounters;
  readonly lastDecisionMs: number | null;
  readonly lastCommitMs: number | null;
}

export function createTally(): Tally {
  const counters: { -readonly [K in keyof EdgeCounters]: number } = {
    eventsCommitted: 0,
    eventsLost: 0,
    commits: 0,
    batchesPublished: 0,
    batchesResent: 0,
    acksApplied: 0,
    messagesRefused: 0,
    messagesDropped: 0,
    decisionsOnline: 0,
    decisionsLocal: 0,
    decisionsIgnored: 0,
    passagesEntry: 0,
    passagesExit: 0,
    openRequests: 0,
    epochsBegun: 0,
    inputsDropped: 0,
  };
  let lastDecisionMs: number | null = null;
  let lastCommitMs: number | null = null;
  return {
    count(counter, by = 1) {
      counters[counter] += by;
    },
    committed(durationMs, events) {
      counters.commits += 1;
      counters.eventsCommitted += events;
      lastCommitMs = durationMs;
    },
    decided(durationMs, by) {
      counters[by] += 1;
      lastDecisionMs = durationMs;
    },
    happened(event) {
      const passed =
        event.kind === 'vehicle-passed' || event.kind === 'vehicle-tailgated' || event.kind === 'free-flow-passed';
      if (passed) counters[event.direction === 'entry' ? 'passagesEntry' : 'passagesExit'] += 1;
    },
    counters: () => ({ ...counters }),
    get lastDecisionMs() {
      return lastDecisionMs;
    },
    get lastCommitMs() {
      return lastCommitMs;
    },
  };
}

export function gateStatusOf(
  lane: LaneRunner,
  nowMs: number,
  seqOf: (arrivalName: string) => number | null,
): GateStatus {
  const { state, settings } = lane;
  const arrival = state.vehicle?.arrival ?? null;
  const position: BarrierPosition = state.barrier.position;
  return {
    gateId: lane.gateId,
    direction: settings.direction,
    barrier: position,
    mode: modeOf(state),
    sensors: Object.fromEntries(Object.entries(state.inputs).map(([input, sensor]) => [input, sensor.active])),
    faults: state.health.faults,
    vehicleClass: settings.lane.vehicleClass,
    arrival:
      arrival === null
        ? null
        : {
            seq: seqOf(arrivalName(lane.gateId, arrival.id)),
            direction: arrival.direction,
            progress: arrival.progress,
            basis: arrival.basis,
            slotId: arrival.slotId,
            ageMs: Math.max(0, nowMs - arrival.atMs),
          },
  };
}
