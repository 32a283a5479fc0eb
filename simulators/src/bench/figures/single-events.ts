/** Figure 3: what comes in one event a message. */
import { startChild } from '../child.js';
import type { Child } from '../child.js';
import { createLoadSites, enrolmentSettings } from '../edge-load/load-sites.js';
import type { EnrolledEdge, LoadSize } from '../edge-load/load-sites.js';
import type { BenchContext, Figure, PreparedFigure, Scale, Side } from '../figure.js';
import type { EdgeLoadOptions, LoadResult } from '../programs/edge-load.js';
import { System } from '../../processes/index.js';

export interface SingleEventsSize extends LoadSize {
  readonly messagesPerEdge: number;
}

const sizes: Readonly<Record<Scale, SingleEventsSize>> = {
  full: { sites: 40, edgesPerSite: 5, messagesPerEdge: 600 },
  short: { sites: 8, edgesPerSite: 5, messagesPerEdge: 400 },
};
const windowMessages = 4;

export const singleEvents: Figure = {
  number: 3,
  title: 'events, one a message',
  how:
    'Edges of small car parks, each with one connection and the production window of 4 unacknowledged messages: 200 edges of 40 sites. A vehicle arrives at each ' +
    'of two entries and two exits and wants a decision; then each passes; eight vehicles of each edge are inside. The messages are made beforehand, with ' +
    'their hash chains; a process of its own sends them. An event counts when `acks` says that it is stored. The floor is a broker that is Aedes with an empty ' +
    'handler: the same program, connections, messages and window, where what counts has its PUBACK and was handled. Raised: enrolments a minute from one address.',
  lines: [
    {
      key: 'events',
      what: 'single-event messages acknowledged',
      unit: '1/s',
      better: 'higher',
      floor: 'Aedes QoS 1 with an empty handler, same clients',
      must: { of: 'ratio', value: 0.5 },
      aim: { of: 'ratio', value: 0.8 },
    },
  ],
  rounds: { full: 7, short: 3 },
  prepare: (context) => prepareSingleEvents(context, sizes[context.scale]),
};

export async function prepareSingleEvents(context: BenchContext, size: SingleEventsSize): Promise<PreparedFigure> {
  const system = new System(1, enrolmentSettings);
  const children: Child[] = [];
  const start = async (program: string, options: unknown): Promise<Child> => {
    const child = await startChild(program, options);
    children.push(child);
    return child;
  };
  const close = async (): Promise<void> => {
    for (const child of [...children].reverse()) await child.stop();
    await system.stop();
  };
  try {
    await system.startAggregator();
    context.say(`enrols ${String(size.sites * size.edgesPerSite)} edges`);
    const edges = await createLoadSites(system, size);
    const broker = await start('bare-aedes', {});
    const loads: Record<Side, Child> = {
      ours: await start('edge-load', loadOf(edges, system.mqttPort, 'acks')),
      floor: await start('edge-load', loadOf(edges, await broker.ask<number>('port'), 'pubacks')),
    };
    const measure = async (side: Side, messagesPerEdge: number): Promise<number> => {
      await loads[side].ask('build', { messagesPerEdge, eventsPerMessage: 1 });
      const expected = messagesPerEdge * edges.length;
      const handled = side === 'floor' ? (await broker.ask<number>('received')) + expected : 0;
      const startedMs = performance.now();
      // Aedes says PUBACK before its handlers have had a message.
      const [result] = await Promise.all([loads[side].ask<LoadResult>('run'), broker.ask('handled', handled)]);
      const durationS = (performance.now() - startedMs) / 1_000;
      if (result.answered !== expected) {
        throw new Error(`${String(result.answered)} of ${String(expected)} events were acknowledged`);
      }
      context.say(
        `${side}: ${String(Math.round(expected / durationS))}/s, ${String(result.decisions)} decisions, ` +
          `the sender's thread ${String(Math.round(100 * result.loopUtilization))} % busy`,
      );
      return expected / durationS;
    };
    for (const side of ['floor', 'ours'] as const) await measure(side, Math.ceil(size.messagesPerEdge / 2));
    return { measure: async (side) => ({ events: await measure(side, size.messagesPerEdge) }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function loadOf(edges: readonly EnrolledEdge[], port: number, answeredBy: 'acks' | 'pubacks'): EdgeLoadOptions {
  const target = { host: '127.0.0.1', port };
  return { edges: edges.map((edge) => ({ ...edge, target, answeredBy, windowMessages })) };
}
