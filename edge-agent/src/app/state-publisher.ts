/** Publishes the state of the edge: on connect, on change (changes within a moment go out together), and at intervals. */
import type { Clock, EdgeState, FaultName, Logger, Sha256 } from '@gatehouse/shared/edge';
import { modeOf } from '../domain/lane/state.js';
import type { LaneState } from '../domain/lane/state.js';
import type { EdgeLink } from './ports.js';
import type { RecorderView } from './recorder.js';
import type { ProtocolSettings } from './settings.js';
import type { GateStatus } from './status.js';
import { agentVersion } from './version.js';

export interface StatePublisher {
  linkUp(): void;
  changed(): void;
  publishNow(): void;
  stop(): void;
}

export function createStatePublisher(options: {
  readonly link: EdgeLink;
  readonly linkClock: Clock;
  readonly logger: Logger;
  readonly settings: ProtocolSettings;
  readonly state: () => EdgeState;
}): StatePublisher {
  const { link, linkClock, logger, settings } = options;
  let cancelInterval: () => void = () => undefined;
  let cancelChange: (() => void) | undefined;
  let stopped = false;

  const publishNow = (): void => {
    cancelChange?.();
    cancelChange = undefined;
    if (stopped) return;
    cancelInterval();
    cancelInterval = linkClock.setTimer(settings.stateIntervalMs, publishNow);
    if (!link.isUp) return;
    link.publish('state', JSON.stringify(options.state())).catch((error: unknown) => {
      logger.debug({ error: String(error) }, 'the state was not taken');
    });
  };

  return {
    linkUp: publishNow,
    publishNow,
    changed() {
      if (stopped || cancelChange !== undefined || !link.isUp) return;
      cancelChange = linkClock.setTimer(settings.stateCoalesceMs, publishNow);
    },
    stop() {
      stopped = true;
      cancelInterval();
      cancelChange?.();
    },
  };
}

export interface StateParts {
  readonly instance: string;
  readonly outbox: RecorderView;
  /** undefined while it is not known. */
  readonly outboxOldestAgeMs: number | null | undefined;
  readonly lastDecisionMs: number | null;
  readonly clock: Clock;
  /** Its monotonic time is what the deadlines of commands are measured by. */
  readonly linkClock: Clock;
  /** Of `linkClock`. */
  readonly bootId: string;
  readonly allowanceVersion: number;
  readonly faults: readonly FaultName[];
  readonly gates: readonly GateStatus[];
}

export function onlineState(parts: StateParts): EdgeState {
  const { outbox, outboxOldestAgeMs, lastDecisionMs } = parts;
  return {
    presence: 'online',
    instance: parts.instance,
    version: agentVersion,
    epoch: outbox.epoch,
    oldest: outbox.oldest,
    next: outbox.next,
    acked: outbox.told,
    allowanceVersion: parts.allowanceVersion,
    clock: {
      atMs: Math.max(0, Math.floor(parts.clock.wallMs())),
      monoMs: Math.max(0, Math.floor(parts.linkClock.monoMs())),
      bootId: parts.bootId,
    },
    outboxBytes: outbox.bytes,
    ...(outboxOldestAgeMs === undefined ? {} : { outboxOldestAgeMs }),
    lastDecisionMs: lastDecisionMs === null ? null : Math.round(lastDecisionMs),
    faults: [...parts.faults],
    gates: parts.gates.map((gate) => ({
      gateId: gate.gateId,
      direction: gate.direction,
      barrier: gate.barrier,
      mode: gate.mode,
      sensors: { ...gate.sensors },
      faults: [...gate.faults],
      arrival: gate.arrival?.seq ?? null,
      vehicleClass: gate.vehicleClass,
    })),
  };
}

/**
 * Times of one boot id are compared. Where the lanes run on a clock of their own, those of a state do not compare with those of
 * events, and have another one.
 */
export function bootIdOfLink(ports: {
  readonly clock: Clock;
  readonly linkClock: Clock;
  readonly bootId: string;
  readonly sha256: Sha256;
}): string {
  return ports.clock === ports.linkClock ? ports.bootId : ports.sha256(`link of ${ports.bootId}`).slice(0, 32);
}

/** Whether something happened that the state message is to tell at once. */
export function tellsApart(before: LaneState, after: LaneState): boolean {
  return (
    before.barrier.position !== after.barrier.position ||
    before.inputs !== after.inputs ||
    before.health.faults !== after.health.faults ||
    before.vehicle?.arrival?.id !== after.vehicle?.arrival?.id ||
    modeOf(before) !== modeOf(after)
  );
}
