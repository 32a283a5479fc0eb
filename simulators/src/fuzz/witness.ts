/**
 * A well-behaved edge, as a process of its own: vehicles drive in and out of its site all the time. Whatever else goes on, each
 * must be let through, and each passage must be in the books once.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createSimulationControlClient } from '@gatehouse/edge-agent';
import { freePorts } from '../demo/ports.js';
import type { TestedAggregator } from './aggregator.js';
import { startProgram, until } from './programs.js';
import type { Program } from './programs.js';

export interface WitnessOptions {
  readonly siteId: string;
  /** Where it finds the broker, when not where the aggregator says. */
  readonly brokerUrl?: string;
  /** Vehicles that are turned away come to a gate of their own all the time, and must stay out. */
  readonly withBlocked: boolean;
  readonly countedText?: string;
}

export interface Witness {
  readonly program: Program;
  readonly passedIn: number;
  readonly passedOut: number;
  /** Blocked vehicles that came and stayed out. */
  readonly stayedOut: number;
  /** Vehicles that were not let through, each in a sentence. */
  readonly complaints: readonly string[];
  /** Site, edge, agent; resolves when it is online. */
  start(): Promise<void>;
  /** Sends vehicles from now on. */
  drive(): void;
  /** Lets the vehicles that are under way finish. */
  halt(): Promise<void>;
  /** Compares what drove with what is stored; answers what differs. */
  reconcile(): Promise<string[]>;
  /** Ends the edge, and waits until the aggregator knows: from then on nothing of its site changes. */
  leave(): Promise<void>;
  stop(): Promise<string>;
}

/** Vehicles under way at a time. */
const drivers = 2;
const timeFactor = 20;
/** Simulated, a vehicle at a closed arm; and the edge's own patience with the aggregator: neither decides on a busy machine. */
const patienceMs = 40 * 60_000;
const decisionTimeoutMs = 20_000;
const readAfterMs = 60_000;
const vehicleTimeoutMs = 120_000;
const blockedPlate = 'BLOCKED1';
/** Simulated. */
const blockedPatienceMs = 30_000;

