/** Physical truth, as far as it matters. */
import type { Direction } from '@gatehouse/shared';
import type { EdgeBook, EventRecord, InLane } from './edge-types.js';
import type { PassageCount } from './event-facts.js';

export interface GateBook {
  readonly gateId: string;
  /** Vehicles on the arming loop or beyond, not through yet. */
  readonly inLane: Map<string, InLane>;
  /** When one left it last. */
  leftAtMs: number;
  /** Direction of the one that came last. */
  standing: Direction | null;
  /** What the sensors under the arm say; null until they said anything. */
  underArm: boolean | null;
  fire: boolean;
  readonly through: PassageCount;
  readonly healthy: PassageCount;
  /** Passages and turnings back in a lane that was not healthy: each may be miscounted. */
  unhealthy: number;
  /** Faults at work that make a loop show vehicles that are not there. */
  readonly seesPhantomsBy: Set<string>;
  /** Faults of sensors: phantom passages may come of them. */
  sensorFaults: number;
  /** Durable in an outbox. */
  readonly reported: PassageCount;
  /** Passages that were reported and will not be counted, for a reason. */
  readonly excused: PassageCount;
  /** Came in and not yet matched with the report that says where they were sent. */
  readonly cameIn: CameIn[];
  /** The reports that no vehicle was matched with yet: one may be durable before the vehicle is told to be through. */
  readonly reportedIn: Sent[];
}

export interface CameIn {
  readonly vehicle: string;
  readonly plate: string | null;
  readonly atMs: number;
}

export interface StreetBook {
  readonly gates: Map<string, GateBook>;
  /** Vehicles inside, and their gate of entry. `parked`: in no lane, hence where they were sent. */
  readonly inside: Map<string, { readonly gateId: string; slot: string | null; parked: boolean }>;
  /** `site/slot` whose session was last ended by a rule that need not be right about who left. */
  readonly guessed: Map<string, number>;
  readonly insideBySite: Map<string, number>;
  /** More passages stored than have happened, as it seemed at some time: asked again a little later. */
  readonly suspicions: {
    readonly gateId: string;
    readonly direction: Direction;
    readonly counted: number;
    readonly atMs: number;
  }[];
  /** `site/slot` and the vehicle inside that was sent there, as which event tells. */
  readonly claims: Map<string, Claim>;
  /** Who waits for an answer, and since when. */
  readonly waiting: Map<string, { readonly gateId: string; readonly sinceMs: number }>;
  gate(gateId: string): GateBook;
  /** Whoever stands at the gate has his answer. */
  answered(gateId: string): void;
}

export interface Claim {
  readonly vehicle: string;
  readonly edge: EdgeBook;
  readonly record: EventRecord;
  readonly inDoubt: boolean;
  /** Somebody at the desk sent it there, and no edge knows. */
  readonly byDesk?: boolean;
}

export interface Sent {
  readonly gateId: string;
  /** When it was durable. */
  readonly atMs: number;
  readonly slotId: string | null;
  /** What it showed, as read. */
  readonly plate: string | null;
  /** The edge let it in while its outbox may have given out the slot before. */
  readonly inDoubt: boolean;
  readonly edge: EdgeBook;
  readonly record: EventRecord;
  /** As in a claim. */
  readonly byDesk?: boolean;
}
