/** What is known of an edge: its events, its machines, and who stands at its lanes. */
import type { Direction, EdgeEvent } from '@gatehouse/shared';
import type { MachineId } from '../happenings.js';
import type { PassageCount } from './event-facts.js';

/** How an event stopped being owed: stored, or why it need not be. */
export type Settlement = 'stored' | 'known' | 'quarantined' | 'gap' | 'dropped';

export interface EventRecord {
  readonly machine: MachineId;
  readonly epoch: string;
  readonly seq: number;
  readonly hash: string;
  readonly prevHash: string;
  readonly json: string;
  readonly event: EdgeEvent;
  /** `epoch:seq:hash` of where it stood first. */
  readonly origin: string;
  settled: Settlement | null;
  /** It is in an outbox yet, as far as is known. */
  inOutbox: boolean;
  /** Its outbox was destroyed or replaced, true time. */
  destroyedAtMs: number | null;
}

export interface EdgeBook {
  readonly edgeId: string;
  readonly epochsUsed: Set<string>;
  /** By `epoch:seq`; more than one where stores were copied. */
  readonly byPlace: Map<string, EventRecord[]>;
  readonly byOrigin: Map<string, EventRecord[]>;
  /** In the order of commits, for forgetting. */
  readonly order: EventRecord[];
  /** Its outbox was restored or cloned, and no new epoch was begun since: what it holds may be given out already. */
  dubious: boolean;
  /** Commands it reported as done. */
  readonly doneCommands: Set<string>;
  /** Gates that were held open at some time: an older copy of its outbox may hold them open again. */
  readonly heldOpen: Set<string>;
  /** Passages that a lost outbox or an agent's end took along before they were durable or reported as lost. */
  readonly takenAlong: PassageCount;
}

export interface MachineBook {
  readonly machine: MachineId;
  readonly edgeId: string;
  running: boolean;
  epoch: string | null;
  next: number;
  lastHash: string;
  /** The highest seq its outbox has released in this epoch. */
  released: number;
  /** The instance it shows on the wire. */
  instance: string | null;
  /** Its monotonic clock as last shown, and when that was in true time. */
  shown: { readonly monoMs: number; readonly atMs: number } | null;
  /** Faults of its outbox now, and whether it has written nothing since one. */
  readonly trouble: { active: number; unproven: boolean };
  readonly lanes: Map<string, LaneBook>;
  readonly commands: Map<string, CommandBook>;
  /** Counted as lost and not reported yet. */
  readonly lossToReport: PassageCount;
}

export interface CommandBook {
  readonly kind: string;
  readonly gateId: string;
  timely: boolean;
  /** True time after which it must not begin. */
  latestStartMs: number;
}

export interface Offer {
  readonly outcome: 'admit' | 'own' | 'deny';
  readonly basis: string;
  readonly slotId: string | null;
  readonly timely: boolean;
}

export interface ArrivalBook {
  place: string;
  readonly origin: string;
  readonly gateId: string;
  readonly direction: Direction;
  readonly value: string | null;
  readonly committedAtMs: number;
  /** Decisions that were delivered for it. */
  readonly offers: Offer[];
  local: { readonly slotId: string | null; readonly basis: string } | null;
  /** It was let in by an outbox that may have given out the slot before. */
  inDoubt: boolean;
  /** It may open the gate. */
  admitted: boolean;
  denied: boolean;
}

/** One stay of a vehicle at a gate. */
export interface InLane {
  readonly plate: string | null;
  readonly direction: Direction;
  readonly sinceMs: number;
}

export interface LaneBook {
  /** The arrival that is open by what is durable. */
  current: ArrivalBook | null;
  lastRequest: 'open' | 'close' | null;
  holdOpen: boolean;
  /** An open command may be carried out, or keeps the lane open, until then. */
  commandOpenUntilMs: number;
  /** Who stood there when an exit was opened and nothing could be made durable: it is let out though nothing tells of it. */
  letOut: readonly InLane[];
}
