/** Many edges in one process, each with its own connection: they put load on the aggregator, or the same load on a bare broker. */
import { serve } from '../serve.js';
import { connectLoadEdges } from '../edge-load/load-edge.js';
import type { LoadEdge, LoadEdgeOptions } from '../edge-load/load-edge.js';

export interface EdgeLoadOptions {
  readonly edges: readonly LoadEdgeOptions[];
}

/** Question of `build`. */
export interface LoadOrder {
  readonly messagesPerEdge: number;
  readonly eventsPerMessage: number;
}

/** Answer of `run`. */
export interface LoadResult {
  /** Events that were answered. */
  readonly answered: number;
  readonly decisions: number;
  readonly durationS: number;
  /** Of this process: near 1 it, and not the broker, is what is measured. */
  readonly loopUtilization: number;
}

const stateEveryMs = 10_000;

export function run(): void {
  serve(async (options: EdgeLoadOptions) => {
    const edges = await connectLoadEdges(options.edges);
    const isAnswering = options.edges.some(({ answeredBy }) => answeredBy === 'acks');
    const timer = setInterval(() => {
      if (isAnswering) for (const edge of edges) edge.tellState();
    }, stateEveryMs);
    return {
      build: ({ messagesPerEdge, eventsPerMessage }: LoadOrder) => {
        for (const edge of edges) edge.build(messagesPerEdge, eventsPerMessage);
      },
      run: () => runAll(edges),
      stop: () => {
        clearInterval(timer);
        for (const edge of edges) edge.close();
      },
    };
  });
}

async function runAll(edges: readonly LoadEdge[]): Promise<LoadResult> {
  const sum = (of: (edge: LoadEdge) => number): number => edges.reduce((total, edge) => total + of(edge), 0);
  const before = { answered: sum((edge) => edge.answered), decisions: sum((edge) => edge.decisions) };
  const startedMs = performance.now();
  const loop = performance.eventLoopUtilization();
  await Promise.all(edges.map((edge) => edge.run()));
  const { utilization } = performance.eventLoopUtilization(loop);
  return {
    answered: sum((edge) => edge.answered) - before.answered,
    decisions: sum((edge) => edge.decisions) - before.decisions,
    durationS: (performance.now() - startedMs) / 1_000,
    loopUtilization: utilization,
  };
}
