/** The requests and answers of the local control of a simulation. */
import { z } from 'zod';
import type { GateVehicleReport } from './driver.js';
import type { VehicleStep } from './physical-events.js';
import { simulatedFaultSchema } from './settings.js';
import type { SimulatedFault } from './settings.js';

export const maxControlBodyBytes = 16 * 1024;
export const maxControlWaitMs = 30_000;
export const maxControlEvents = 1_000;

export const faultRequestSchema = z.strictObject({ fault: simulatedFaultSchema, active: z.boolean() });
export type FaultRequest = z.infer<typeof faultRequestSchema>;

export const powerRequestSchema = z.strictObject({ on: z.boolean(), gateId: z.string().max(63).optional() });
export type PowerRequest = z.infer<typeof powerRequestSchema>;

export const eventsQuerySchema = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  waitMs: z.coerce.number().int().min(0).max(maxControlWaitMs).default(0),
  limit: z.coerce.number().int().min(1).max(maxControlEvents).default(maxControlEvents),
});

/** What is known of a vehicle: how far it has come, or what became of it. */
export type VehicleStatus =
  | {
      readonly vehicleId: string;
      readonly gateId: string;
      readonly ended: false;
      readonly step: VehicleStep;
      readonly atMs: number;
    }
  | { readonly vehicleId: string; readonly gateId: string; readonly ended: true; readonly report: GateVehicleReport };

export interface ControlGate {
  readonly gateId: string;
  readonly direction: string;
  readonly queuedVehicles: number;
  readonly vehiclesInLane: number;
  readonly faults: readonly SimulatedFault[];
}

export interface ControlEvent {
  /** 1, 2, 3 … since the agent started. */
  readonly cursor: number;
  readonly report: GateVehicleReport;
}

export interface ControlEventPage {
  readonly events: readonly ControlEvent[];
  /** Give this as `after` next time. */
  readonly next: number;
  /** How many events after the cursor asked for were forgotten already. */
  readonly missed: number;
  /** Changes with every start of the agent; cursors begin again then. */
  readonly run: string;
}
