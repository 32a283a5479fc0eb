/** How many bytes of the store a vehicle takes, and what of them stays for how long: vehicles come and go, and then pages are counted. */
import path from 'node:path';
import sqlite3 from 'sqlite3';
import { System } from '../../processes/index.js';
import type { TidyUp } from '../../processes/index.js';
import { createLoadSites, enrolmentSettings } from '../edge-load/load-sites.js';
import type { LoadSize } from '../edge-load/load-sites.js';
import { loadOf } from '../edge-load/loaded-system.js';
import { createProcesses } from '../figure-processes.js';
import type { LoadResult } from '../programs/edge-load.js';
import { allRows, closeDatabase, openDatabase } from '../sqlite.js';

export interface TableGrowth {
  readonly table: string;
  /** Rows that one stay of a vehicle leaves behind. */
  readonly rowsPerStay: number;
  /** Of a row with its indices, in whole pages. */
  readonly bytesPerRow: number;
}

export interface StoreGrowth {
  readonly stays: number;
  readonly events: number;
  readonly tables: readonly TableGrowth[];
}

export interface GrowthOptions extends LoadSize {
  /** Stays that are counted; a quarter as many come before, so that tables have got the shape that they keep. */
  readonly stays: number;
  /** Acts of an operator, for the audit log. */
  readonly acts: number;
  readonly eventsPerMessage: number;
  readonly tidyUp: TidyUp;
  readonly say: (sentence: string) => void;
}

/** A vehicle arrives and passes, at an entry and at an exit. */
const eventsPerStay = 4;
const settings = {
  ...enrolmentSettings,
  http: { rate: { ...enrolmentSettings.http.rate, requestsPerKeyPerMinute: 100_000 } },
};

interface Extent {
  rows: number;
  bytes: number;
}
type Extents = ReadonlyMap<string, Extent>;

export async function measureStoreGrowth(options: GrowthOptions): Promise<StoreGrowth> {
  const processes = createProcesses(options.tidyUp, new System(1, settings));
  const { system } = processes;
  try {
    await system.startAggregator();
    const edges = await createLoadSites(system, options);
    const load = await processes.start('edge-load', loadOf(edges, system.mqttPort, 'acks'));
    const runStays = async (stays: number): Promise<number> => {
      const { eventsPerMessage } = options;
      const messagesPerEdge = Math.ceil((stays * eventsPerStay) / edges.length / eventsPerMessage);
      await load.ask('build', { messagesPerEdge, eventsPerMessage });
      return (await load.ask<LoadResult>('run')).answered;
    };
    const database = path.join(system.aggregatorDirectory, 'gatehouse.db');
    options.say(`${String(Math.ceil(options.stays / 4))} vehicles come and go before`);
    await runStays(options.stays / 4);
    const before = await readExtents(system, database);
    options.say(`${String(options.stays)} vehicles come and go`);
    const events = await runStays(options.stays);
    const after = await readExtents(system, database);
    const [edge] = edges;
    if (edge === undefined) throw new RangeError('there is no edge');
    options.say(`an operator acts ${String(options.acts)} times`);
    await act(system, edge.siteId, options.acts);
    const audited = await readExtents(system, database);
    const stays = difference(after, before, 'sessions').rows;
    const tables = [...after.keys()]
      .map((table): TableGrowth => growthOf(table, difference(after, before, table), stays))
      .filter(({ rowsPerStay }) => rowsPerStay > 0);
    return { stays, events, tables: [...tables, growthOf('audit', difference(audited, after, 'audit'), Infinity)] };
  } finally {
    await processes.close();
  }
}

async function act(system: System, siteId: string, acts: number): Promise<void> {
  for (let number = 1; number <= acts; number += 1) {
    await system.api('POST', `/api/v1/sites/${siteId}/occupancy/corrections`, {
      count: number % 10,
      reason: 'Counted by hand on the evening round',
    });
  }
}

function growthOf(table: string, { rows, bytes }: Extent, stays: number): TableGrowth {
  return { table, rowsPerStay: rows / stays, bytesPerRow: rows === 0 ? 0 : bytes / rows };
}

function difference(after: Extents, before: Extents, table: string): Extent {
  const [late, early] = [after.get(table), before.get(table)];
  return { rows: (late?.rows ?? 0) - (early?.rows ?? 0), bytes: (late?.bytes ?? 0) - (early?.bytes ?? 0) };
}

/** Rows and whole pages of each table with its indices, while the aggregator runs. */
async function readExtents(system: System, file: string): Promise<Extents> {
  // A list waits until the tables have what is committed.
  await system.api('GET', '/api/v1/audit?limit=1');
  const database = await openDatabase(file, sqlite3.OPEN_READONLY);
  const all = <Row>(sql: string): Promise<Row[]> => allRows<Row>(database, sql);
  try {
    const extents = new Map<string, Extent>();
    for (const { name } of await all<{ name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table'`)) {
      const [count] = await all<{ rows: number }>(`SELECT count(*) AS rows FROM "${name}"`);
      extents.set(name, { rows: count?.rows ?? 0, bytes: 0 });
    }
    const pages = await all<{ table: string; bytes: number }>(
      `SELECT s.tbl_name AS "table", sum(d.pgsize) AS bytes FROM dbstat AS d JOIN sqlite_schema AS s ON s.name = d.name
        WHERE d.aggregate = TRUE GROUP BY s.tbl_name`,
    );
    for (const { table, bytes } of pages) {
      const extent = extents.get(table);
      if (extent !== undefined) extent.bytes = bytes;
    }
    return extents;
  } finally {
    await closeDatabase(database);
  }
}
