/** Everything about one run, as plain JSON drawn from a seed. */
import type { GateDirection, SlotClass } from '@gatehouse/shared';
import type { FaultKind } from './happenings.js';

export interface GatePlan {
  readonly gateId: string;
  readonly direction: GateDirection;
  readonly hasReader: boolean;
}

export interface EdgePlan {
  readonly edgeId: string;
  readonly gates: readonly GatePlan[];
}

/** Shares of drivers and reads that are not as they should be, 0 to 1. */
export interface Habits {
  readonly misread: number;
  readonly noRead: number;
  readonly backsOut: number;
  readonly tailgates: number;
  readonly wrongWay: number;
}

export interface SitePlan {
  readonly siteId: string;
  readonly slots: readonly { readonly slotId: string; readonly slotClass: SlotClass }[];
  readonly edges: readonly EdgePlan[];
  readonly vehiclesPerHour: number;
  /** Median of how long a vehicle stays. */
  readonly stayMinutes: number;
  /** Share of vehicles without a plate that can be read. */
  readonly plateless: number;
  readonly habits: Habits;
  readonly allowance: { readonly sharePercent: number; readonly maxSlotsPerEdge: number };
  /** Gates admit although no slot is set aside: off but in a few runs. */
  readonly openWhenNoAllowance: boolean;
}

/** How often something goes wrong, and for how long. */
export interface FaultPlan {
  readonly perHour: number;
  /** Mean duration; of no meaning for what happens at an instant. */
  readonly meanMs: number;
}

export interface PeoplePlan {
  /** Acts of all people together, but for changes of the layout and revocations. */
  readonly actsPerHour: number;
  /** They also do what gives a promise away: release by force what lives, override a recovery. */
  readonly reckless: boolean;
  readonly layoutChangesPerHour: number;
  readonly revocationsPerHour: number;
  /** How long a revoked edge stays so. */
  readonly revokedMeanMs: number;
}

export interface Scenario {
  readonly seed: number;
  readonly sites: readonly SitePlan[];
  readonly faults: Readonly<Partial<Record<FaultKind, FaultPlan>>>;
  readonly people: PeoplePlan;
  /** The broker is part of the aggregator's process; else it runs beside it. */
  readonly embeddedBroker: boolean;
  /** How edges report their state. */
  readonly state: { readonly coalesceMs: number; readonly intervalMs: number };
  readonly warmUpMs: number;
  readonly troubleMs: number;
  /** After the faults have ended, until no vehicle comes any more. */
  readonly calmMs: number;
  readonly drainMs: number;
}
