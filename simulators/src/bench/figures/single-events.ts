/** Figure 3: what comes in one event a message. */
import path from 'node:path';
import { loadOf, startLoadedSystem } from '../edge-load/loaded-system.js';
import type { LoadContext } from '../edge-load/loaded-system.js';
import type { LoadSize } from '../edge-load/load-sites.js';
import { atLeastTimes, told } from '../figure.js';
import type { Figure, PreparedFigure, Scale } from '../figure.js';
import type { LoadResult } from '../programs/edge-load.js';

export interface SingleEventsSize extends LoadSize {
  readonly messagesPerEdge: number;
}

const sizes: Readonly<Record<Scale, SingleEventsSize>> = {
  full: { sites: 40, edgesPerSite: 5, messagesPerEdge: 600 },
  short: { sites: 8, edgesPerSite: 5, messagesPerEdge: 400 },
};

export const singleEvents: Figure = {
  number: 3,
  title: 'events, one a message',
  how:
    'Edges of small car parks, each with one connection and the production window of 4 unacknowledged messages: 200 edges of 40 sites. A vehicle arrives at each ' +
    'of two entries and two exits and wants a decision; then each passes; eight vehicles of each edge are inside. The messages are made beforehand, with ' +
    'their hash chains; a process of its own sends them. An event counts when `acks` says that it is stored. The floor is a broker that is Aedes with an empty ' +
    'handler: the same program, connections, messages and window, where what counts has its PUBACK and was handled. What of the distance is the price of keeping anything is told by a second floor: Aedes and sqlite3, ' +
    'where each event is a row of one table before its message has its PUBACK, all that wait in one statement, and nothing is checked or decided. Raised: enrolments a minute from one address.',
  lines: [
    {
      key: 'events',
      what: 'single-event messages acknowledged',
      unit: '1/s',
      floor: 'Aedes QoS 1 with an empty handler, same clients',
      ...atLeastTimes(0.5, 0.8, 0.012),
    },
    {
      key: 'eventsKept',
      what: 'the same, beside a broker that keeps them',
      unit: '1/s',
      floor: 'Aedes and sqlite3, an event a row before its PUBACK',
      ...told,
    },
  ],
  rounds: { full: 7, short: 3 },
  prepare: (context) => prepareSingleEvents(context, sizes[context.scale]),
};

export async function prepareSingleEvents(context: LoadContext, size: SingleEventsSize): Promise<PreparedFigure> {
  const loaded = await startLoadedSystem(context, size);
  try {
    const { edges } = loaded;
    const broker = await loaded.start('bare-aedes', {});
    const port = await broker.ask<number>('port');
    const floor = await loaded.start('edge-load', loadOf(edges, port, 'pubacks'));
    const keeper = await loaded.start('storing-aedes', { file: path.join(loaded.system.directory, 'kept-events.db') });
    const keeperLoad = await loaded.start('edge-load', loadOf(edges, await keeper.ask<number>('port'), 'pubacks'));
    const tell = (side: string, perS: number, { decisions, loopUtilization }: LoadResult): number => {
      const busy = String(Math.round(100 * loopUtilization));
      context.say(`${side}: ${String(Math.round(perS))}/s, ${String(decisions)} decisions, the sender ${busy} % busy`);
      return perS;
    };
    const ours = async (messagesPerEdge: number): Promise<number> => {
      const result = await loaded.send({ messagesPerEdge, eventsPerMessage: 1 });
      return tell('ours', result.events / result.durationS, result);
    };
    const bare = async (messagesPerEdge: number): Promise<number> => {
      await floor.ask('build', { messagesPerEdge, eventsPerMessage: 1 });
      const messages = messagesPerEdge * edges.length;
      const handled = (await broker.ask<number>('received')) + messages;
      const startedMs = performance.now();
      // Aedes says PUBACK before its handlers have had a message.
      const [result] = await Promise.all([floor.ask<LoadResult>('run'), broker.ask('handled', handled)]);
      if (result.answered !== messages) {
        throw new Error(`${String(result.answered)} of ${String(messages)} messages had a PUBACK`);
      }
      return tell('floor', (1_000 * messages) / (performance.now() - startedMs), result);
    };
    const kept = async (messagesPerEdge: number): Promise<number> => {
      await keeperLoad.ask('build', { messagesPerEdge, eventsPerMessage: 1 });
      const expected = (await keeper.ask<number>('stored')) + messagesPerEdge * edges.length;
      const result = await keeperLoad.ask<LoadResult>('run');
      const stored = await keeper.ask<number>('stored');
      if (stored !== expected) throw new Error(`${String(stored)} of ${String(expected)} events were kept`);
      return tell('floor that keeps', result.answered / result.durationS, result);
    };
    const warmUp = Math.ceil(size.messagesPerEdge / 2);
    await bare(warmUp);
    await kept(warmUp);
    await ours(warmUp);
    return {
      async measure(side) {
        if (side === 'floor')
          return { events: await bare(size.messagesPerEdge), eventsKept: await kept(size.messagesPerEdge) };
        const events = await ours(size.messagesPerEdge);
        return { events, eventsKept: events };
      },
      close: () => loaded.close(),
    };
  } catch (error) {
    await loaded.close();
    throw error;
  }
}
