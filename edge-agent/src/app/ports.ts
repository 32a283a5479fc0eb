/**
 * What the edge agent asks of its surroundings. Every port has an in-memory version beside the real one, and both pass the same
 * conformance suite (`edge-agent/test/conformance/`).
 */
import type {
  CentreToEdgeChannel,
  Clock,
  Credential,
  Direction,
  EdgeToCentreChannel,
  Logger,
  Random,
  Sha256,
} from '@gatehouse/shared/edge';
import type { Lamp, LaneInput } from '../domain/lane/vocabulary.js';
import type { OutboxEvent } from '../domain/outbox/chain.js';
import type { LogLines } from './log-lines.js';

// ---------------------------------------------------------------- the barrier

export { laneInputs } from '../domain/lane/vocabulary.js';
export type { Lamp, LaneInput } from '../domain/lane/vocabulary.js';

export interface InputEdge {
  readonly input: LaneInput;
  readonly active: boolean;
  /** When it happened, on the lane's clock. */
  readonly monoMs: number;
}

export interface BarrierListener {
  onInput(edge: InputEdge): void;
  /** The driver cannot go on as it should; `detail` says what a technician should look at. */
  onTrouble(detail: string): void;
  /** The driver works again. */
  onTroubleOver(): void;
}

/**
 * One barrier. Requests are wishes: the barrier's own wired interlocks decide, and only a limit input proves a motion.
 * No method throws; trouble goes to the listener.
 */
export interface BarrierDriver {
  /** The inputs that are wired. */
  readonly inputs: ReadonlySet<LaneInput>;
  /** Drives outputs to their safe level, then answers the present level of every wired input and reports each edge from then on. */
  start(listener: BarrierListener): Promise<ReadonlyMap<LaneInput, boolean>>;
  requestOpen(): void;
  requestClose(): void;
  /** While set, the barrier is kept open. */
  setHoldOpen(holdOpen: boolean): void;
  setLamp(lamp: Lamp): void;
  /** At most 40 characters; empty to clear. */
  showText(text: string): void;
  /** Drives outputs to their safe level. May be called twice. */
  stop(): Promise<void>;
}

/** A read of a plate or tag, or a ticket taken. Never opens a gate by itself. */
export interface CredentialRead {
  readonly gateId: string;
  readonly credential: Credential;
  /** When it was read, on the lane's clock. */
  readonly monoMs: number;
  /** Which way the vehicles go that its reader sees: it serves no other. Absent: its reader says nothing of that. */
  readonly direction?: Direction | undefined;
  /** The reader's own name of the vehicle, at most 128 characters: reads that carry the same are of one vehicle. */
  readonly trackId?: string | undefined;
}

export interface CredentialReader {
  start(onRead: (read: CredentialRead) => void): Promise<void>;
  /** May be called twice. */
  stop(): Promise<void>;
}

// ---------------------------------------------------------------- the outbox

export type { OutboxEvent } from '../domain/outbox/chain.js';

/** Small durable facts beside the events: lane modes, commands begun, allowance, access list. At most 256 entries of at most 512 KiB in all. */
export type OutboxNotes = ReadonlyMap<string, string>;

export interface OutboxSnapshot {
  readonly epoch: string;
  /** The oldest seq kept; equals `next` when nothing is. */
  readonly oldest: number;
  /** The seq the next event gets. */
  readonly next: number;
  /** The highest seq the aggregator has acknowledged in this epoch. */
  readonly acked: number;
  /** The time that went with the newest acknowledgement of this epoch; 0 if there is none. */
  readonly ackedAtMs: number;
  /** The running hash after seq `next - 1`. */
  readonly lastHash: string;
  /** Canonical bytes of the events kept. */
  readonly bytes: number;
  readonly notes: OutboxNotes;
  /** Losses that could not be written as an event yet. */
  readonly lost: LossCount;
  /** Set when the store was found damaged and a new epoch was begun at open. */
  readonly damaged: string | null;
}

export interface LossCount {
  readonly events: number;
  readonly entries: number;
  readonly exits: number;
}

export type OutboxErrorCode = 'full' | 'io' | 'damaged' | 'in-use' | 'unwritable' | 'newer-database' | 'closed';

export class OutboxError extends Error {
  override readonly name = 'OutboxError';
  readonly code: OutboxErrorCode;

