/** Vehicles for the gates of one site, one after the other at each, while the agents behind the gates come and go. */
import type { Random } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createSimulationControlClient } from '@gatehouse/edge-agent';
import type { SimulationControlClient } from '@gatehouse/edge-agent';
import { delay } from '../processes/index.js';
import type { SiteGate } from '../processes/index.js';
import { exponential, wholeBelow } from '../random.js';
import { createGateFleet } from '../traffic/gate-fleet.js';
import type { GateFleet } from '../traffic/gate-fleet.js';

export interface TrafficGate extends SiteGate {
  /** Under which name its process is driven; the edge's own for all but twins. */
  readonly processName: string;
}

export interface ChaosTraffic {
  start(): void;
  /** Sends no more, and waits until the lanes are empty. */
  stop(): Promise<void>;
  /** No more vehicles to the gates of this process; resolves when its lanes are empty. */
  pause(processName: string): Promise<void>;
  resume(processName: string): void;
  /** Vehicles that should be inside, as far as it goes. */
  target: number;
  /** Plates of vehicles that went in and have not left. */
  readonly inside: readonly string[];
  readonly passed: { readonly entry: number; readonly exit: number };
  passedAt(gateId: string): number;
  readonly turnedAway: number;
  /** More gates; those of a process that is driven already must not be among them. */
  add(gates: readonly TrafficGate[]): void;
  /** Exits that turned a vehicle away. */
  readonly keptIn: readonly string[];
}

/** Nobody loses patience while an aggregator is started again: half an hour of theirs is more than a minute of ours. */
const patienceMs = 30 * 60_000;
const meanGapMs = 120;
const idleMs = 40;
const emptyLanesTimeoutMs = 180_000;

export function createChaosTraffic(
  firstGates: readonly TrafficGate[],
  controlUrl: (processName: string) => string,
  random: Random,
  platePrefix: string,
): ChaosTraffic {
  const clients = new Map<string, SimulationControlClient>();
  const fleetOf = new Map<string, GateFleet>();
  const inside: string[] = [];
  const paused = new Set<string>();
  const busy = new Map<string, number>();
  const passed = { entry: 0, exit: 0 };
  const passedAt = new Map<string, number>();
  const keptIn: string[] = [];
  let turnedAway = 0;
  let entering = 0;
  let next = 1;
  let isRunning = false;
  const loops: Promise<void>[] = [];

  const choose = ({ direction }: TrafficGate): string | undefined => {
    if (direction === 'exit') {
      const wantsOut = inside.length >= Math.min(3, traffic.target) && inside.length + entering > traffic.target * 0.7;
      return wantsOut ? inside.splice(wholeBelow(random, inside.length), 1)[0] : undefined;
    }
    if (inside.length + entering >= traffic.target) return undefined;
    // Of the digits only 3 and 8 are taken for one another; vehicles here must not be.
    const plate = `${platePrefix}${String(next).padStart(5, '0').replaceAll('8', 'L')}`;
    next += 1;
    return plate;
  };

  const send = async (gate: TrafficGate, plate: string): Promise<void> => {
    const { direction, processName, gateId } = gate;
    try {
      // A vehicle whose way to the gate is not even there waits outside, or inside.
      await clients.get(processName)?.gates();
    } catch {
      if (direction === 'exit') inside.push(plate);
      await delay(idleMs * 4);
      return;
    }
    try {
      const fate = await fleetOf.get(processName)?.send(gateId, { plate, patienceMs });
      if (fate === undefined || fate === 'lost') return;
      if (fate.outcome === 'passed') {
        passed[direction] += 1;
        passedAt.set(gateId, (passedAt.get(gateId) ?? 0) + 1);
        if (direction === 'entry') inside.push(plate);
        return;
      }
      turnedAway += 1;
      if (direction === 'exit') keptIn.push(`${plate} at ${gateId}: ${fate.outcome}`);
    } catch {
      // The agent died while it was asked; what became of the vehicle is in the log of its lane.
      await delay(idleMs * 4);
    }
  };

  const drive = async (gate: TrafficGate): Promise<void> => {
    const { processName, direction } = gate;
    while (isRunning) {
      const plate = paused.has(processName) ? undefined : choose(gate);
      if (plate === undefined) {
        await delay(idleMs);
        continue;
      }
      busy.set(processName, (busy.get(processName) ?? 0) + 1);
      if (direction === 'entry') entering += 1;
      await send(gate, plate);
      if (direction === 'entry') entering -= 1;
      busy.set(processName, (busy.get(processName) ?? 0) - 1);
      await delay(exponential(random, meanGapMs));
    }
  };

  const emptied = async (names: readonly string[]): Promise<void> => {
    const endAtMs = performance.now() + emptyLanesTimeoutMs;
    while (names.some((name) => (busy.get(name) ?? 0) > 0)) {
      if (performance.now() > endAtMs) throw new Error(`vehicles are still in the lanes of ${names.join(', ')}`);
      await delay(idleMs);
    }
  };

  const add = (gates: readonly TrafficGate[]): void => {
    for (const name of new Set(gates.map(({ processName }) => processName))) {
      const client = createSimulationControlClient(controlUrl(name));
      const gateIds = gates.filter((gate) => gate.processName === name).map(({ gateId }) => gateId);
      const fleet = createGateFleet([{ gateIds, client }], systemClock);
      clients.set(name, client);
      fleetOf.set(name, fleet);
      fleet.start();
    }
    loops.push(...gates.map((gate) => drive(gate)));
  };

  const traffic: ChaosTraffic = {
    target: 10,
    inside,
    passed,
    keptIn,
    get turnedAway() {
      return turnedAway;
    },
    passedAt: (gateId) => passedAt.get(gateId) ?? 0,
    add,
    start() {
      if (isRunning) return;
      isRunning = true;
      add(firstGates);
    },
    async stop() {
      if (!isRunning) return;
      const names = [...clients.keys()];
      for (const name of names) paused.add(name);
      try {
        await emptied(names);
      } finally {
        isRunning = false;
        await Promise.all([...fleetOf.values()].map((fleet) => fleet.stop()));
        await Promise.all(loops);
      }
    },
    async pause(processName) {
      paused.add(processName);
      await emptied([processName]);
    },
    resume(processName) {
      paused.delete(processName);
    },
  };
  return traffic;
}
