/** What the model of a lane reports: edges for the driver, and the truth for whoever checks the books afterwards. */
import type { LaneInput } from '../../app/ports.js';
import type { VehicleBehaviour, VehicleOutcome } from './settings.js';

export interface SignText {
  readonly atMs: number;
  readonly text: string;
}

/** What became of one vehicle. Times are on the lane's monotonic clock. */
export interface VehicleReport {
  readonly vehicleId: string;
  readonly plate: string | null;
  readonly vehicleClass: string;
  readonly behaviour: VehicleBehaviour;
  readonly label: string | null;
  readonly lengthM: number;
  readonly queuedAtMs: number;
  /** When it first covered the loop it came to; null if it never did. */
  readonly arrivedAtMs: number | null;
  /** When it drove off past the arm; null if it never did. */
  readonly startedAtMs: number | null;
  /** When it was through, or away again. */
  readonly endedAtMs: number;
  readonly outcome: VehicleOutcome;
  /** Which way it went through; null if it did not. */
  readonly direction: 'inward' | 'outward' | null;
  /** What the reader made of its plate. */
  readonly reads: readonly string[];
  /** What the sign said while it was there. */
  readonly signTexts: readonly SignText[];
}

/** Metres along the lane; the arming loop begins at 0, and the head is the end towards the site. */
export interface VehiclePlace {
  readonly vehicleId: string;
  readonly tailM: number;
  readonly headM: number;
}

export type VehicleStep = 'queued' | 'driving-up' | 'at-loop' | 'waiting' | 'started' | 'halted' | 'leaving';
export type ArmStep = 'opening' | 'open' | 'closing' | 'closed' | 'reversed' | 'close-refused' | 'stopped';

export type PhysicalEvent =
  | { readonly type: 'input'; readonly atMs: number; readonly input: LaneInput; readonly active: boolean }
  | {
      readonly type: 'read';
      readonly atMs: number;
      readonly vehicleId: string;
      readonly value: string;
      readonly confidence: number;
    }
  | { readonly type: 'vehicle'; readonly atMs: number; readonly vehicleId: string; readonly step: VehicleStep }
  | { readonly type: 'ended'; readonly atMs: number; readonly report: VehicleReport }
  | { readonly type: 'arm'; readonly atMs: number; readonly step: ArmStep }
  | { readonly type: 'power'; readonly atMs: number; readonly on: boolean };
