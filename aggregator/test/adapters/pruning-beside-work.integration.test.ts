import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';
import { createMemoryHub, createMemoryLink } from '../../src/adapters/broker/memory/index.js';
import { openConnection } from '../../src/adapters/store/sqlite/connection.js';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import type { SqliteStore } from '../../src/adapters/store/sqlite/index.js';
import { createAggregator } from '../../src/app/aggregator.js';
import type { Aggregator } from '../../src/app/aggregator.js';
import type { AggregatorStore } from '../../src/app/ports.js';
import { aggregatorSettingsSchema } from '../../src/app/settings.js';
import { layoutFor, siteId } from '../app/support.js';

const backlogRows = 100_000;
const act = { by: 'olga', reason: 'test' } as const;

let directory: string;
let aggregator: Aggregator;
let store: SqliteStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-pruning-'));
});
afterEach(async () => {
  await aggregator.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Steps that delete something, one after the other, and whether one is running. */
interface Steps {
  begun: number;
  ended: number;
  deletedRows: number;
}

function watched(store: AggregatorStore, steps: Steps): AggregatorStore {
  return {
    ...store,
    async prune(kind, beforeMs, maxRows) {
      steps.begun += 1;
      const rows = await store.prune(kind, beforeMs, maxRows).finally(() => (steps.ended += 1));
      steps.deletedRows += rows;
      return rows;
    },
  };
}

async function makeBacklog(): Promise<void> {
  const store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
  await store.open();
  await store.close();
  const connection = await openConnection(join(directory, 'gatehouse.db'));
  await connection.exec(
    `INSERT INTO events (edgeId, epoch, seq, siteId, gateId, kind, hash, atMs, receivedAtMs, credentialId, body, origin, flags)
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${String(backlogRows)})
      SELECT 'edge-' || (i % 100), 'e', i, '${siteId}', 'gate', 'vehicle-passed', printf('%064d', i), i, i,
        printf('%032d', i % 5000), printf('%0200d', i), NULL, '[]' FROM n`,
  );
  await connection.close();
}

async function start(steps: Steps): Promise<void> {
  store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
  const clock = systemClock;
  const ports = { clock, random: systemRandom, sha256, logger: silentLogger };
  const link = createMemoryLink(createMemoryHub());
  const settings = aggregatorSettingsSchema.parse({ retention: { intervalMs: 1_000, timeSharePercent: 100 } });
  aggregator = createAggregator({ ...ports, store: watched(store, steps), link }, settings);
  await aggregator.start();
  await aggregator.committer.execute((turn) => {
    turn.apply(siteId, { type: 'put-layout', layout: layoutFor(['edge-1']), ...act });
  });
}

describe('while a large backlog of old rows is deleted', () => {
  it('work goes on beside the steps, and the backlog goes', async () => {
    const steps: Steps = { begun: 0, ended: 0, deletedRows: 0 };
    await makeBacklog();
    await start(steps);
    let done = 0;
    let besideSteps = 0;
    let count = 0;
    while (steps.deletedRows < backlogRows) {
      count += 1;
      await aggregator.committer.execute((turn) => {
        done += 1;
        if (steps.begun > steps.ended) besideSteps += 1;
        turn.apply(siteId, { type: 'correct-count', count: count % 10, ...act });
      });
      // Sometimes work comes after work, sometimes into the middle of steps.
      if (count % 3 === 0) {
        await new Promise((resolve) =>
          systemClock.setTimer(count % 7, () => {
            resolve(undefined);
          }),
        );
      }
    }
    expect(done).toBeGreaterThan(50);
    expect(besideSteps).toBeGreaterThan(0);
    expect((await aggregator.store.listEvents({}, { limit: 1, cursor: null })).items).toEqual([]);
    // Deleting writes the log, too: it is moved into the database beside the steps.
    expect((await stat(join(directory, 'gatehouse.db-wal'))).size).toBeLessThan(80 * 1024 * 1024);
    // Its room is there to be written again.
    expect((await store.reading()).freeBytes).toBeGreaterThan(backlogRows * 200);
  }, 120_000);
});
