/** Counts what happens, and reads the state of a gate for whoever asks. */
import type { BarrierPosition, Direction } from '@gatehouse/shared/edge';
import { modeOf } from '../domain/lane/state.js';
import type { LaneEvent } from '../domain/lane/vocabulary.js';
import { arrivalName } from './lane-events.js';
import type { LaneRunner } from './lane-runner.js';
import type { DecidedBy, EdgeObserver } from './observer.js';
import type { RecorderView } from './recorder.js';
import type { EdgeCounters, EdgeStatus, GateStatus } from './status.js';

export interface Tally {
  count(counter: keyof EdgeCounters, by?: number): void;
  committed(durationMs: number, events: number): void;
  decided(durationMs: number, by: DecidedBy): void;
  happened(gateId: string, event: LaneEvent): void;
  counters(): EdgeCounters;
  passages(gateId: string): GateStatus['passages'];
  readonly lastDecisionMs: number | null;
  readonly lastCommitMs: number | null;
}

export function createTally(observer: EdgeObserver): Tally {
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
  const passages = new Map<string, Readonly<Record<Direction, number>>>();
  const passagesOf = (gateId: string): GateStatus['passages'] => passages.get(gateId) ?? { entry: 0, exit: 0 };
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
      observer.onCommit(durationMs);
    },
    decided(durationMs, by) {
      counters[by === 'aggregator' ? 'decisionsOnline' : 'decisionsLocal'] += 1;
      lastDecisionMs = durationMs;
      observer.onDecision(durationMs, by);
    },
    happened(gateId, event) {
      const passed =
        event.kind === 'vehicle-passed' || event.kind === 'vehicle-tailgated' || event.kind === 'free-flow-passed';
      if (!passed) return;
      const { direction } = event;
      counters[direction === 'entry' ? 'passagesEntry' : 'passagesExit'] += 1;
      passages.set(gateId, { ...passagesOf(gateId), [direction]: passagesOf(gateId)[direction] + 1 });
    },
    counters: () => ({ ...counters }),
    passages: passagesOf,
    get lastDecisionMs() {
      return lastDecisionMs;
    },
    get lastCommitMs() {
      return lastCommitMs;
    },
  };
}

export function outboxStatusOf(
  { epoch, oldest, next, acked, bytes, isCommitting, failing, lost }: RecorderView,
  oldestUnacknowledgedAgeMs: number | null,
): EdgeStatus['outbox'] {
  const unacknowledged = next - 1 - acked;
  return { epoch, oldest, next, acked, unacknowledged, bytes, isCommitting, oldestUnacknowledgedAgeMs, failing, lost };
}

export function gateStatusOf(
  lane: LaneRunner,
  nowMs: number,
  tally: Tally,
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
    vehicle: state.vehicle?.phase ?? null,
    vehicleClass: settings.lane.vehicleClass,
    passages: tally.passages(lane.gateId),
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
