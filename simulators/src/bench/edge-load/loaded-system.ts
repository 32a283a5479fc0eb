/** A real aggregator, and a process of edges that put load on it. */
import { System } from '../../processes/index.js';
import type { BenchContext } from '../figure.js';
import { createProcesses } from '../figure-processes.js';
import type { FigureProcesses } from '../figure-processes.js';
import type { EdgeLoadOptions, LoadOrder, LoadResult } from '../programs/edge-load.js';
import { createLoadSites, enrolmentSettings } from './load-sites.js';
import type { EnrolledEdge, LoadSize } from './load-sites.js';

export type LoadContext = Pick<BenchContext, 'say' | 'tidyUp'>;

export interface LoadedSystem extends FigureProcesses {
  readonly edges: readonly EnrolledEdge[];
  /** Sends so much from every edge; resolves when all of it is acknowledged. @throws Error when something is not */
  send(order: LoadOrder): Promise<LoadResult & { readonly events: number }>;
}

/** Messages under way of one edge: the window of the edge agent, as delivered. */
const agentWindow = 4;

/** @param nodeArguments of the aggregator's Node.js */
export async function startLoadedSystem(
  context: LoadContext,
  size: LoadSize,
  windowMessages = agentWindow,
  nodeArguments: readonly string[] = [],
): Promise<LoadedSystem> {
  const processes = createProcesses(context.tidyUp, new System(1, enrolmentSettings));
  const { system } = processes;
  try {
    await system.startAggregator(nodeArguments);
    context.say(`enrols ${String(size.sites * size.edgesPerSite)} edges`);
    const edges = await createLoadSites(system, size);
    const load = await processes.start('edge-load', loadOf(edges, system.mqttPort, 'acks', windowMessages));
    return {
      ...processes,
      edges,
      async send(order) {
        await load.ask('build', order);
        const result = await load.ask<LoadResult>('run');
        const events = order.messagesPerEdge * order.eventsPerMessage * edges.length;
        if (result.answered === events) return { ...result, events };
        throw new Error(`${String(result.answered)} of ${String(events)} events were acknowledged`);
      },
    };
  } catch (error) {
    await processes.close();
    throw error;
  }
}

export function loadOf(
  edges: readonly EnrolledEdge[],
  port: number,
  answeredBy: 'acks' | 'pubacks',
  windowMessages = agentWindow,
): EdgeLoadOptions {
  const target = { host: '127.0.0.1', port };
  return { edges: edges.map((edge) => ({ ...edge, target, answeredBy, windowMessages })) };
}
