/**
 * All that happens in the world, as it is told to the auditor and to the trace. Nothing here is read from the engine's or an
 * agent's memory: only physical truth, what became durable, what went over the wire, what people did, and which faults there were.
 * Times are true time: ms of simulated physical time since the start of the run, the same for everybody.
 */
import type { ChangeSet } from '@gatehouse/aggregator';
import type { OutboxEvent } from '@gatehouse/edge-agent';
import type { Direction } from '@gatehouse/shared';

/**
 * One edge agent's place: `edge-1`; a clone that runs beside it is another machine with the same edgeId: `edge-1~2`. Where it makes
 * sense, also `aggregator` and `broker`.
 */
export type MachineId = string;

/** How a vehicle came through a lane. `as-let-in`: after the arm was opened for it. */
export type Way = 'as-let-in' | 'tailgating' | 'free-flow' | 'wrong-way' | 'forced';

export type Happening =
  // -------------------------------------------------------------- the street
  /** A vehicle stands on the arming loop. `healthy`: nothing in this lane is broken now that would hide it. */
  | {
      readonly type: 'vehicle-stands';
      readonly vehicle: string;
      readonly plate: string | null;
      readonly gateId: string;
      readonly direction: Direction;
    }
  | {
      readonly type: 'vehicle-through';
      readonly vehicle: string;
      readonly gateId: string;
      readonly direction: Direction;
      readonly way: Way;
      /** Whether every sensor of the lane worked, and its agent ran, from arming to clear: then it must be counted exactly once. */
      readonly healthy: boolean;
    }
  /** It went back without going through: after it was let in, or unserved. */
  | {
      readonly type: 'vehicle-back';
      readonly vehicle: string;
      readonly gateId: string;
      readonly healthy: boolean;
    }
  /** What the lane's sensors under the arm (safety loop, photocell) report as a whole, told before the agent hears it. */
  | { readonly type: 'under-arm'; readonly gateId: string; readonly occupied: boolean }
  /** The fire input of a lane. */
  | { readonly type: 'fire-input'; readonly gateId: string; readonly active: boolean }
  | { readonly type: 'open-requested'; readonly gateId: string; readonly machine: MachineId }
  | { readonly type: 'close-requested'; readonly gateId: string; readonly machine: MachineId }
  // -------------------------------------------------------------- what is durable
  /** A commit of an edge's outbox that will survive a crash, at the moment it became so, told before the agent hears of it. */
  | {
      readonly type: 'outbox-committed';
      readonly machine: MachineId;
      readonly edgeId: string;
      readonly epoch: string;
      readonly events: readonly OutboxEvent[];
      /** A new epoch was begun with these events; what stood in the old one is gone. */
      readonly beginsEpoch: boolean;
    }
  | { readonly type: 'outbox-acknowledged'; readonly machine: MachineId; readonly epoch: string; readonly upTo: number }
  /** Losses counted in the space set aside. */
  | { readonly type: 'outbox-loss'; readonly machine: MachineId; readonly entries: number; readonly exits: number }
  /** Told before the aggregator hears of it. Also what stands in the store before the first start. */
  | { readonly type: 'store-committed'; readonly changes: ChangeSet }
  /** The outbox holds this from now on, whatever it held before: an older copy, a clone's copy, or nothing (`epoch` null). */
  | {
      readonly type: 'outbox-replaced';
      readonly machine: MachineId;
      readonly edgeId: string;
      readonly epoch: string | null;
      readonly next: number;
      readonly acked: number;
      /** Those that are kept, in order. */
      readonly events: readonly OutboxEvent[];
    }
  /** The aggregator's store holds these rows from now on and nothing else: an older copy, or nothing at all. */
  | { readonly type: 'store-replaced'; readonly contents: ChangeSet }
  /** What somebody measured of a live process: queues, maps, bytes, against their bounds. */
  | {
      readonly type: 'gauges';
      readonly of: MachineId;
      readonly values: readonly { readonly name: string; readonly value: number; readonly bound: number }[];
    }
  // -------------------------------------------------------------- the wire
  /** Handed to the broker by a live process. `payload` is the text as published. */
  | {
      readonly type: 'published';
      readonly by: MachineId;
      readonly topic: string;
      readonly payload: string;
    }
  /** Handed to a live process by the broker. */
  | {
      readonly type: 'delivered';
      readonly to: MachineId;
      readonly topic: string;
      readonly payload: string;
      /** The nth delivery of one publication; above 1 it is a duplicate. */
      readonly copy: number;
    }
  // -------------------------------------------------------------- people
  | {
      readonly type: 'operator-acted';
      readonly act: string;
      readonly siteId: string;
      /** Edge, gate, slot, session … as the act needs. */
      readonly target: string | null;
      readonly outcome: 'done' | 'refused' | 'failed';
      readonly detail: string;
    }
  // -------------------------------------------------------------- processes and faults
  | {
      readonly type: 'started' | 'crashed' | 'stopped';
      readonly machine: MachineId;
      readonly detail: string;
    }
  /** `kind` names the fault as the scenario does: `outbox-replaced-by-empty`, `link-cut`, `clock-jump` … */
  | { readonly type: 'fault'; readonly kind: FaultKind; readonly target: string; readonly detail: string }
  | { readonly type: 'fault-over'; readonly kind: FaultKind; readonly target: string }
  /** From now on nothing new goes wrong, and no new vehicle comes after the next `street-closed`. */
  | { readonly type: 'faults-end' }
  | { readonly type: 'street-closed' };

export type HappeningOf<T extends Happening['type']> = Extract<Happening, { type: T }>;

/** A happening with its place in the run. */
export interface Witnessed {
  readonly seq: number;
  readonly atMs: number;
  readonly happening: Happening;
}

export const faultKinds = [
  'message-delayed',
  'message-lost',
  'message-duplicated',
  'message-reordered',
  'link-cut',
  'link-half-open',
  'partition',
  'broker-down',
  'broker-forgets',
  'outbox-error',
  'outbox-full',
  'outbox-slow',
  'outbox-replaced-by-empty',
  'outbox-replaced-by-copy',
  'edge-cloned',
  'store-error',
  'store-full',
  'store-slow',
  'store-stored-but-failed',
  'store-replaced-by-empty',
  'store-replaced-by-copy',
  'edge-crash',
  'aggregator-crash',
  'crash-during-start',
  'clock-jump',
  'clock-drift',
  'sensor-bounce',
  'sensor-stuck',
  'sensor-dead',
  'reader-misread',
  'vehicle-backs-out',
  'vehicle-tailgates',
  'vehicle-wrong-way',
  'flood',
  'layout-change',
  'edge-revoked',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** A promise that was broken. */
export interface Finding {
  /** Short and stable: `slot-given-twice`, `passage-counted-twice`, `ack-ahead-of-store` … */
  readonly promise: string;
  readonly atMs: number;
  readonly detail: string;
}

/** Looks at everything that happens, and knows at once or at the end when a promise was broken. */
export interface Auditor {
  /** Throws nothing; findings are collected. */
  onHappening(witnessed: Witnessed): void;
  /** After the faults have ended and everything had its time to drain: what must be true now. */
  onDrained(atMs: number): void;
  readonly findings: readonly Finding[];
}
