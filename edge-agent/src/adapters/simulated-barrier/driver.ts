/** A simulated barrier and plate reader over the physical model of a lane, on a clock. */
import type { Clock, GateDirection, Random } from '@gatehouse/shared/edge';
import type { BarrierDriver, BarrierListener, CredentialRead, CredentialReader, LaneInput } from '../../app/ports.js';
import type { PhysicalEvent, VehiclePlace, VehicleReport } from './physical-events.js';
import { createLanePhysics } from './physics.js';
import type { LaneOutput } from './physics.js';
import { simulatedInputs } from './sensors.js';
import { vehicleOrderSchema } from './settings.js';
import type { SimulatedFault, SimulatedLaneSettings, VehicleOrderInput } from './settings.js';

/** What physically happened at a gate. Times are wall-clock milliseconds of the lane's clock, in the report too. */
export type GateHappening = PhysicalEvent & { readonly gateId: string };

/** A vehicle's report with the gate it was at; times are wall-clock milliseconds of the lane's clock. */
export interface GateVehicleReport extends VehicleReport {
  readonly gateId: string;
}

export type SendResult =
  { readonly accepted: true; readonly vehicleId: string } | { readonly accepted: false; readonly reason: 'queue-full' };

export interface SimulatedBarrierOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly gateId: string;
  /** Default `entry`: what the gate is for; only `both` serves vehicles from the far side. */
  readonly direction: GateDirection;
  readonly hasReader: boolean;
  readonly settings: SimulatedLaneSettings;
  /** Told everything that physically happens. */
  readonly log?: (happening: GateHappening) => void;
}

export interface SimulatedBarrier {
  readonly gateId: string;
  readonly direction: GateDirection;
  readonly barrier: BarrierDriver;
  readonly reader: CredentialReader;
  /** @throws ZodError for an order that cannot be. */
  send(order: VehicleOrderInput): SendResult;
  setFault(fault: SimulatedFault, active: boolean): void;
  readonly activeFaults: ReadonlySet<SimulatedFault>;
  setPower(on: boolean): void;
  /** Vehicles that have passed or gone, oldest first; the newest `maxKeptReports`. */
  vehicles(): readonly GateVehicleReport[];
  readonly queuedVehicles: number;
  readonly vehiclesInLane: number;
  /** Where each vehicle in the lane is now. */
  places(): readonly VehiclePlace[];
  /** Answers how to stop listening. */
  onHappening(listener: (happening: GateHappening) => void): () => void;
  /** Ends the model; it outlives `barrier.stop()`, as steel outlives a process. */
  dispose(): void;
}

const maxKeptReports = 10_000;

export function createSimulatedBarrier(options: SimulatedBarrierOptions): SimulatedBarrier {
  const { clock, gateId } = options;
  const physics = createLanePhysics({ ...options, startMs: clock.monoMs() });
  physics.advanceTo(clock.monoMs());
  const reports: GateVehicleReport[] = [];
  const listeners = new Set<(happening: GateHappening) => void>();
  if (options.log !== undefined) listeners.add(options.log);
  const faults = new Set<SimulatedFault>();
  let barrierListener: BarrierListener | undefined;
  let onRead: ((read: CredentialRead) => void) | undefined;
  let cancelTimer: () => void = () => undefined;
  let disposed = false;

  const arm = (): void => {
    cancelTimer();
    const { nextMs } = physics;
    if (nextMs === undefined || disposed) return;
    cancelTimer = clock.setTimer(Math.max(0, nextMs - clock.monoMs()), pump);
  };
  // Only ever called by a timer, so that the agent is never called back from within its own request.
  const pump = (): void => {
    const events = physics.advanceTo(clock.monoMs());
    const wallOffsetMs = clock.wallMs() - clock.monoMs();
    for (const event of events) {
      tellAgent(event);
      tellWitnesses(event, wallOffsetMs);
    }
    arm();
  };
  const tellAgent = (event: PhysicalEvent): void => {
    if (event.type === 'input') {
      barrierListener?.onInput({ input: event.input, active: event.active, monoMs: event.atMs });
    } else if (event.type === 'read') {
      const { value, confidence } = event;
      const { source } = options.settings.reader;
      onRead?.({ gateId, monoMs: event.atMs, credential: { kind: 'plate', value, source, confidence } });
    }
  };
  const tellWitnesses = (event: PhysicalEvent, wallOffsetMs: number): void => {
    const happening: GateHappening = { gateId, ...atWallTime(event, wallOffsetMs) };
    if (happening.type === 'ended') {
      reports.push({ gateId, ...happening.report });
      if (reports.length > maxKeptReports) reports.shift();
    }
    for (const listener of listeners) listener(happening);
  };
  const output = (wish: LaneOutput): void => {
    physics.output(clock.monoMs(), wish);
    arm();
  };
  const safeOutputs = (): void => {
    output({ kind: 'hold-open', on: false });
    output({ kind: 'lamp', lamp: 'red' });
    output({ kind: 'text', text: '' });
  };

  return {
    gateId,
    direction: options.direction,
    barrier: {
      inputs: new Set<LaneInput>(simulatedInputs),
      start(listener) {
        safeOutputs();
        pump();
        barrierListener = listener;
        return Promise.resolve(physics.levels());
      },
      requestOpen: () => {
        output({ kind: 'open' });
      },
      requestClose: () => {
        output({ kind: 'close' });
      },
      setHoldOpen: (on) => {
        output({ kind: 'hold-open', on });
      },
      setLamp: (lamp) => {
        output({ kind: 'lamp', lamp });
      },
      showText: (text) => {
        output({ kind: 'text', text: text.slice(0, 40) });
      },
      stop() {
        barrierListener = undefined;
        if (!disposed) safeOutputs();
        return Promise.resolve();
      },
    },
    reader: {
      start(listener) {
        onRead = listener;
        return Promise.resolve();
      },
      stop() {
        onRead = undefined;
        return Promise.resolve();
      },
    },
    send(order) {
      const vehicleId = physics.send(clock.monoMs(), vehicleOrderSchema.parse(order));
      arm();
      return vehicleId === undefined ? { accepted: false, reason: 'queue-full' } : { accepted: true, vehicleId };
    },
    setFault(fault, active) {
      if (active) faults.add(fault);
      else faults.delete(fault);
      physics.setFault(clock.monoMs(), fault, active);
      arm();
    },
    activeFaults: faults,
    setPower(on) {
      physics.setPower(clock.monoMs(), on);
      arm();
    },
    vehicles: () => reports,
    get queuedVehicles() {
      return physics.queuedVehicles;
    },
    get vehiclesInLane() {
      return physics.vehiclesInLane;
    },
    places: () => physics.places(clock.monoMs()),
    onHappening(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    dispose() {
      disposed = true;
      cancelTimer();
    },
  };
}

function atWallTime(event: PhysicalEvent, offsetMs: number): PhysicalEvent {
  const wall = (monoMs: number): number => Math.round(monoMs + offsetMs);
  if (event.type !== 'ended') return { ...event, atMs: wall(event.atMs) };
  const { report } = event;
  return {
    type: 'ended',
    atMs: wall(event.atMs),
    report: {
      ...report,
      queuedAtMs: wall(report.queuedAtMs),
      arrivedAtMs: report.arrivedAtMs === null ? null : wall(report.arrivedAtMs),
      startedAtMs: report.startedAtMs === null ? null : wall(report.startedAtMs),
      endedAtMs: wall(report.endedAtMs),
      signTexts: report.signTexts.map((sign) => ({ atMs: wall(sign.atMs), text: sign.text })),
    },
  };
}
