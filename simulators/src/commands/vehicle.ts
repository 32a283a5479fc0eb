/** `simulate vehicle`: sends one virtual vehicle to a gate and tells what becomes of it. */
import type { GateVehicleReport, VehicleBehaviour, VehicleStep } from '@gatehouse/edge-agent';
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
/** A vehicle that is through sooner tells its story at the end only. */
const quietMs = 2_000;

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
  const startedMs = clock.monoMs();
  let told: string | undefined;
  for (;;) {
    const status = await client.vehicle(vehicleId);
    const waitedMs = clock.monoMs() - startedMs;
    if (status.ended) {
      for (const line of storyLines(gate, status.report)) say(line);
      return { gateId: gate.gateId, siteId, vehicleId, report: status.report };
    }
    if (waitedMs > timeoutMs) break;
    if (waitedMs > quietMs && status.step !== told) {
      told = status.step;
      say(`… ${steps[status.step]}`);
    }
    await new Promise<void>((resolve) => {
      clock.setTimer(pollMs, resolve);
    });
  }
  say(`after ${String(timeoutMs / 1000)} s it is still there; nobody waits for it any longer`);
  return { gateId: gate.gateId, siteId, vehicleId, report: null };
}

const steps: Readonly<Record<VehicleStep, string>> = {
  queued: 'in the queue',
  'driving-up': 'driving up',
  'at-loop': 'on the first loop',
  waiting: 'waiting at the arm',
  started: 'driving off',
  halted: 'had to stop',
  leaving: 'going back',
};

const outcomes: Readonly<Record<GateVehicleReport['outcome'], string>> = {
  passed: 'passed',
  'denied-left': 'was not let through and went away',
  'backed-out': 'was let through and went back all the same',
  tailgated: 'passed behind another vehicle',
  forced: 'pushed the arm up and passed',
  'wrong-way': 'passed the wrong way',
  'wrong-way-left': 'came the wrong way and turned back',
};

/** What happened to it, in order. */
function storyLines(gate: ControlledGate, report: GateVehicleReport): string[] {
  const way = passedTo(gate.direction, report);
  const into = way === null ? '' : way === 'entry' ? ', into the site' : ', out of the site';
  const { queuedAtMs, arrivedAtMs, startedAtMs, endedAtMs, reads } = report;
  const story: (readonly [number | null, string])[] = [
    [queuedAtMs, `sent to ${gate.gateId}`],
    [arrivedAtMs, `on the first loop${reads.length === 0 ? '' : `; the reader saw ${reads.join(', ')}`}`],
    ...report.signTexts
      .filter(({ text }) => text !== '')
      .map(({ atMs, text }) => [atMs, `the sign says ${text}`] as const),
    [startedAtMs, 'drives off'],
    [endedAtMs, `${outcomes[report.outcome]}${into}`],
  ];
  return story
    .flatMap(([atMs, text]) => (atMs === null ? [] : [{ atMs, text }]))
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')}Z  ${text}`);
}
