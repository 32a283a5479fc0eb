/** Figure 8: slots assigned and released by hand over REST. */
import { System } from '../../processes/index.js';
import type { Child } from '../child.js';
import { atLeastTimes, told } from '../figure.js';
import type { BenchContext, Figure, Measured, PreparedFigure, Scale, Side } from '../figure.js';
import { createProcesses } from '../figure-processes.js';
import { slotOfConnection } from '../programs/by-hand-load.js';
import type { ByHandFloorOptions } from '../programs/by-hand-floor.js';
import type { ByHandLoadOptions, ByHandRun } from '../programs/by-hand-load.js';

export interface ByHandSize {
  readonly connections: number;
  readonly slotsPerConnection: number;
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

const sizes: Readonly<Record<Scale, ByHandSize>> = {
  full: { connections: 20, slotsPerConnection: 50, warmUpMs: 6_000, measuredMs: 8_000 },
  short: { connections: 20, slotsPerConnection: 50, warmUpMs: 1_500, measuredMs: 1_500 },
};
const siteId = 'harbour';
/** The most that can be set: what is measured must not be the bound on how often a key may ask. */
const requestsPerKeyPerMinute = 1_000_000;

const floor = 'the same routes in Fastify, in memory';

export const byHand: Figure = {
  number: 8,
  title: 'REST assign and release by hand',
  how: 'Twenty keep-alive connections each assign a free slot to a plate and release it, one request after the other, as fast as they are answered; only answers of 2xx count, and each of ours is durable (WAL, synchronous=FULL), audited and authorised by a bearer key. The aggregator runs as in production, but for http.rate.requestsPerKeyPerMinute, which is raised to its maximum. The floor is one Fastify of the same version with the same paths, parameters, bodies and answers, JSON schemas compiled by Fastify, the slots in a Map, without keys and without a disk. The same load program asks both.',
  lines: [
    {
      key: 'rate',
      what: 'requests answered a second, 20 connections',
      unit: '1/s',
      floor,
      ...atLeastTimes(0.3, 0.6, 0.02),
    },
    { key: 'medianMs', what: 'time to the answer, median', unit: 'ms', floor, ...told },
    { key: 'p99Ms', what: 'time to the answer, p99', unit: 'ms', better: 'lower', floor, must: null, aim: null },
  ],
  rounds: { full: 5, short: 3 },
  prepare: (context) => prepareByHand(context, sizes[context.scale]),
};

export interface PreparedByHand extends PreparedFigure {
  /** Ours. */
  readonly system: System;
}

export async function prepareByHand(
  context: Pick<BenchContext, 'say' | 'tidyUp'>,
  size: ByHandSize,
): Promise<PreparedByHand> {
  const processes = createProcesses(context.tidyUp, new System(1, { http: { rate: { requestsPerKeyPerMinute } } }));
  const { system } = processes;
  const load = (port: number, key: string | null): Promise<Child> => {
    const { connections, slotsPerConnection } = size;
    const options = { host: '127.0.0.1', port, siteId, connections, slotsPerConnection, key };
    return processes.start('by-hand-load', options satisfies ByHandLoadOptions);
  };
  try {
    const slotIds = slotIdsOf(size);
    const floorServer = await processes.start('by-hand-floor', { siteId, slotIds } satisfies ByHandFloorOptions);
    await system.startAggregator();
    await createSite(system, slotIds);
    const loads: Readonly<Record<Side, Child>> = {
      floor: await load(await floorServer.ask<number>('port'), null),
      ours: await load(system.httpPort, system.adminKey),
    };
    context.say('warming up');
    for (const side of ['floor', 'ours'] as const) await loads[side].ask('run', { durationMs: size.warmUpMs });
    return {
      system,
      async measure(side): Promise<Measured> {
        const { answered, seconds, medianMs, p99Ms } = await loads[side].ask<ByHandRun>('run', {
          durationMs: size.measuredMs,
        });
        return { rate: answered / seconds, medianMs, p99Ms, answered };
      },
      close: () => processes.close(),
    };
  } catch (error) {
    await processes.close();
    throw error;
  }
}

function slotIdsOf({ connections, slotsPerConnection }: ByHandSize): string[] {
  return Array.from({ length: connections }, (_, connection) =>
    Array.from({ length: slotsPerConnection }, (_, slot) => slotOfConnection(connection, slot)),
  ).flat();
}

async function createSite(system: System, slotIds: readonly string[]): Promise<void> {
  await system.api('PUT', `/api/v1/sites/${siteId}`, {
    siteId,
    name: 'Harbour',
    zones: [{ zoneId: 'ground', name: 'Ground' }],
    slots: slotIds.map((slotId) => ({ slotId, zoneId: 'ground', label: slotId })),
    gates: [],
  });
}
