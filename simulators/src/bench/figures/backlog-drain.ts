/** Figure 4: edges that were alone come back with what they have recorded. */
import sqlite3 from 'sqlite3';
import path from 'node:path';
import type { BacklogEdge } from '../backlog/history.js';
import { startChild } from '../child.js';
import type { Child } from '../child.js';
import { createLoadSites, edgesOf, enrolmentSettings } from '../edge-load/load-sites.js';
import type { LoadSize } from '../edge-load/load-sites.js';
import type { StoryEdge } from '../edge-load/story.js';
import { atLeastTimes } from '../figure.js';
import type { BenchContext, Figure, PreparedFigure, Scale } from '../figure.js';
import type { BacklogEdgesOptions, Drained } from '../programs/backlog-edges.js';
import type { Inserted } from '../programs/batch-insert.js';
import { System } from '../../processes/index.js';

export interface BacklogSize extends LoadSize {
  readonly eventsPerEdge: number;
}

const sizes: Readonly<Record<Scale, BacklogSize>> = {
  full: { sites: 10, edgesPerSite: 10, eventsPerEdge: 10_000 },
  short: { sites: 4, edgesPerSite: 5, eventsPerEdge: 1_500 },
};
/** Rows in one statement of the floor: of 500, 1,000 and 2,000 the quickest. */
const batchEvents = 2_000;

export const backlogDrain: Figure = {
  number: 4,
  title: 'draining of backlogs',
  how:
    '100 edges of 10 sites come back at once, each with 10,000 events that it recorded while it was alone: vehicles that were let in by its allowance or turned ' +
    'away, and vehicles that left. Each sends by the protocol (up to 256 events or 64 KiB a batch, 4 batches under way, sent again when nothing comes back) and lets ' +
    'go of what `acks` says is stored; counted from the first attempt to connect to the last acknowledgement, into an empty store. The floor is sqlite3 with one ' +
    `table of events and its primary key, WAL and synchronous=FULL: the same events, ${String(batchEvents)} in one INSERT … SELECT … FROM json_each(?), whose texts ` +
    'are made beforehand. Raised: enrolments a minute from one address.',
  lines: [
    {
      key: 'events',
      what: 'events of a backlog stored and acknowledged',
      unit: '1/s',
      floor: 'sqlite3, the same events inserted in batches',
      ...atLeastTimes(0.4, 0.8, 0.03),
    },
  ],
  rounds: { full: 3, short: 3 },
  prepare: (context) => prepareBacklogDrain(context, sizes[context.scale]),
};

export async function prepareBacklogDrain(
  context: Omit<BenchContext, 'scale'>,
  size: BacklogSize,
): Promise<PreparedFigure> {
  const children: Child[] = [];
  const expected = size.sites * size.edgesPerSite * size.eventsPerEdge;
  let floor: Child | undefined;
  let load: Child | undefined;
  const start = async (program: string, options: unknown): Promise<Child> => {
    const child = await startChild(program, options);
    children.push(child);
    return child;
  };
  const untilMs = Date.now();

  const ours = async (): Promise<number> => {
    const system = new System(1, enrolmentSettings).endWith(context.tidyUp);
    try {
      await system.startAggregator();
      const enrolled = await createLoadSites(system, size);
      const options: BacklogEdgesOptions = {
        edges: enrolled.map(backlogEdge),
        eventsPerEdge: size.eventsPerEdge,
        untilMs,
      };
      load ??= await start('backlog-edges', options);
      const passwords = Object.fromEntries(enrolled.map(({ edgeId, password }) => [edgeId, password]));
      const drained = await load.ask<Drained>('drain', { port: system.mqttPort, passwords });
      context.say(
        `ours: ${String(Math.round(expected / drained.durationS))}/s, ${String(drained.resentBatches)} batches sent again, ` +
          `the sender's thread ${String(Math.round(100 * drained.loopUtilization))} % busy`,
      );
      await system.aggregator?.kill('SIGTERM');
      checkCount('acknowledged', drained.acknowledged, expected);
      checkCount('stored', await storedEvents(path.join(system.aggregatorDirectory, 'gatehouse.db')), expected);
      return expected / drained.durationS;
    } finally {
      await system.stop();
    }
  };

  const bare = async (): Promise<number> => {
    floor ??= await start('batch-insert', {
      edges: edgesOf(size).map(backlogEdge),
      eventsPerEdge: size.eventsPerEdge,
      untilMs,
      batchEvents,
      directory: context.directory,
    });
    const inserted = await floor.ask<Inserted>('insert');
    checkCount('inserted', inserted.rows, expected);
    context.say(`floor: ${String(Math.round(expected / inserted.durationS))}/s`);
    return expected / inserted.durationS;
  };

  return {
    measure: async (side) => ({ events: await (side === 'ours' ? ours() : bare()) }),
    async close() {
      for (const child of [...children].reverse()) await child.stop();
    },
  };
}

/** With the first of its entries, and of its exits. */
function backlogEdge({ siteId, edgeId, entryGateIds, exitGateIds, slotIds }: StoryEdge): BacklogEdge {
  const [entryGateId = ''] = entryGateIds;
  const [exitGateId = ''] = exitGateIds;
  return { siteId, edgeId, entryGateId, exitGateId, slotIds };
}

function checkCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw new Error(`${String(count)} of ${String(expected)} events were ${what}`);
}

/** Of a store that nobody has open. */
async function storedEvents(file: string): Promise<number> {
  const database = new sqlite3.Database(file, sqlite3.OPEN_READONLY);
  try {
    return await new Promise<number>((resolve, reject) => {
      database.get<{ events: number }>('SELECT count(*) AS events FROM events', (error, row) => {
        if (error === null) resolve(row.events);
        else reject(error);
      });
    });
  } finally {
    await new Promise<void>((resolve) => {
      database.close(() => {
        resolve();
      });
    });
  }
}
