/** sqlite3 and one table: the same events in large batches, one statement each. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '@gatehouse/shared/node';
import { historyOf } from '../backlog/history.js';
import { packOutbox } from '../backlog/packed-outbox.js';
import { serve } from '../serve.js';
import { allRows, closeDatabase, openDatabase, prepareStatement, settled } from '../sqlite.js';
import type { BacklogEdgesOptions } from './backlog-edges.js';

export interface BatchInsertOptions extends BacklogEdgesOptions {
  readonly directory: string;
  readonly batchEvents: number;
}

export interface Inserted {
  readonly rows: number;
  readonly durationS: number;
}

const integers = new Set(['seq', 'atMs', 'receivedAtMs']);
const nullable = new Set(['gateId', 'credentialId', 'origin']);
/** The columns of the aggregator's table of events. */
const columns = [
  'edgeId',
  'epoch',
  'seq',
  'siteId',
  'gateId',
  'kind',
  'hash',
  'atMs',
  'receivedAtMs',
  'credentialId',
  'body',
  'origin',
  'flags',
] as const;
type Row = Readonly<Record<(typeof columns)[number], string | number | null>>;

const createSql = `CREATE TABLE events (${columns
  .map((name) => `${name} ${integers.has(name) ? 'INTEGER' : 'TEXT'}${nullable.has(name) ? '' : ' NOT NULL'}`)
  .join(', ')}, PRIMARY KEY (edgeId, epoch, seq))`;
/** Rows as arrays: as objects with `json_extract` it takes half as long again. */
const insertSql = `INSERT INTO events (${columns.join(', ')})
  SELECT ${columns.map((_, index) => `value ->> ${String(index)}`).join(', ')} FROM json_each(?)`;

export function run(): void {
  serve((options: BatchInsertOptions) => {
    const batches = batchesOf(options);
    let round = 0;
    return {
      async insert(): Promise<Inserted> {
        round += 1;
        const file = path.join(options.directory, `floor-${String(round)}.db`);
        try {
          return await insertAll(file, batches);
        } finally {
          for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
        }
      },
    };
  });
}

async function insertAll(file: string, batches: readonly string[]): Promise<Inserted> {
  const database = await openDatabase(file);
  await settled((done) => database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${createSql}`, done));
  const statement = await prepareStatement(database, insertSql);
  const startedMs = performance.now();
  for (const batch of batches) await settled((done) => statement.run([batch], done));
  const durationS = (performance.now() - startedMs) / 1_000;
  const [counted] = await allRows<{ rows: number }>(database, 'SELECT count(*) AS rows FROM events');
  await settled((done) => statement.finalize(() => done(null)));
  await closeDatabase(database);
  return { rows: counted?.rows ?? 0, durationS };
}

/** The parameters of the statements, made beforehand: a share of each edge's outbox at a time, as they come in. */
function batchesOf({ edges, eventsPerEdge, untilMs, batchEvents }: BatchInsertOptions): string[] {
  const rows = edges.map((edge) => {
    const epoch = sha256(`${edge.siteId}/${edge.edgeId}`).slice(0, 32);
    const outbox = packOutbox(epoch, historyOf(edge, eventsPerEdge, untilMs));
    return { edge, outbox };
  });
  const batches: string[] = [];
  let batch: Row[] = [];
  const flush = (): void => {
    if (batch.length > 0) batches.push(JSON.stringify(batch.map((row) => columns.map((name) => row[name]))));
    batch = [];
  };
  for (let first = 1; first <= eventsPerEdge; first += eventsPerTurn) {
    for (const { edge, outbox } of rows) {
      for (let seq = first; seq < first + eventsPerTurn && seq <= outbox.count; seq += 1) {
        const body = outbox.text(seq);
        const event = JSON.parse(body) as { kind: string; gateId: string; atMs: number; credential?: unknown };
        batch.push({
          edgeId: edge.edgeId,
          epoch: outbox.epoch,
          seq,
          siteId: edge.siteId,
          gateId: event.gateId,
          kind: event.kind,
          hash: outbox.hashAt(seq),
          atMs: event.atMs,
          receivedAtMs: untilMs,
          credentialId: event.credential === undefined ? null : outbox.hashAt(seq).slice(0, 32),
          body,
          origin: null,
          flags: '[]',
        });
        if (batch.length === batchEvents) flush();
      }
    }
  }
  flush();
  return batches;
}

/** Events of one edge that come together: as many as one message carries, about. */
const eventsPerTurn = 220;