  constructor(code: OutboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What one transaction writes. */
export interface OutboxWrite {
  readonly events: readonly OutboxEvent[];
  /** Notes to set; null deletes. */
  readonly notes?: ReadonlyMap<string, string | null>;
  /** Losses that these events account for: taken off the loss counter in the same transaction. */
  readonly accountedLoss?: LossCount;
}

/** What a new epoch begins with, asked for step by step so that a long backlog need not be in memory at once. */
export interface EpochBeginning {
  /** The next events, going on where the step before ended; null after the last. May call `read`, which answers as before. */
  readonly next: () => Promise<readonly OutboxEvent[] | null>;
  /** Notes to set, null deletes: asked for after the last step. */
  readonly notes: () => ReadonlyMap<string, string | null>;
}

/**
 * The durable outbox. Calls are made one after the other. When `append` resolves, the events survive a power cut (as far as the
 * storage keeps its word); when it rejects, none of them is there. Every method may reject with an OutboxError.
 */
export interface OutboxStore {
  /** Creates it with `newEpoch` if there is none, or if what is there is damaged beyond use (which is kept aside and reported). */
  open(newEpoch: string): Promise<OutboxSnapshot>;
  append(write: OutboxWrite): Promise<void>;
  /** Events from `fromSeq` on, in order, at most `maxEvents` and at most `maxBytes` of JSON, but at least one if there is one. */
  read(fromSeq: number, maxEvents: number, maxBytes: number): Promise<OutboxEvent[]>;
  /** The running hash after `seq`, or null if it is no longer kept. 0 is the genesis hash of the epoch. */
  hashAt(seq: number): Promise<string | null>;
  /**
   * Remembers that everything up to `upTo` is acknowledged, at `atMs` of any clock that is the same over restarts. Never goes back;
   * need not be durable at once.
   */
  acknowledge(upTo: number, atMs: number): Promise<void>;
  /** The aggregator was restored: acknowledged is less than was thought. */
  rewind(upTo: number): Promise<void>;
  /** Deletes acknowledged events beyond the bounds (oldest first, in steps of at most `maxRows`); answers the oldest seq kept. */
  trim(bounds: {
    readonly ackedBeforeMs: number;
    readonly maxBytes: number;
    /** Kept, those that are not acknowledged included. */
    readonly maxEvents: number;
    readonly maxRows: number;
  }): Promise<number>;
  /**
   * Starts a new epoch; the old epoch's events are dropped in the same transaction. Rejects, with nothing changed, if a step does.
   */
  beginEpoch(epoch: string, beginning: EpochBeginning): Promise<void>;
  /** Counts a loss in space that was set aside beforehand, so that it works on a full disk. */
  countLoss(loss: LossCount): Promise<void>;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- the link

export interface EdgeLinkHandlers {
  /** Connected and subscribed. */
  onUp(): void;
  onDown(reason: string): void;
  /** Must return at once. */
  onMessage(channel: CentreToEdgeChannel, payload: Uint8Array): void;
}

/**
 * The way to the aggregator through a broker, as this edge. Reconnects by itself with full jitter; holds no message while down.
 */
export interface EdgeLink {
  /** Resolves at once; connecting goes on in the background. `will` is published by the broker when the connection breaks. */
  start(handlers: EdgeLinkHandlers, will: string): Promise<void>;
  /** Hands a message to the broker at QoS 1. Rejects when not connected, or if the broker does not take it in time. Proves nothing about delivery. */
  publish(channel: EdgeToCentreChannel, payload: string): Promise<void>;
  readonly isUp: boolean;
  /** Publishes `farewell` on `state` if it can, then disconnects. May be called twice. */
  stop(farewell: string): Promise<void>;
}

// ---------------------------------------------------------------- the recording of inputs

/** Where a recording goes: one file that grows, and the one before it. No method throws or rejects. */
export interface RecordingSink {
  /** Answers the bytes of the file that is gone on with. */
  start(): Promise<number>;
  /** Takes whole lines, to be written soon; false if they cannot be kept. */
  append(text: string): boolean;
  /** What is appended from here on goes into a new file; of the former ones the last is kept. */
  nextFile(): void;
  /** Writes what waits, within two seconds. May be called twice. */
  stop(): Promise<void>;
}

export interface RecordingPort {
  readonly sink: RecordingSink;
  /** Of both files together. */
  readonly maxBytes: number;
  readonly origin: 'recorded' | 'simulated';
}

// ---------------------------------------------------------------- the service manager

/** What a service manager can be told, after sd_notify(3). */
export interface ServiceNotice {
  /** The agent has started. */
  readonly ready?: true;
  /** The agent is well; to be said again within `watchdogMs`. */
  readonly alive?: true;
  readonly stopping?: true;
  /** The start may go on for so long from now. */
  readonly startTakesMs?: number;
  /** One line for people; what goes beyond 200 characters is cut off. */
  readonly status?: string;
}

/** What started the process and watches over it. */
export interface ServiceManager {
  /** It ends a process that has not said `alive` for so long; null if it does not watch. */
  readonly watchdogMs: number | null;
  /** Neither throws nor waits for an answer. */
  tell(notice: ServiceNotice): void;
}

// ---------------------------------------------------------------- the machine

/** How long the machine has been up: what two runs of the agent can compare, whatever the wall clock does. */
export interface MachineUptime {
  /** Another one after each boot of the machine. */
  readonly bootId: string;
  /** Goes on while the machine runs. */
  upMs(): number;
}

// ---------------------------------------------------------------- everything together

export interface EdgeAgentPorts {
  /** The lane's clock: physical time at the gate. Records and lane timers go by it. */
  readonly clock: Clock;
  /** The clock of the protocol: decision time-out, resends, command deadlines. The same as `clock` but in scaled simulations. */
  readonly linkClock: Clock;
  readonly random: Random;
  readonly sha256: Sha256;
  readonly logger: Logger;
  readonly outbox: OutboxStore;
  readonly link: EdgeLink;
  /** One driver a gate. */
  readonly barriers: ReadonlyMap<string, BarrierDriver>;
  readonly readers: readonly CredentialReader[];
  /** Undefined: nothing is recorded. */
  readonly recording?: RecordingPort | undefined;
  /** The last log lines, for an aggregator that asks. Undefined: none is told. */
  readonly log?: LogLines | undefined;
  /** Identifies this boot of the machine, 32 hexadecimal digits. */
  readonly bootId: string;
  /** Undefined: it cannot be told how long ago the run before ended, and nobody is recognised at a start. */
  readonly machine?: MachineUptime | undefined;
  /** Ends the process so that the service manager starts it again (the `restart` command). */
  readonly requestRestart: () => void;
}
