/** How often an address may ask. */
import { describe, expect, it } from '@jest/globals';
import { createRequestRate } from '../../src/http/request-rate.js';

const bounds = { maxRequests: 2, windowMs: 1_000, maxAddresses: 2 };

describe('the rate of requests', () => {
  it('lets an address ask so often in a window, then tells how long to wait', () => {
    const rate = createRequestRate(bounds);
    expect([0, 100, 400, 999].map((atMs) => rate.admit('a', atMs))).toEqual([0, 0, 600, 1]);
  });

  it('begins a new window with the first request after the last one', () => {
    const rate = createRequestRate(bounds);
    for (const atMs of [0, 1, 2]) rate.admit('a', atMs);
    expect([1_000, 1_999, 1_999, 2_000].map((atMs) => rate.admit('a', atMs))).toEqual([0, 0, 1, 0]);
  });

  it('counts each address by itself', () => {
    const rate = createRequestRate(bounds);
    expect(['a', 'a', 'b', 'a', 'b'].map((address) => rate.admit(address, 0))).toEqual([0, 0, 0, 1_000, 0]);
  });

  it('forgets the window that began first when there are more addresses than it remembers', () => {
    const rate = createRequestRate(bounds);
    for (const address of ['a', 'a', 'b', 'b']) rate.admit(address, 0);
    expect(rate.admit('c', 1)).toBe(0);
    expect([rate.admit('b', 2), rate.admit('a', 2)]).toEqual([998, 0]);
  });
});
