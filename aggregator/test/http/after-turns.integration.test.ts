/** Operators are answered while the next turn is being stored. */
import { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { createAfterTurns } from '../../src/http/after-turns.js';
import { openApi, siteId, until } from './support.js';
import type { Api } from './support.js';

let api: Api | undefined;
afterEach(async () => {
  jest.restoreAllMocks();
  await api?.stop();
});

describe('answers to changes', () => {
  it('leave once the next turn was handed to the store', async () => {
    const opened = await openApi();
    api = opened;
    const ask = (slotId: string, action: 'assign' | 'release'): Promise<{ status: number }> =>
      opened.call('POST', `/api/v1/sites/${siteId}/slots/${slotId}/${action}`, { body: { reason: 'by hand' } });
    await ask('a-1', 'assign');
    await ask('a-2', 'assign');
    const order: string[] = [];
    const { commit } = opened.store;
    jest.spyOn(opened.store, 'commit').mockImplementation((changes) => {
      order.push('commit');
      return commit(changes);
    });
    const { writeHead } = ServerResponse.prototype as { writeHead: (...head: unknown[]) => ServerResponse };
    jest.spyOn(ServerResponse.prototype, 'writeHead').mockImplementation(function (this: ServerResponse, ...head) {
      order.push('answer');
      return writeHead.apply(this, head);
    });
    // The first turn is held until the second request waits for its own.
    const release = opened.store.holdCommits();
    const first = ask('a-1', 'release');
    await until(() => order.length === 1);
    const second = ask('a-2', 'release');
    await until(() => opened.aggregator.health().pendingOperations === 1);
    release();
    expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
    expect(order).toEqual(['commit', 'commit', 'answer', 'answer']);
  });
});

describe('the end of a step of the event loop', () => {
  it('is awaited by all who ask in it together, and by others anew', async () => {
    const afterTurns = createAfterTurns();
    const first = afterTurns();
    expect(afterTurns()).toBe(first);
    await first;
    const later = afterTurns();
    expect(later).not.toBe(first);
    await later;
  });

  it('comes after everything that was due in it', async () => {
    const order: string[] = [];
    const afterTurns = createAfterTurns();
    const ended = afterTurns().then(() => order.push('end'));
    let due = Promise.resolve();
    for (let hop = 0; hop < 100; hop += 1) due = due.then(() => undefined);
    await Promise.all([ended, due.then(() => order.push('due'))]);
    expect(order).toEqual(['due', 'end']);
  });
});
