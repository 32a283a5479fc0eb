/** `simulate vehicle`: sends one virtual vehicle to a gate and tells what becomes of it. */
import type { GateVehicleReport, VehicleBehaviour, VehicleStatus } from '@gatehouse/edge-agent';
import type { Clock, SlotClass } from '@gatehouse/shared';
import { passedTo } from '../passed.js';
import type { ControlledGate } from './find-gates.js';

export interface VehicleRequest {
  readonly plate: string | null;
  readonly vehicleClass: SlotClass;
  readonly behaviour: VehicleBehaviour;
  readonly lengthM: number | undefined;
  readonly speedKmh: number | undefined;
  readonly trailer: boolean;
  readonly patienceMs: number | undefined;
  /** Plate of a vehicle that goes before one that tailgates. */
  readonly leader: string | undefined;
}

export interface VehicleResult {
  readonly gateId: string;
  readonly siteId: string | null;
  readonly vehicleId: string;
  readonly report: GateVehicleReport | null;
}

const pollMs = 50;

/** Resolves when the vehicle has passed or gone, or with a report of null after `timeoutMs`. */
export async function sendVehicle(
  gate: ControlledGate,
  request: VehicleRequest,
  clock: Clock,
  timeoutMs: number,
  say: (line: string) => void,
): Promise<VehicleResult> {
  const { client, siteId } = gate.edge;
  const { leader, lengthM, speedKmh, patienceMs, ...rest } = request;
  const vehicleId = await client.sendVehicle(gate.gateId, {
    ...rest,
    ...(lengthM === undefined ? {} : { lengthM }),
    ...(speedKmh === undefined ? {} : { speedKmh }),
    ...(patienceMs === undefined ? {} : { patienceMs }),
  });
  if (leader !== undefined) await client.sendVehicle(gate.gateId, { plate: leader });
  const untilMs = clock.monoMs() + timeoutMs;
  let told = '';
  while (clock.monoMs() < untilMs) {
    const status = await client.vehicle(vehicleId);
    if (status.ended) {
      for (const line of endLines(gate, status.report)) say(line);
      return { gateId: gate.gateId, siteId, vehicleId, report: status.report };
    }
    if (status.step !== told) say(stepLine(status));
    told = status.step;
    await new Promise<void>((resolve) => {
      clock.setTimer(pollMs, resolve);
    });
  }
  say(`after ${String(timeoutMs / 1000)} s it is still there; nobody waits for it any longer`);
  return { gateId: gate.gateId, siteId, vehicleId, report: null };
}

const steps: Readonly<Record<string, string>> = {
  queued: 'in the queue',
  'driving-up': 'drives up',
  'at-loop': 'on the first loop',
  waiting: 'waits at the arm',
  started: 'drives off',
  halted: 'had to stop',
  leaving: 'goes back',
};

function stepLine(status: Extract<VehicleStatus, { ended: false }>): string {
  return `${timeOf(status.atMs)}  ${steps[status.step] ?? status.step}`;
}

const outcomes: Readonly<Record<GateVehicleReport['outcome'], string>> = {
  passed: 'passed',
  'denied-left': 'was not let through and went away',
  'backed-out': 'was let through and went back all the same',
  tailgated: 'passed behind another vehicle',
  'wrong-way': 'passed the wrong way',
  'wrong-way-left': 'came the wrong way and turned back',
};

function endLines(gate: ControlledGate, report: GateVehicleReport): string[] {
  const signs = report.signTexts.map(({ text }) => text).filter((text) => text !== '');
  const way = passedTo(gate.direction, report);
  const into = way === null ? '' : way === 'entry' ? ', into the site' : ', out of the site';
  return [
    ...(report.reads.length === 0 ? [] : [`${timeOf(report.arrivedAtMs)}  the reader saw ${report.reads.join(', ')}`]),
    ...(signs.length === 0 ? [] : [`${timeOf(report.arrivedAtMs)}  the sign said: ${signs.join(' | ')}`]),
    `${timeOf(report.endedAtMs)}  ${outcomes[report.outcome]}${into}`,
  ];
}

function timeOf(atMs: number | null): string {
  return atMs === null ? ' '.repeat(19) : new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');
}
