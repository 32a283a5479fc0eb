/**
 * Gets every arrival its decision: from the aggregator in time, else from the edge itself. Per arrival the first of the two
 * counts.
 */
import { terminalKinds } from '@gatehouse/shared/edge';
import type { Allowance, Decision } from '@gatehouse/shared/edge';
import { chooseLocally } from '../domain/admission/local-choice.js';
import { createAllowanceKeeper } from './allowance-keeper.js';
import type { Arrival, LaneState } from '../domain/lane/state.js';
import type { LaneEvent } from '../domain/lane/vocabulary.js';
import { arrivalName, arrivalNoteName, arrivalNotes, arrivalNoteText } from './lane-events.js';
import type { LaneRunner } from './lane-runner.js';
import type { DecidedBy } from './observer.js';
import type { EdgeAgentPorts, OutboxNotes } from './ports.js';
import type { Draft, EventStamp, NotesOfEpoch } from './draft.js';
import type { Recorder } from './recorder.js';
import type { EdgeSettings } from './settings.js';
import type { AllowanceStatus } from './status.js';
import type { Tally } from './tally.js';

export interface Admission {
  /** A lane wants a decision. */
  ask(gateId: string, arrivalId: number): void;
  decided(decision: Decision): void;
  /** Nobody will answer: whoever waits is let in by the edge if it may. */
  decideAllAlone(): void;
  laneChanged(gateId: string, before: LaneState, after: LaneState): void;
  /** Makes the lane wait until its own admission is durable, and lets no arrival end with a slot that it never got. */
  guard(gateId: string, event: LaneEvent, draft: Draft): Draft;
  offered(allowance: Allowance): void;
  allowance(): AllowanceStatus;
  discardAllowance(): void;
  /** The allowance goes, the open arrivals stay. */
  notesForNewEpoch: NotesOfEpoch;
  restore(notes: OutboxNotes): void;
  /** Arrivals that still want a decision, by seq. */
  waiting(): number[];
  /** Nobody is decided about any more. */
  leave(): void;
  stop(): void;
}

interface Asked {
  readonly gateId: string;
  readonly arrivalId: number;
  /** On the link's clock. */
  readonly askedMs: number;
  answered: boolean;
  cancelTimer: () => void;
}

export interface AdmissionOptions {
  readonly ports: EdgeAgentPorts;
  readonly settings: EdgeSettings;
  readonly recorder: Recorder;
  readonly lanes: ReadonlyMap<string, LaneRunner>;
  readonly tally: Tally;
  /** The aggregator can be asked and may answer in time. */
  readonly canAsk: () => boolean;
  readonly stamp: () => EventStamp;
  /** The version of the allowance held is another one. */
  readonly onAllowanceChanged: () => void;
}

