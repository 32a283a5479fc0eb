/** Runs one lane: feeds its state machine, carries out what it wants, and keeps its timer. */
import type { Clock, CommandKind, Logger, Random } from '@gatehouse/shared/edge';
import { decide, nextDeadlineMs } from '../domain/lane/lane.js';
import { isClosed, newLane } from '../domain/lane/state.js';
import type { LaneState } from '../domain/lane/state.js';
import type {
  FormerVehicle,
  LaneEffect,
  LaneEvent,
  LaneHappening,
  LaneRules,
  OrderedMode,
} from '../domain/lane/vocabulary.js';
import type { LaneRecording } from './lane-recording.js';
import type { BarrierDriver, CredentialRead, EdgeAgentPorts } from './ports.js';
import type { GateSettings } from './settings.js';
import { issueTicket, wantsTicket } from './tickets.js';

/** A happening without its time. */
export type Untimed<T> = T extends unknown ? Omit<T, 'atMs'> : never;

/** Happenings that wait for their turn, at most; more are dropped and counted. */
const maxQueuedHappenings = 1_000;

export interface LaneListener {
  onEvent(event: LaneEvent, atMs: number): void;
  onAskDecision(arrivalId: number): void;
  onCommandAnswer(commandId: string, result: 'done' | 'refused', detail: string): void;
  /** The open request has gone out. */
  onOpenRequested(): void;
  /** Something that the state tells may have changed. */
  onChanged(before: LaneState, after: LaneState): void;
  onDropped(): void;
}

export interface LaneRunner {
  readonly gateId: string;
  readonly driver: BarrierDriver;
  readonly settings: GateSettings;
  readonly state: LaneState;
  readonly isClosed: boolean;
  start(mode: OrderedMode, former?: FormerVehicle): Promise<void>;
  stop(): Promise<void>;
  happen(happening: Untimed<LaneHappening>, atMs?: number): void;
  read(read: CredentialRead): void;
  command(commandId: string, kind: Exclude<CommandKind, 'restart'>, by: string): void;
}

export function createLaneRunner(
  settings: GateSettings,
  driver: BarrierDriver,
  ports: {
    readonly clock: Clock;
    readonly random: Random;
    readonly logger: Logger;
    readonly recording: LaneRecording | undefined;
  },
  listener: LaneListener,
): LaneRunner {
  const { clock, logger } = ports;
  const rules: LaneRules = { ...settings.lane, direction: settings.direction, hasReader: settings.hasReader };
  const queue: LaneHappening[] = [];
  let state = newLane(clock.monoMs());
  let cancelTimer: () => void = () => undefined;
  let running = false;
  let busy = false;

  const carryOut = (effect: LaneEffect): void => {
    switch (effect.type) {
      case 'request-open':
        driver.requestOpen();
        listener.onOpenRequested();
        break;
      case 'request-close':
        driver.requestClose();
        break;
      case 'hold-open':
        driver.setHoldOpen(effect.holdOpen);
        break;
      case 'lamp':
        driver.setLamp(effect.lamp);
        break;
      case 'text':
        driver.showText(effect.text);
        break;
      case 'ask-decision':
        listener.onAskDecision(effect.arrivalId);
        break;
      case 'answer-command':
        listener.onCommandAnswer(effect.commandId, effect.result, effect.detail);
        break;
    }
  };

  const take = (happening: LaneHappening): void => {
    const before = state;
    const outcome = decide(state, happening, rules);
    state = outcome.state;
    // Wishes to the barrier first: nothing of what follows may delay them.
    for (const effect of outcome.effects) if (isForBarrier(effect)) carryOut(effect);
    for (const fact of outcome.facts) if (fact.type === 'reported') listener.onEvent(fact.event, state.nowMs);
    for (const effect of outcome.effects) if (!isForBarrier(effect)) carryOut(effect);
    listener.onChanged(before, state);
    // All that follows from it is under way.
    ports.recording?.happened(settings.gateId, happening, state);
  };

  const drain = (): void => {
    if (busy) return;
    busy = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) take(next);
    } finally {
      busy = false;
    }
    arm();
  };

  const arm = (): void => {
    cancelTimer();
    const dueMs = nextDeadlineMs(state, rules);
    if (!running || !Number.isFinite(dueMs)) return;
    cancelTimer = clock.setTimer(dueMs - clock.monoMs(), () => {
      push({ type: 'time-passed', atMs: Math.max(dueMs, clock.monoMs()) });
    });
  };

  const push = (happening: LaneHappening): void => {
    if (!running) return;
    if (queue.length >= maxQueuedHappenings) {
      listener.onDropped();
      return;
    }
    queue.push(happening);
    drain();
  };

  return {
    gateId: settings.gateId,
    driver,
    settings,
    get state() {
      return state;
    },
    get isClosed() {
      return isClosed(state);
    },
    async start(mode, former) {
      // Edges that come before the levels are known would be compared with nothing.
      const early: LaneHappening[] = [];
      let started = false;
      const hear = (happening: LaneHappening): void => {
        if (started) push(happening);
        else if (early.length < maxQueuedHappenings) early.push(happening);
      };
      const levels = await driver.start({
        onInput: (edge) => {
          if (started && edge.active && edge.input === 'ticket-button' && wantsTicket(state, settings)) {
            const credential = issueTicket(ports.random);
            hear({ type: 'read', credential, readAtMs: edge.monoMs, atMs: edge.monoMs });
          }
          hear({ type: 'edge', input: edge.input, active: edge.active, atMs: edge.monoMs });
        },
        onTrouble: (detail) => {
          logger.error({ gateId: settings.gateId, detail }, 'the barrier driver has failed');
          hear({ type: 'trouble', detail, atMs: clock.monoMs() });
        },
        onTroubleOver: () => {
          hear({ type: 'trouble-over', atMs: clock.monoMs() });
        },
      });
      running = true;
      started = true;
      push({ type: 'started', levels, mode, atMs: clock.monoMs(), ...(former === undefined ? {} : { former }) });
      for (const happening of early) push(happening);
    },
    async stop() {
      running = false;
      cancelTimer();
      queue.length = 0;
      await driver.stop();
    },
    happen(happening, atMs = clock.monoMs()) {
      push({ ...happening, atMs });
    },
    read({ credential, monoMs, direction, trackId }) {
      push({ type: 'read', credential, readAtMs: monoMs, direction, trackId, atMs: clock.monoMs() });
    },
    command(commandId, kind, by) {
      push({ type: 'command', commandId, kind, by, atMs: clock.monoMs() });
    },
  };
}

/** @throws RangeError if the gate has no barrier. */
export function barrierOf(ports: Pick<EdgeAgentPorts, 'barriers'>, { gateId }: GateSettings): BarrierDriver {
  const barrier = ports.barriers.get(gateId);
  if (barrier === undefined) throw new RangeError(`gate ${gateId} has no barrier`);
  return barrier;
}

function isForBarrier(effect: LaneEffect): boolean {
  return effect.type === 'request-open' || effect.type === 'request-close' || effect.type === 'hold-open';
}
