/** Figure 12: what is asked for all the time, while events come in. */
import { setTimeout as delay } from 'node:timers/promises';
import { startLoadedSystem } from '../edge-load/loaded-system.js';
import type { LoadContext } from '../edge-load/loaded-system.js';
import type { LoadSize } from '../edge-load/load-sites.js';
import { atMostTimes, told } from '../figure.js';
import type { Figure, Line, Measured, PreparedFigure, Scale } from '../figure.js';
import type { PollAnswer, PollOptions } from '../programs/poll.js';
import { median, percentile } from '../statistics.js';

export interface PagesSize extends LoadSize {
  readonly messagesPerEdge: number;
  readonly idleMs: number;
}

const sizes: Readonly<Record<Scale, PagesSize>> = {
  full: { sites: 40, edgesPerSite: 5, messagesPerEdge: 600, idleMs: 15_000 },
  short: { sites: 8, edgesPerSite: 5, messagesPerEdge: 400, idleMs: 3_000 },
};
const metrics = { path: '/metrics', perSecond: 2 };
const occupancy = { path: '/api/v1/occupancy', perSecond: 20 };

const lines = [metrics, occupancy].flatMap(({ path }): Line[] => [
  { key: `${path} p99`, what: `${path}, p99`, unit: 'ms', floor: 'the same, idle', ...atMostTimes(5, 2) },
  { key: `${path} median`, what: `${path}, median`, unit: 'ms', floor: 'the same, idle', ...told },
]);

export const pagesUnderLoad: Figure = {
  number: 12,
  title: '/metrics and /api/v1/occupancy while events come in',
  how:
    `A process of its own asks for /metrics ${String(metrics.perSecond)} times a second and for /api/v1/occupancy ${String(occupancy.perSecond)} times, and takes the time from ` +
    'when each was due; while 200 edges of 40 sites send single-event messages as fast as they are acknowledged (figure 3), and, as the floor, while they ' +
    'only tell their state.',
  lines,
  rounds: { full: 5, short: 2 },
  prepare: (context) => preparePages(context, sizes[context.scale]),
};

export async function preparePages(context: LoadContext, size: PagesSize): Promise<PreparedFigure> {
  const loaded = await startLoadedSystem(context, size);
  try {
    const { system } = loaded;
    const options: PollOptions = { port: system.httpPort, key: system.adminKey, pages: [metrics, occupancy] };
    const poll = await loaded.start('poll', options);
    const { messagesPerEdge } = size;
    await loaded.send({ messagesPerEdge: Math.ceil(messagesPerEdge / 2), eventsPerMessage: 1 });
    const send = async (): Promise<unknown> => loaded.send({ messagesPerEdge, eventsPerMessage: 1 });
    return {
      async measure(side) {
        await poll.ask('begin');
        await (side === 'ours' ? send() : delay(size.idleMs));
        return measuredOf(await poll.ask<PollAnswer>('end'));
      },
      close: () => loaded.close(),
    };
  } catch (error) {
    await loaded.close();
    throw error;
  }
}

function measuredOf(answer: PollAnswer): Measured {
  return Object.fromEntries(
    Object.entries(answer).flatMap(([path, tookMs]) => [
      [`${path} p99`, percentile(tookMs, 99)],
      [`${path} median`, median(tookMs)],
    ]),
  );
}
