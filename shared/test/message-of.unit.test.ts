import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { messageOf } from '../src/index.js';

describe('the message of what was thrown', () => {
  it.each<[string, unknown, string]>([
    ['an error', new TypeError('no such gate'), 'no such gate'],
    ['an error of another realm', runInNewContext(`new Error('from afar')`), 'from afar'],
    ['a text', 'plain', 'plain'],
    ['nothing', undefined, 'undefined'],
    ['an object without one', { message: 7 }, '[object Object]'],
  ])('of %s', (_, thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
