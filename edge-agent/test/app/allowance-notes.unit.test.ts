import { describe, expect, it } from '@jest/globals';
import { wireLimits } from '@gatehouse/shared';
import { maxHeldSlots, maxPartings } from '../../src/domain/admission/allowance.js';
import { accessNotes, allowanceNotes, storedAllowance } from '../../src/app/allowance-notes.js';
import { maxNotes, maxNotesBytes } from '../../src/adapters/outbox-rules.js';

const epoch = 'e'.repeat(32);
const name = (index: number): string => String(index).padStart(63, 's');
const largest = {
  version: Number.MAX_SAFE_INTEGER,
  slots: Array.from({ length: maxHeldSlots }, (_unused, index) => ({
    ...{ slotId: name(index), zoneId: name(index), label: '€'.repeat(40), slotClass: 'motorcycle' as const },
  })),
  parted: Array.from({ length: maxPartings }, (_unused, index) => ({
    ...{ slotId: name(index), seq: Number.MAX_SAFE_INTEGER },
  })),
  forgottenUpTo: Number.MAX_SAFE_INTEGER,
};
const head = { version: 1, pages: wireLimits.maxAccessPages, unlisted: 'admit' as const };
const pages = new Map(
  Array.from({ length: wireLimits.maxAccessPages }, (_unused, index) => [
    index + 1,
    `b${'f'.repeat(24)}`.repeat(wireLimits.maxAccessEntries),
  ]),
);

describe('the notes of an allowance', () => {
  it('leave room for all other notes, at every bound of theirs', () => {
    const notes = [...allowanceNotes(epoch, largest), ...accessNotes({ setVersion: 1, head, pages })];
    const bytes = notes.reduce((sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text ?? ''), 0);
    // 16 lanes with a mode and an open arrival, 64 commands.
    expect(bytes + 16 * 1_000 + 64 * 200).toBeLessThan(maxNotesBytes);
    expect(notes.length + 2 * 16 + 64).toBeLessThan(maxNotes);
  });

  it('are read as they were written', () => {
    const notes = new Map([...allowanceNotes(epoch, largest), ...accessNotes({ setVersion: 1, head, pages })]);
    const texts = new Map([...notes].flatMap(([key, text]) => (text === null ? [] : [[key, text] as const])));
    expect(storedAllowance(texts, epoch)).toMatchObject({ state: largest, access: { version: 1, unlisted: 'admit' } });
    expect(storedAllowance(new Map(), epoch)).toBeUndefined();
    expect(storedAllowance(texts, 'f'.repeat(32))).toBe('it is of another epoch');
    texts.delete('access/7');
    expect(storedAllowance(texts, epoch)).toBe('the access list cannot be read');
    expect(storedAllowance(new Map([['allowance', '{']]), epoch)).toBe('it is not JSON');
  });
});
