import { describe, expect, it } from '@jest/globals';
import { sha256 } from '@gatehouse/shared/node';
import { createMemoryOutbox, createMemoryOutboxBacking } from '../../src/adapters/memory/index.js';
import { chain, codeOf, describeOutboxStore, epochOne } from '../conformance/outbox-store.js';

describeOutboxStore('memory', () => {
  const backing = createMemoryOutboxBacking();
  return Promise.resolve({
    store: (bounds = {}) => createMemoryOutbox({ backing, sha256, bounds }),
    storeAfterPowerCut() {
      backing.holder = undefined;
      return Promise.resolve(createMemoryOutbox({ backing, sha256 }));
    },
    damage() {
      backing.corrupt = true;
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  });
});

describe('the memory outbox', () => {
  it('fails as it is told to, and keeps nothing of what failed', async () => {
    const backing = createMemoryOutboxBacking();
    const store = createMemoryOutbox({ backing, sha256 });
    await store.open(epochOne);
    backing.failure = (operation) => (operation === 'append' ? 'io' : undefined);
    expect(await codeOf(store.append({ events: chain(epochOne, undefined, 1) }))).toBe('io');
    backing.failure = undefined;
    expect(await store.read(1, 10, 1_000)).toEqual([]);
  });
});
