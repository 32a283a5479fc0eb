import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { maxJsonDepth, parsePayload, parseValue, wireLimits } from '../src/index.js';

const anything = z.unknown();
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('a payload', () => {
  it('is taken at the bound of its size and refused one byte beyond', () => {
    const atBound = `"${'a'.repeat(wireLimits.maxPayloadBytes - 2)}"`;
    expect(parsePayload(anything, bytes(atBound)).ok).toBe(true);
    expect(parsePayload(anything, bytes(`${atBound} `))).toEqual({
      ok: false,
      error: 'payload: 131073 bytes; at most 131072 are taken',
    });
  });

  it('is counted in bytes, not characters', () => {
    const text = `"${'€'.repeat(wireLimits.maxPayloadBytes / 3 + 1)}"`;
    expect(text.length).toBeLessThan(wireLimits.maxPayloadBytes);
    expect(parsePayload(anything, bytes(text)).ok).toBe(false);
  });

  it.each([
    ['an over-long form', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a cut sequence', [0x22, 0xe2, 0x82]],
    ['Latin-1', [0x22, 0xe4, 0x22]],
  ])('that is not UTF-8 is refused: %s', (_name, payload) => {
    expect(parsePayload(anything, Uint8Array.from(payload))).toEqual({ ok: false, error: 'payload: is not UTF-8' });
  });

  it('with a byte-order mark is not JSON', () => {
    expect(parsePayload(anything, Uint8Array.from([0xef, 0xbb, 0xbf, 0x31])).ok).toBe(false);
  });

  it('that is not JSON is refused without repeating what it holds', () => {
    const result = parsePayload(anything, bytes('{"plate": AB12CDE}'));
    expect(result.ok ? '' : result.error).toMatch(/^payload: is not JSON \((position \d+|malformed)\)$/);
    expect(parsePayload(anything, bytes('')).ok).toBe(false);
  });

  it('may be nested to the bound and no deeper', () => {
    const nested = (depth: number): Uint8Array => bytes('['.repeat(depth) + ']'.repeat(depth));
    expect(parsePayload(anything, nested(maxJsonDepth)).ok).toBe(true);
    expect(parsePayload(anything, nested(maxJsonDepth + 1))).toEqual({
      ok: false,
      error: 'payload: is nested deeper than 16',
    });
  });

  it('nested as deep as its size allows does not exhaust the stack', () => {
    const depth = wireLimits.maxPayloadBytes / 2;
    expect(parsePayload(anything, bytes('['.repeat(depth) + ']'.repeat(depth))).ok).toBe(false);
  });

  it.each(['{"__proto__":{}}', '{"a":[{"__proto__":1}]}', '{"\\u005f_proto__":null}'])(
    'with a member named __proto__ is refused: %s',
    (text) => {
      expect(parsePayload(anything, bytes(text))).toEqual({
        ok: false,
        error: 'payload: has a member named __proto__',
      });
    },
  );

  it('never makes the parser throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (payload) => {
        expect(typeof parsePayload(anything, payload).ok).toBe('boolean');
      }),
    );
  });
});

describe('the refusal of a value', () => {
  const schema = z.strictObject({ gates: z.array(z.strictObject({ gateId: z.string() })), siteId: z.string() });

  it('names the member and the rule', () => {
    expect(parseValue(schema, { gates: [{ gateId: 1 }], siteId: 'a' })).toEqual({
      ok: false,
      error: 'gates[0].gateId: Invalid input: expected string, received number',
    });
    expect(parseValue(schema, [])).toEqual({
      ok: false,
      error: 'value: Invalid input: expected object, received array',
    });
  });

  it('is given also for a value that makes the validator stumble', () => {
    const bounded = z.strictObject({ text: z.string().max(3) });
    const text = { length: { toString: 1, valueOf: 1 } };
    expect(() => bounded.safeParse({ text })).toThrow(TypeError);
    expect(parseValue(bounded, { text })).toEqual({ ok: false, error: 'value: cannot be validated' });
  });

  it('lists five problems and counts the rest', () => {
    const result = parseValue(schema, { gates: Array.from({ length: 7 }, () => ({ gateId: 1 })), siteId: 'a' });
    expect(result.ok ? '' : result.error).toMatch(/gates\[4\].*; and 2 more$/);
  });
});
