import { describe, expect, it } from '@jest/globals';
import { allowanceSchema, parsePayload, wireLimits } from '../src/index.js';

/** Names and labels at their bounds; `char` weighs as much in JSON as any character a label may hold. */
function largestAllowance(char: string): object {
  const name = (index: number): string => String(index).padStart(63, 's');
  return {
    epoch: 'f'.repeat(32),
    version: Number.MAX_SAFE_INTEGER,
    asOf: Number.MAX_SAFE_INTEGER,
    slots: Array.from({ length: wireLimits.maxAllowanceSlots }, (_unused, index) => ({
      slotId: name(index),
      zoneId: name(index),
      label: char.repeat(40 / char.length),
      slotClass: 'motorcycle',
    })),
    access: {
      version: Number.MAX_SAFE_INTEGER,
      page: wireLimits.maxAccessPages,
      pages: wireLimits.maxAccessPages,
      unlisted: 'admit',
      entries: Array.from({ length: wireLimits.maxAccessEntries }, () => ({
        digest: 'f'.repeat(64),
        rule: 'permitted',
      })),
    },
  };
}

describe('the largest allowance', () => {
  it.each(['€', '"', '\\', '😀'])('fits into a payload, with labels of %s', (char) => {
    const payload = new TextEncoder().encode(JSON.stringify(largestAllowance(char)));
    expect(payload.byteLength).toBeLessThanOrEqual(wireLimits.maxPayloadBytes);
    expect(parsePayload(allowanceSchema, payload)).toMatchObject({ ok: true });
  });

  it.each(['\n', '\u007f', '\ud800'])('has no label of characters that take more bytes or cannot be shown', (char) => {
    expect(allowanceSchema.safeParse(largestAllowance(char)).success).toBe(false);
  });
});
