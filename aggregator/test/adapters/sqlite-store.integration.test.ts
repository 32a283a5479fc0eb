import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createSqliteStore } from '../../src/adapters/store/sqlite/index.js';
import type { AggregatorStore } from '../../src/app/ports.js';
import { describeStore } from '../conformance/store.js';

describeStore('sqlite', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'gatehouse-store-'));
  const opened: AggregatorStore[] = [];
  const openIn = async (directory: string): Promise<AggregatorStore> => {
    const store = createSqliteStore({ directory, logger: silentLogger, clock: systemClock });
    opened.push(store);
    await store.open();
    return store;
  };
  const store = await openIn(join(parent, 'data'));
  return {
    store,
    reopen: async () => {
      await store.close();
      return openIn(join(parent, 'data'));
    },
    // What the disk holds at this moment is what a power cut leaves.
    reopenAfterPowerCut: async () => {
      await cp(join(parent, 'data'), join(parent, 'after'), { recursive: true });
      return openIn(join(parent, 'after'));
    },
    dispose: async () => {
      for (const each of opened) await each.close();
      await rm(parent, { recursive: true, force: true });
    },
  };
});
