/** sqlite3 and one table: the same events in large batches, one statement each. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { sha256 } from '@gatehouse/shared/node';
import { historyOf } from '../backlog/history.js';
import { packOutbox } from '../backlog/packed-outbox.js';
import { openEventTable, textOfRows } from '../event-table.js';
import type { EventTableRow } from '../event-table.js';
import { serve } from '../serve.js';
import type { BacklogEdgesOptions } from './backlog-edges.js';

export interface BatchInsertOptions extends BacklogEdgesOptions {
  readonly directory: string;
  readonly batchEvents: number;
}

export interface Inserted {
  readonly rows: number;
  readonly durationS: number;
}

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
  const table = await openEventTable(file);
  const startedMs = performance.now();
  for (const batch of batches) await table.insert(batch);
  const durationS = (performance.now() - startedMs) / 1_000;
  const rows = await table.count();
  await table.close();
  return { rows, durationS };
}

/** The parameters of the statements, made beforehand: a share of each edge's outbox at a time, as they come in. */
function batchesOf({ edges, eventsPerEdge, untilMs, batchEvents }: BatchInsertOptions): string[] {
  const rows = edges.map((edge) => {
    const epoch = sha256(`${edge.siteId}/${edge.edgeId}`).slice(0, 32);
    const outbox = packOutbox(epoch, historyOf(edge, eventsPerEdge, untilMs));
    return { edge, outbox };
  });
  const batches: string[] = [];
  let batch: EventTableRow[] = [];
  const flush = (): void => {
    if (batch.length > 0) batches.push(textOfRows(batch));
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
