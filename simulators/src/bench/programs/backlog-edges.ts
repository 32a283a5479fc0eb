/** Many edges in one process, each with a full outbox and a connection of its own: all of them come back at once. */
import { serve } from '../serve.js';
import { createDrainingEdge } from '../backlog/draining-edge.js';
import { historyOf } from '../backlog/history.js';
import type { BacklogEdge } from '../backlog/history.js';
import { packOutbox } from '../backlog/packed-outbox.js';
import { sha256 } from '@gatehouse/shared/node';

export interface BacklogEdgesOptions {
  readonly edges: readonly BacklogEdge[];
  readonly eventsPerEdge: number;
  /** When the last event of each happened. */
  readonly untilMs: number;
}

/** Question of `drain`. */
export interface DrainOrder {
  readonly port: number;
  /** By edge. */
  readonly passwords: Readonly<Record<string, string>>;
}

export interface Drained {
  readonly acknowledged: number;
  readonly resentBatches: number;
  /** From the first attempt to connect to the last acknowledgement. */
  readonly durationS: number;
  /** Of this process: near 1 it, and not the aggregator, is what is measured. */
  readonly loopUtilization: number;
}

export function run(): void {
  serve(({ edges, eventsPerEdge, untilMs }: BacklogEdgesOptions) => {
    const outboxes = edges.map((edge) => {
      const epoch = sha256(`${edge.siteId}/${edge.edgeId}`).slice(0, 32);
      return { edge, outbox: packOutbox(epoch, historyOf(edge, eventsPerEdge, untilMs)) };
    });
    return {
      async drain({ port, passwords }: DrainOrder): Promise<Drained> {
        const target = { host: '127.0.0.1', port };
        const draining = outboxes.map(({ edge, outbox }) => createDrainingEdge(edge, outbox));
        const startedMs = performance.now();
        const loop = performance.eventLoopUtilization();
        try {
          await Promise.all(
            draining.map((edge, index) => edge.drain(target, passwords[outboxes[index]?.edge.edgeId ?? ''] ?? '')),
          );
          return {
            acknowledged: draining.reduce((sum, edge) => sum + edge.acknowledged, 0),
            resentBatches: draining.reduce((sum, edge) => sum + edge.resentBatches, 0),
            durationS: (performance.now() - startedMs) / 1_000,
            loopUtilization: performance.eventLoopUtilization(loop).utilization,
          };
        } finally {
          for (const edge of draining) edge.close();
        }
      },
    };
  });
}
