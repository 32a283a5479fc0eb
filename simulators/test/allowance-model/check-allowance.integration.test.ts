import { expect, it } from '@jest/globals';
import { checkAllowance } from '../../src/allowance-model/check.js';

it('holds the protocol in every state of every scenario, and misses each rule that is left out', () => {
  const lines = [...checkAllowance()];
  expect(lines.filter(({ ok }) => !ok)).toEqual([]);
  expect(lines.filter(({ mustFail }) => !mustFail).every(({ complete }) => complete)).toBe(true);
  expect(lines.reduce((sum, { states }) => sum + states, 0)).toBeGreaterThan(200_000);
}, 300_000);