export function createWitness(directory: string, aggregator: TestedAggregator, options: WitnessOptions): Witness {
  const { siteId } = options;
  const edgeId = `${siteId}-edge`;
  const entry = { gateId: `${siteId}-in`, direction: 'entry' } as const;
  const exit = { gateId: `${siteId}-out`, direction: 'exit' } as const;
  const guarded = { gateId: `${siteId}-guarded`, direction: 'entry' } as const;
  const gates = options.withBlocked ? [entry, exit, guarded] : [entry, exit];
  let stayedOut = 0;
  let program: Program | undefined;
  let control: ReturnType<typeof createSimulationControlClient> | undefined;
  let passedIn = 0;
  let passedOut = 0;
  let isDriving = false;
  let driving: Promise<unknown> = Promise.resolve();
  const complaints: string[] = [];

  const drive = async (gateId: string, order: { plate: string; patienceMs?: number }): Promise<string> => {
    if (control === undefined) throw new Error('the witness is not started');
    const driven = control;
    const vehicleId = await driven.sendVehicle(gateId, order);
    return until(
      `${order.plate} has left ${gateId}`,
      async () => {
        const status = await driven.vehicle(vehicleId);
        return status.ended && status.report.outcome;
      },
      vehicleTimeoutMs,
    );
  };

  const pass = async (gateId: string, plate: string): Promise<boolean> => {
    const outcome = await drive(gateId, { plate });
    if (outcome !== 'passed') complaints.push(`${plate} at ${gateId}: ${outcome}`);
    return outcome === 'passed';
  };

  const oneDriver = async (driver: number): Promise<void> => {
    for (let round = 1; isDriving; round += 1) {
      const plate = `WITNESS${String(driver)}X${String(round)}`;
      try {
        if (!(await pass(entry.gateId, plate))) continue;
        passedIn += 1;
        if (await pass(exit.gateId, plate)) passedOut += 1;
      } catch (error) {
        complaints.push(String(error));
        await delay(1_000);
      }
    }
  };

  /** One after the other; each goes away again after a while. */
  const blockedDrivers = async (): Promise<void> => {
    const vehicle = await aggregator.api<{ vehicleId: string }>('POST', '/api/v1/vehicles', {
      credential: { value: blockedPlate },
    });
    await aggregator.api('PUT', `/api/v1/vehicles/${vehicle.vehicleId}/block`, {
      blocked: true,
      reason: 'to stay out',
    });
    while (isDriving) {
      const outcome = await drive(guarded.gateId, { plate: blockedPlate, patienceMs: blockedPatienceMs });
      if (outcome === 'passed') complaints.push(`${blockedPlate} is blocked and was let in`);
      else stayedOut += 1;
    }
  };

  const settled = async (): Promise<{ entriesTotal: number; exitsTotal: number; outboxEvents: number | null }> => {
    const site = await aggregator.api<{ entriesTotal: number; exitsTotal: number }>(
      'GET',
      `/api/v1/sites/${siteId}/occupancy`,
    );
    const edge = await aggregator.api<{ outboxEvents: number | null }>('GET', `/api/v1/edges/${edgeId}`);
    return { ...site, ...edge };
  };

  return {
    get program() {
      if (program === undefined) throw new Error('the witness is not started');
      return program;
    },
    get passedIn() {
      return passedIn;
    },
    get passedOut() {
      return passedOut;
    },
    get stayedOut() {
      return stayedOut;
    },
    complaints,
    async start() {
      await aggregator.api('PUT', `/api/v1/sites/${siteId}`, {
        siteId,
        name: 'Witness',
        // Where some must stay out, the edge may let nobody in by itself: its list of the blocked may be a little behind.
        ...(options.withBlocked ? { allowance: { sharePercent: 0 } } : {}),
        zones: [{ zoneId: 'w', name: 'W' }],
        slots: Array.from({ length: 20 }, (_, index) => ({ slotId: `w-${String(index)}`, zoneId: 'w', label: 'W' })),
        gates: gates.map((gate) => ({ ...gate, edgeId, name: gate.gateId })),
      });
      const { enrolmentCode } = await aggregator.api<{ enrolmentCode: string }>('POST', '/api/v1/edges', {
        edgeId,
        siteId,
        name: 'Witness',
      });
      const [port = 0] = await freePorts(1);
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, 'code'), enrolmentCode);
      const nowMs = Date.now();
      writeFileSync(
        join(directory, 'edge.json'),
        JSON.stringify({
          siteId,
          edgeId,
          dataDir: join(directory, 'edge'),
          gates: gates.map((gate) => ({
            ...gate,
            hasReader: true,
            // On a busy machine the scaled clock leaves a read no time: who was not read is let in unknown.
            lane: { readAfterMs },
            barrier: {
              driver: 'simulated',
              settings: { patienceMs, reader: { misreadRate: 0, noReadRate: 0 } },
            },
          })),
          protocol: { decisionTimeoutMs },
          ...(options.brokerUrl === undefined ? {} : { broker: { url: options.brokerUrl } }),
          http: { port: 0 },
          enrolment: { url: aggregator.url, codeFile: join(directory, 'code') },
          simulation: {
            clock: { simulatedBaseMs: nowMs, realBaseMs: nowMs, factor: timeFactor },
            control: { port },
          },
          log: { level: 'warn', format: 'json' },
        }),
      );
      program = startProgram('edge', ['--config', join(directory, 'edge.json')], options.countedText);
      const running = program;
      control = createSimulationControlClient(`http://127.0.0.1:${String(port)}`);
      await until(
        'the witness is online',
        async () => {
          if (running.end !== undefined) throw new Error(`it ended with ${running.end}: ${running.output}`);
          return (await aggregator.api<{ online: boolean }>('GET', `/api/v1/edges/${edgeId}`)).online;
        },
        60_000,
      );
    },
    drive() {
      isDriving = true;
      const all = Array.from({ length: drivers }, (_, driver) => oneDriver(driver));
      driving = Promise.all(options.withBlocked ? [...all, blockedDrivers()] : all);
    },
    async halt() {
      isDriving = false;
      await driving;
    },
    async reconcile() {
      const problems: string[] = [];
      const stored = await until(
        'the outbox of the witness is drained',
        async () => {
          const found = await settled();
          return found.outboxEvents === 0 && found.entriesTotal >= passedIn && found.exitsTotal >= passedOut && found;
        },
        60_000,
      ).catch((error: unknown) => {
        problems.push(String(error));
        return settled();
      });
      if (stored.entriesTotal !== passedIn || stored.exitsTotal !== passedOut) {
        problems.push(
          `${String(passedIn)} drove in and ${String(passedOut)} out; counted are ${String(stored.entriesTotal)} and ${String(stored.exitsTotal)}`,
        );
      }
      const events = await aggregator.list<{ epoch: string; seq: number; kind: string }>(
        `/api/v1/events?siteId=${siteId}`,
      );
      const passages = events.filter(({ kind }) => kind === 'vehicle-passed').length;
      if (passages !== passedIn + passedOut) {
        problems.push(`${String(passedIn + passedOut)} passages were driven, ${String(passages)} are stored`);
      }
      const positions = new Set(events.map(({ epoch, seq }) => `${epoch}:${String(seq)}`));
      const epochs = new Set(events.map(({ epoch }) => epoch));
      const highest = Math.max(0, ...events.map(({ seq }) => seq));
      if (positions.size !== events.length) problems.push('an event of the witness is stored twice');
      if (epochs.size !== 1 || highest !== events.length) {
        problems.push(
          `${String(events.length)} events of the witness up to seq ${String(highest)} in ${String(epochs.size)} epochs`,
        );
      }
      return problems;
    },
    async leave() {
      await program?.stop();
      await until(
        'the witness is offline',
        async () => !(await aggregator.api<{ online: boolean }>('GET', `/api/v1/edges/${edgeId}`)).online,
        60_000,
      );
    },
    async stop() {
      return program === undefined ? 'never started' : program.stop();
    },
  };
}
