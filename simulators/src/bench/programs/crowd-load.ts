/** A crowd of edges that have nothing to tell but how they are, each on a connection of its own. */
import { serve } from '../serve.js';
import { createCrowdEdge } from '../crowd/crowd-edge.js';
import type { CrowdAccount, CrowdEdge } from '../crowd/crowd-edge.js';

export interface CrowdLoadOptions {
  readonly accounts: readonly CrowdAccount[];
  readonly answeredBy: 'acks' | 'pubacks';
  /** Between two states of an edge, ms. */
  readonly stateEveryMs: number;
}

export interface Served {
  /** From the first attempt until every edge had its state answered. */
  readonly seconds: number;
  /** Connections that were refused or cut off meanwhile. */
  readonly retries: number;
}

/** Edges that begin to connect in one step where they do not come all at once, and the time between steps. */
const stepEdges = 100;
const stepMs = 50;
/** How often the crowd tells of itself: each time a share of it. */
const tickMs = 50;

export function run(): void {
  serve(({ accounts, answeredBy, stateEveryMs }: CrowdLoadOptions) => {
    let served = 0;
    let retries = 0;
    let subscribed = 0;
    let onServed = (): void => undefined;
    // Aedes compares every retained message with every filter of a SUBSCRIBE: with ten thousand it would take minutes before anything can
    // be measured. So the states wait until all have subscribed.
    const onSubscribed = (): void => {
      subscribed += 1;
      if (subscribed >= accounts.length) for (const edge of edges) edge.tellState();
    };
    const edges = accounts.map((account) =>
      createCrowdEdge({
        ...account,
        answeredBy,
        ...(answeredBy === 'pubacks' ? { onSubscribed } : {}),
        onServed: () => {
          served += 1;
          onServed();
        },
        onRetry: () => {
          retries += 1;
        },
      }),
    );

    const ticks = Math.ceil(stateEveryMs / tickMs);
    let tick = 0;
    const timer = setInterval(() => {
      for (let index = tick % ticks; index < edges.length; index += ticks) tellOf(edges[index]);
      tick += 1;
    }, tickMs);

    const everyoneServed = async (start: () => Promise<void> | void): Promise<Served> => {
      served = 0;
      retries = 0;
      subscribed = 0;
      const startedMs = performance.now();
      const all = new Promise<void>((resolve) => {
        onServed = () => {
          // Looking at all of them for each would take the time of the load itself.
          if (served >= edges.length && edges.every((edge) => edge.isServed)) resolve();
        };
      });
      await start();
      await all;
      return { seconds: (performance.now() - startedMs) / 1_000, retries };
    };

    const cut = (): void => {
      for (const edge of edges) edge.cut();
    };

    return {
      /** One after the other, at a pace that nobody has to wait at. */
      connect: ({ port }: { readonly port: number }) =>
        everyoneServed(async () => {
          for (let from = 0; from < edges.length; from += stepEdges) {
            for (const edge of edges.slice(from, from + stepEdges)) edge.connect(port);
            await new Promise((resolve) => setTimeout(resolve, stepMs));
          }
        }),
      /** Cuts every connection and opens all anew in the same moment. */
      reconnect: ({ port }: { readonly port: number }) =>
        everyoneServed(() => {
          cut();
          for (const edge of edges) edge.connect(port);
        }),
      cut,
      stop: () => {
        clearInterval(timer);
        cut();
      },
    };
  });
}

function tellOf(edge: CrowdEdge | undefined): void {
  if (edge?.isServed === true) edge.tellState();
}