export function createAdmission(options: AdmissionOptions): Admission {
  const { ports, settings, recorder, lanes, tally } = options;
  const { linkClock, logger } = ports;
  /** At most one a gate: the arrival that stands there. */
  const asked = new Map<string, Asked>();
  const keeper = createAllowanceKeeper({
    ...{ recorder, tally, logger, sha256: ports.sha256, stamp: options.stamp },
    onChanged: options.onAllowanceChanged,
  });
  /** Arrivals whose admission could not be recorded, by name, until they end. */
  const notAdmitted = new Set<string>();
  let leaving = false;

  const arrivalAt = (gateId: string): Arrival | null => lanes.get(gateId)?.state.vehicle?.arrival ?? null;

  const decideAlone = (entry: Asked, when: 'at-once' | 'unless-denied'): void => {
    const lane = lanes.get(entry.gateId);
    const arrival = arrivalAt(entry.gateId);
    if (lane === undefined || arrival?.id !== entry.arrivalId || arrival.progress !== 'waiting') return;
    const choice = chooseLocally(keeper.usable(), settings.policies, {
      direction: arrival.direction,
      vehicleClass: lane.settings.lane.vehicleClass,
      access: keeper.accessOf(arrival.credential),
      canRecord: recorder.view.failing === null,
    });
    // Turning somebody away is never urgent: the aggregator may come back in time.
    if (choice.outcome === 'deny' && when === 'unless-denied') return;
    // Promised before anything else can happen; it is back if it cannot be recorded.
    if (choice.outcome === 'admit' && choice.slotId !== null) {
      keeper.promise(arrivalName(entry.gateId, arrival.id), choice.slotId);
    }
    settle(entry, 'edge');
    lane.happen({ type: 'local-choice', arrivalId: entry.arrivalId, choice });
  };

  const settle = (entry: Asked, by: DecidedBy): void => {
    entry.cancelTimer();
    if (entry.answered) return;
    entry.answered = true;
    tally.decided(linkClock.monoMs() - entry.askedMs, by);
  };

  const find = (decision: Decision): Asked | undefined => {
    if (decision.epoch !== recorder.view.epoch) return undefined;
    for (const entry of asked.values()) {
      if (recorder.arrivalSeq(arrivalName(entry.gateId, entry.arrivalId)) === decision.arrival) return entry;
    }
    return undefined;
  };

  const noteArrival = (gateId: string, arrival: Arrival): void => {
    recorder.record({
      kind: 'notes',
      notes: (_seq, seqs) => {
        const seq = seqs(arrivalName(gateId, arrival.id));
        if (seq === undefined) return new Map();
        const { slotId, basis } = arrival;
        return arrivalNotes(ports.machine, gateId, { epoch: recorder.view.epoch, seq, slotId, basis });
      },
    });
  };

  /** The lane waits for the outcome; at an entry a slot is given out with it. */
  const guardAdmission = (gateId: string, event: LaneEvent & { kind: 'vehicle-admitted' }, draft: Draft): Draft => {
    const { arrivalId, slotId } = event;
    const lane = lanes.get(gateId);
    const name = arrivalName(gateId, arrivalId);
    const isExit = arrivalAt(gateId)?.direction === 'exit';
    const guarded: Draft = {
      ...draft,
      recorded: () => {
        if (slotId !== null) logger.info({ gateId, slotId, left: keeper.usable().slots.length }, 'admitted alone');
        lane?.happen({ type: 'admission-recorded', arrivalId });
      },
      lost: () => {
        if (!isExit) notAdmitted.add(name);
        // An exit lets people out on a full disk, too; an entry admits nobody whom no record would show.
        lane?.happen({ type: isExit ? 'admission-recorded' : 'admission-failed', arrivalId });
      },
    };
    return slotId === null ? guarded : keeper.admit(name, slotId, guarded);
  };

  /** While its admission is being recorded a vehicle may leave; if it then is not admitted, it had no slot either. */
  const guardEnd = (name: string, draft: Draft): Draft => ({
    ...draft,
    event: (arrivals, seq) => {
      const event = draft.event?.(arrivals, seq) ?? null;
      return event !== null && 'basis' in event && notAdmitted.has(name)
        ? { ...event, slotId: null, basis: 'none' }
        : event;
    },
    recorded: (seq) => {
      notAdmitted.delete(name);
      draft.recorded?.(seq);
    },
    lost: () => {
      notAdmitted.delete(name);
      draft.lost?.();
    },
  });

  return {
    ask(gateId, arrivalId) {
      if (leaving) return;
      const entry: Asked = {
        gateId,
        arrivalId,
        askedMs: linkClock.monoMs(),
        answered: false,
        cancelTimer: () => undefined,
      };
      asked.get(gateId)?.cancelTimer();
      asked.set(gateId, entry);
      entry.cancelTimer = linkClock.setTimer(settings.protocol.decisionTimeoutMs, () => {
        decideAlone(entry, 'at-once');
      });
      if (recorder.view.failing !== null) decideAlone(entry, 'at-once');
      else if (!options.canAsk()) decideAlone(entry, 'unless-denied');
    },

    decided(decision) {
      const entry = find(decision);
      const lane = entry === undefined ? undefined : lanes.get(entry.gateId);
      const late = entry !== undefined && linkClock.monoMs() - entry.askedMs > decision.ttlMs;
      if (entry === undefined || lane === undefined || late) {
        tally.count('decisionsIgnored');
        return;
      }
      const before = arrivalAt(entry.gateId);
      if (decision.outcome === 'own') {
        if (before?.progress === 'waiting') decideAlone(entry, 'at-once');
        else tally.count('decisionsIgnored');
        return;
      }
      lane.happen({
        type: 'decision',
        arrivalId: entry.arrivalId,
        revision: decision.revision,
        basis: decision.basis,
        outcome: decision.outcome,
        slotId: decision.slot?.slotId ?? null,
        slotLabel: decision.slot?.label ?? null,
        reason: decision.reason,
      });
      if (arrivalAt(entry.gateId) === before) tally.count('decisionsIgnored');
      else settle(entry, 'aggregator');
    },

    decideAllAlone() {
      const when = recorder.view.failing === null ? 'unless-denied' : 'at-once';
      for (const entry of asked.values()) decideAlone(entry, when);
    },

    laneChanged(gateId, before, after) {
      const was = before.vehicle?.arrival ?? null;
      const is = after.vehicle?.arrival ?? null;
      if (was !== null && (is?.id !== was.id || is.progress !== 'waiting')) {
        keeper.withdraw(arrivalName(gateId, was.id));
      }
      const entry = asked.get(gateId);
      if (entry !== undefined && is?.id !== entry.arrivalId) {
        entry.cancelTimer();
        asked.delete(gateId);
      } else if (entry !== undefined && is?.progress !== 'waiting') {
        entry.cancelTimer();
      }
      const admittedOnline = is?.progress === 'admitted' && was?.id === is.id && was.progress !== 'recording';
      if (admittedOnline && was.progress !== 'admitted') noteArrival(gateId, is);
    },

    guard(gateId, event, draft) {
      if (event.kind === 'vehicle-admitted') return guardAdmission(gateId, event, draft);
      const ends = (terminalKinds as readonly string[]).includes(event.kind) && draft.ends !== undefined;
      return ends ? guardEnd(draft.ends, draft) : draft;
    },

    offered(allowance) {
      keeper.offered(allowance);
    },

    allowance: () => keeper.status(),

    discardAllowance() {
      keeper.discard();
    },

    notesForNewEpoch(epoch, seqOf) {
      const notes = keeper.notesForNewEpoch();
      for (const gateId of lanes.keys()) {
        const arrival = arrivalAt(gateId);
        const oldSeq = arrival === null ? undefined : recorder.arrivalSeq(arrivalName(gateId, arrival.id));
        const seq = oldSeq === undefined ? undefined : seqOf(oldSeq);
        const { slotId, basis } = arrival ?? { slotId: null, basis: 'none' as const };
        notes.set(arrivalNoteName(gateId), seq === undefined ? null : arrivalNoteText({ epoch, seq, slotId, basis }));
      }
      return notes;
    },

    restore(notes) {
      keeper.restore(notes);
    },

    waiting() {
      const seqs: number[] = [];
      for (const entry of asked.values()) {
        const arrival = arrivalAt(entry.gateId);
        if (arrival?.id !== entry.arrivalId || arrival.progress !== 'waiting') continue;
        const seq = recorder.arrivalSeq(arrivalName(entry.gateId, entry.arrivalId));
        if (seq !== undefined) seqs.push(seq);
      }
      return seqs;
    },

    leave() {
      leaving = true;
      for (const entry of asked.values()) entry.cancelTimer();
      asked.clear();
    },

    stop() {
      this.leave();
      // From now on the agent that starts next counts how long ago they were seen.
      for (const gateId of ports.machine === undefined ? [] : lanes.keys()) {
        const arrival = arrivalAt(gateId);
        if (arrival !== null) noteArrival(gateId, arrival);
      }
    },
  };
}
