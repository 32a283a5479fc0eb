/** What the engine of the world asks of the street: lanes, vehicles and sensors, which outlive every agent that runs beside them. */
import type { BarrierDriver, CredentialReader, SimulatedFault } from '@gatehouse/edge-agent';
import type { Clock, Random } from '@gatehouse/shared';
import type { FaultKind, Happening, MachineId } from './happenings.js';
import type { GatePlan, SitePlan } from './scenario.js';

export interface StreetPorts {
  /** True time: `monoMs` is the time of happenings. Its timers outlive every agent. */
  readonly clock: Clock;
  readonly random: Random;
  readonly tell: (happening: Happening) => void;
  readonly sites: readonly SitePlan[];
}

/** A new life of an agent at a lane. At most one life is attached to a lane at a time. */
export interface LaneLife {
  readonly gateId: string;
  readonly machine: MachineId;
  /** The clock of the agent's life: what the driver reports is stamped with its `monoMs`, which drifts from true time. */
  readonly clock: Clock;
}

export interface AttachedLane {
  readonly driver: BarrierDriver;
  /** null at a gate without a reader. */
  readonly reader: CredentialReader | null;
  /** The agent died or stopped: it hears nothing any more and what it still asks for has no effect. Outputs stay as they are. May be called twice. */
  detach(): void;
}

export interface Street {
  /** Vehicles begin to come. */
  open(): void;
  /** No further vehicle comes, from outside or from a slot; those in a queue or a lane go on. */
  close(): void;
  attach(life: LaneLife): AttachedLane;
  /** Makes something wrong at a lane, or right again. */
  setFault(gateId: string, fault: SimulatedFault, active: boolean): void;
  /** Every sensor, arm and reader is right again, and drivers behave from now on. */
  mendAll(): void;
  /** So many vehicles more come to an entry gate, all at once. */
  flood(gateId: string, vehicles: number): void;
  /** A lane is built. */
  addGate(siteId: string, gate: GatePlan): void;
  /** A lane is closed: nobody comes to it any more; who stands in it goes on. */
  removeGate(gateId: string): void;
  /** Vehicles in a lane or waiting behind it. */
  readonly vehiclesAtGates: number;
  /** Passages so far, however they came about. */
  readonly passages: number;
  /** How often drivers and readers did wrong, of which there are no happenings of their own. */
  readonly mischief: ReadonlyMap<FaultKind, number>;
}

export type CreateStreet = (ports: StreetPorts) => Street;
