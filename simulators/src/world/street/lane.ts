/** One lane of the street: the production model of its steel, the agent's life that is wired to it, and the truth of what happens there. */
import { createSimulatedBarrier } from '@gatehouse/edge-agent';
import type {
  BarrierDriver,
  BarrierListener,
  CredentialRead,
  CredentialReader,
  GateHappening,
  InputEdge,
  LaneInput,
  SimulatedBarrier,
  SimulatedFault,
  SimulatedLaneSettings,
  VehicleOrderInput,
  VehiclePlace,
} from '@gatehouse/edge-agent';
import type { Clock, Random } from '@gatehouse/shared';
import type { Happening } from '../happenings.js';
import type { GatePlan } from '../scenario.js';
import type { AttachedLane, LaneLife } from '../street-port.js';
import { createLaneTruth } from './lane-truth.js';
import type { LaneEnd, LaneTruth } from './lane-truth.js';

export interface StreetLane {
  readonly gate: GatePlan;
  readonly settings: SimulatedLaneSettings;
  /** `vehicle` is the name that happenings give it. */
  send(vehicle: string, order: VehicleOrderInput): void;
  attach(life: LaneLife): AttachedLane;
  setFault(fault: SimulatedFault, active: boolean): void;
  mend(): void;
  places(): readonly VehiclePlace[];
  /** Vehicles sent that have not driven up yet. */
  readonly waiting: number;
  readonly inLane: number;
}

export interface StreetLaneOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly gate: GatePlan;
  readonly settings: SimulatedLaneSettings;
  readonly tell: (happening: Happening) => void;
  /** What became of a vehicle that was sent. */
  readonly onEnd: (end: LaneEnd) => void;
  /** There is room for one more behind the lane. */
  readonly onRoom: () => void;
}

export function createStreetLane(options: StreetLaneOptions): StreetLane {
  const { clock, gate, settings, tell } = options;
  const steel: SimulatedBarrier = createSimulatedBarrier({
    clock,
    random: options.random,
    gateId: gate.gateId,
    direction: gate.direction,
    hasReader: gate.hasReader,
    settings,
  });
  const truth = createLaneTruth({ clock, gate, settings, tell, onEnd: options.onEnd });
  const levels = new Map<LaneInput, boolean>([...steel.barrier.inputs].map((input) => [input, false]));
  let wired: Wire | undefined;

  const onInput = (edge: InputEdge): void => {
    levels.set(edge.input, edge.active);
    if (edge.input === 'safety') tell({ type: 'under-arm', gateId: gate.gateId, occupied: edge.active });
    else if (edge.input === 'fire') tell({ type: 'fire-input', gateId: gate.gateId, active: edge.active });
    wired?.onInput(edge);
  };
  // The arm is down, and the lane is empty: what stands at the limits is told at once.
  levels.set('limit-closed', true);
  // These resolve at once, and the world does not wait for them.
  void steel.barrier.start({ onInput, onTrouble: () => undefined, onTroubleOver: () => undefined });
  void steel.reader.start((read) => {
    wired?.onRead(read);
  });
  steel.onHappening((happening: GateHappening) => {
    truth.onHappening(happening);
    if (happening.type === 'vehicle' && happening.step === 'driving-up') options.onRoom();
    else if (happening.type === 'ended') options.onRoom();
  });

  return {
    gate,
    settings,
    send(vehicle, order) {
      const sent = steel.send(order);
      if (!sent.accepted) throw new Error(`too many vehicles wait at ${gate.gateId}`);
      truth.expect(sent.vehicleId, vehicle, order);
    },
    attach(life) {
      wired?.detach();
      const wire = createWire({ life, gate, steel, levels, tell, truth });
      wired = wire;
      return { driver: wire.driver, reader: gate.hasReader ? wire.reader : null, detach: wire.detach };
    },
    setFault(fault, active) {
      truth.setDefect(fault, active);
      steel.setFault(fault, active);
    },
    mend() {
      for (const fault of [...steel.activeFaults]) {
        truth.setDefect(fault, false);
        steel.setFault(fault, false);
      }
    },
    places: () => steel.places(),
    get waiting() {
      return steel.queuedVehicles;
    },
    get inLane() {
      return steel.vehiclesInLane;
    },
  };
}

/** What connects one life of an agent with the steel, until it dies. */
interface Wire {
  readonly driver: BarrierDriver;
  readonly reader: CredentialReader;
  readonly onInput: (edge: InputEdge) => void;
  readonly onRead: (read: CredentialRead) => void;
  readonly detach: () => void;
}

function createWire(parts: {
  readonly life: LaneLife;
  readonly gate: GatePlan;
  readonly steel: SimulatedBarrier;
  readonly levels: ReadonlyMap<LaneInput, boolean>;
  readonly tell: (happening: Happening) => void;
  readonly truth: LaneTruth;
}): Wire {
  const { life, steel, truth, tell } = parts;
  const { barrier } = steel;
  const { gateId } = parts.gate;
  let listener: BarrierListener | undefined;
  let hear: ((read: CredentialRead) => void) | undefined;
  let alive = true;

  const hush = (): void => {
    listener = undefined;
    truth.setListening(false);
  };
  const setHoldOpen = (holdOpen: boolean): void => {
    if (!alive) return;
    truth.setHeldOpen(holdOpen);
    barrier.setHoldOpen(holdOpen);
  };
  const makeSafe = (): void => {
    setHoldOpen(false);
    barrier.setLamp('red');
    barrier.showText('');
  };

  return {
    driver: {
      inputs: barrier.inputs,
      start(next) {
        if (!alive) return new Promise(() => undefined);
        listener = next;
        truth.setListening(true);
        makeSafe();
        return Promise.resolve(new Map(parts.levels));
      },
      requestOpen() {
        if (!alive) return;
        tell({ type: 'open-requested', gateId, machine: life.machine });
        barrier.requestOpen();
      },
      requestClose() {
        if (!alive) return;
        tell({ type: 'close-requested', gateId, machine: life.machine });
        barrier.requestClose();
      },
      setHoldOpen,
      setLamp(lamp) {
        if (alive) barrier.setLamp(lamp);
      },
      showText(text) {
        if (alive) barrier.showText(text);
      },
      stop() {
        if (!alive) return Promise.resolve();
        hush();
        makeSafe();
        return Promise.resolve();
      },
    },
    reader: {
      start(onRead) {
        if (alive) hear = onRead;
        return Promise.resolve();
      },
      stop() {
        hear = undefined;
        return Promise.resolve();
      },
    },
    onInput(edge) {
      listener?.onInput({ ...edge, monoMs: life.clock.monoMs() });
    },
    onRead(read) {
      hear?.({ ...read, monoMs: life.clock.monoMs() });
    },
    detach() {
      if (!alive) return;
      hush();
      hear = undefined;
      alive = false;
    },
  };
}
