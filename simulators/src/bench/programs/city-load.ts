/** Many edges of a city in one process, each with its own connection: now one of them sends an event, now another. */
import { serve } from '../serve.js';
import { connectLoadEdges } from '../edge-load/load-edge.js';
import type { LoadEdge, LoadEdgeOptions } from '../edge-load/load-edge.js';

export interface CityLoadOptions {
  readonly edges: readonly LoadEdgeOptions[];
  /** Of all edges together. */
  readonly eventsPerSecond: number;
}

/** Answer of `pause`. */
export interface CityLoadResult {
  /** Events that were sent since `go`, and that were acknowledged. */
  readonly sent: number;
  readonly acknowledged: number;
  readonly decisions: number;
  readonly durationS: number;
}

const stateEveryMs = 10_000;
const stateSteps = 100;

export function run(): void {
  serve(async ({ edges: options, eventsPerSecond }: CityLoadOptions) => {
    const edges = await connectLoadEdges(options);
    const endStates = tellStates(edges);
    const city = createCity(edges, eventsPerSecond);
    return {
      go: () => {
        city.go();
      },
      pause: () => city.pause(),
      stop: () => {
        endStates();
        for (const edge of edges) edge.close();
      },
    };
  });
}

/** Each at its interval, and not all at once. */
function tellStates(edges: readonly LoadEdge[]): () => void {
  let step = 0;
  const timer = setInterval(() => {
    for (let index = step; index < edges.length; index += stateSteps) edges[index]?.tellState();
    step = (step + 1) % stateSteps;
  }, stateEveryMs / stateSteps);
  return () => {
    clearInterval(timer);
  };
}

interface City {
  go(): void;
  /** Sends no more; resolves when all that was sent is acknowledged. */
  pause(): Promise<CityLoadResult>;
}

/** The intervals between two events follow no rhythm: those of a Poisson process. */
function createCity(edges: readonly LoadEdge[], eventsPerSecond: number): City {
  const busy = new Map<LoadEdge, Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let failure: unknown;
  let sent = 0;
  let nextEdge = 0;
  let before = { acknowledged: 0, decisions: 0, atMs: 0 };

  const sum = (of: (edge: LoadEdge) => number): number => edges.reduce((total, edge) => total + of(edge), 0);

  /** The next one that waits for no acknowledgement. */
  const idleEdge = (): LoadEdge | undefined => {
    for (const _ of edges) {
      const edge = edges[nextEdge];
      nextEdge = (nextEdge + 1) % edges.length;
      if (edge !== undefined && !busy.has(edge)) return edge;
    }
    return undefined;
  };

  const send = (): void => {
    const edge = idleEdge();
    if (edge === undefined) return;
    edge.build(1, 1);
    sent += 1;
    const done = edge
      .run()
      .catch((error: unknown) => {
        failure = error;
      })
      .finally(() => busy.delete(edge));
    busy.set(edge, done);
  };

  const arm = (dueMs: number): void => {
    timer = setTimeout(() => {
      let nextMs = dueMs;
      for (; nextMs <= performance.now(); nextMs += intervalMs(eventsPerSecond)) send();
      arm(nextMs);
    }, dueMs - performance.now());
  };

  return {
    go() {
      sent = 0;
      const atMs = performance.now();
      before = { acknowledged: sum((edge) => edge.answered), decisions: sum((edge) => edge.decisions), atMs };
      arm(atMs + intervalMs(eventsPerSecond));
    },
    async pause() {
      clearTimeout(timer);
      const durationS = (performance.now() - before.atMs) / 1_000;
      await Promise.all(busy.values());
      if (failure !== undefined) throw failure instanceof Error ? failure : new Error('an edge of the load failed');
      return {
        sent,
        acknowledged: sum((edge) => edge.answered) - before.acknowledged,
        decisions: sum((edge) => edge.decisions) - before.decisions,
        durationS,
      };
    },
  };
}

function intervalMs(eventsPerSecond: number): number {
  return (-Math.log(1 - Math.random()) * 1_000) / eventsPerSecond;
}
