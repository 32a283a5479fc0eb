import { describe, expect, it } from '@jest/globals';
import { createMemoryBacking, createMemoryStore } from '../../src/adapters/store/memory/index.js';
import type { MemoryStore } from '../../src/adapters/store/memory/index.js';
import { changeSet, sessionRow } from '../conformance/rows.js';
import { describeStore } from '../conformance/store.js';

describeStore('memory', async () => {
  const backing = createMemoryBacking();
  let store = createMemoryStore(backing);
  await store.open();
  const next = async (): Promise<MemoryStore> => {
    store = createMemoryStore(backing);
    await store.open();
    return store;
  };
  return {
    store,
    reopen: async () => {
      await store.close();
      return next();
    },
    reopenAfterPowerCut: async () => {
      store.crash();
      return next();
    },
    dispose: () => store.close(),
  };
});

describe('failures of the memory store on demand', () => {
  it('fail a commit before it is stored, or after', async () => {
    const store = createMemoryStore();
    await store.open();
    store.failNextCommit('full');
    await expect(store.commit(changeSet({ sessions: [sessionRow(1)] }))).rejects.toMatchObject({ code: 'full' });
    expect((await store.load()).sessions).toHaveLength(0);
    store.failNextCommit('io', { stored: true });
    await expect(store.commit(changeSet({ sessions: [sessionRow(1)] }))).rejects.toMatchObject({ code: 'io' });
    expect((await store.load()).sessions).toHaveLength(1);
    store.failNextRead('damaged');
    await expect(store.load()).rejects.toMatchObject({ code: 'damaged' });
    await store.commit(changeSet());
  });

  it('hold commits until they are let go', async () => {
    const store = createMemoryStore();
    await store.open();
    const letGo = store.holdCommits();
    let done = false;
    const commit = store.commit(changeSet({ sessions: [sessionRow(1)] })).then(() => (done = true));
    expect((await store.load()).sessions).toHaveLength(0);
    expect(done).toBe(false);
    letGo();
    await commit;
    expect((await store.load()).sessions).toHaveLength(1);
  });

  it('refuse a second store on a backing that is open', async () => {
    const backing = createMemoryBacking();
    await createMemoryStore(backing).open();
    await expect(createMemoryStore(backing).open()).rejects.toMatchObject({ code: 'in-use' });
  });
});
