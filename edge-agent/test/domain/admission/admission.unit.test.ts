import { describe, expect, it } from '@jest/globals';
import type { Allowance, SlotRef } from '@gatehouse/shared';
import {
  acceptAllowance,
  maxReturnedSlots,
  noAllowance,
  part,
  slotFor,
  takeSlot,
} from '../../../src/domain/admission/allowance.js';
import { chooseLocally } from '../../../src/domain/admission/local-choice.js';

const slot = (slotId: string, slotClass: SlotRef['slotClass'] = 'standard'): SlotRef => ({
  slotId,
  zoneId: 'zone',
  label: slotId,
  slotClass,
});
const offer = (version: number, asOf: number, slots: readonly SlotRef[]): Allowance => ({
  epoch: '1'.repeat(32),
  version,
  asOf,
  slots: [...slots],
  access: { version: 0, page: 1, pages: 1, unlisted: 'admit', entries: [] },
});
const holding = (...slots: SlotRef[]) => ({ ...noAllowance, version: 1, slots });
const policies = { openWhenNoAllowance: false, holdUnansweredAtExit: false };
const entry = { direction: 'entry', vehicleClass: null, canRecord: true } as const;
const exit = { ...entry, direction: 'exit' } as const;

describe('the local choice', () => {
  it.each([
    ['an exit opens', noAllowance, policies, exit, { outcome: 'admit', basis: 'exit-alone' }],
    ['an exit opens on a full disk', noAllowance, policies, { ...exit, canRecord: false }, { outcome: 'admit' }],
    ['an exit may hold', noAllowance, { ...policies, holdUnansweredAtExit: true }, exit, { outcome: 'deny' }],
    ['an entry without allowance denies', noAllowance, policies, entry, { outcome: 'deny', reason: 'no-allowance' }],
    ['an entry gives out a slot', holding(slot('a1')), policies, entry, { basis: 'allowance', slotId: 'a1' }],
    ['an entry that used all denies', holding(), policies, entry, { outcome: 'deny', reason: 'allowance-used-up' }],
    ['an entry may open', holding(), { ...policies, openWhenNoAllowance: true }, entry, { basis: 'opted-in' }],
    [
      'an entry on a full disk denies, whatever it holds and may',
      holding(slot('a1')),
      { ...policies, openWhenNoAllowance: true },
      { ...entry, canRecord: false },
      { outcome: 'deny', reason: 'closed' },
    ],
  ])('%s', (_name, held, rules, arrival, choice) => {
    expect(chooseLocally(held, rules, arrival)).toMatchObject(choice);
  });

  it('gives nobody a special bay unless the lane is for it', () => {
    const held = holding(slot('e1', 'ev'), slot('a1'));
    expect(slotFor(held, null)?.slotId).toBe('a1');
    expect(slotFor(held, 'ev')?.slotId).toBe('e1');
    expect(slotFor(held, 'large')).toBeUndefined();
  });
});

describe('the allowance', () => {
  it('takes a newer set, and returns what is not in it', () => {
    const accepted = acceptAllowance(holding(slot('a1'), slot('a2')), offer(2, 9, [slot('a2'), slot('a3')]));
    expect(accepted?.returned).toEqual(['a1']);
    expect(accepted?.state.slots.map(({ slotId }) => slotId)).toEqual(['a2', 'a3']);
  });

  it('takes no set that is not newer', () => {
    expect(acceptAllowance(holding(slot('a1')), offer(1, 9, []))).toBeNull();
  });

  it('never takes again what it gave out or returned after the set was made', () => {
    const gaveOut = part(takeSlot(holding(slot('a1'), slot('a2')), 'a1'), ['a1'], 7);
    const stale = acceptAllowance(gaveOut, offer(2, 6, [slot('a1'), slot('a2')]));
    expect(stale?.state.slots.map(({ slotId }) => slotId)).toEqual(['a2']);
    const current = acceptAllowance(gaveOut, offer(2, 7, [slot('a1'), slot('a2')]));
    expect(current?.state.slots.map(({ slotId }) => slotId)).toEqual(['a1', 'a2']);
    expect(current?.state.parted).toEqual([]);
  });

  it('returns only so many slots in one event, and keeps the rest until the next set', () => {
    const many = Array.from({ length: maxReturnedSlots + 5 }, (_unused, index) => slot(`s${String(index)}`));
    const accepted = acceptAllowance(holding(...many), offer(2, 0, []));
    expect(accepted?.returned).toHaveLength(maxReturnedSlots);
    expect(accepted?.state.slots).toHaveLength(5);
  });
});
