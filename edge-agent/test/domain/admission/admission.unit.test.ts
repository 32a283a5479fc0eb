import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { wireLimits } from '@gatehouse/shared';
import type { AccessPage, SlotRef } from '@gatehouse/shared';
import {
  accessOf,
  collectPage,
  credentialDigest,
  isComplete,
  listOf,
} from '../../../src/domain/admission/access-list.js';
import {
  acceptAllowance,
  giveOut,
  maxHeldSlots,
  maxPartings,
  noAllowance,
  slotFor,
} from '../../../src/domain/admission/allowance.js';
import type { AllowanceState } from '../../../src/domain/admission/allowance.js';
import { chooseLocally } from '../../../src/domain/admission/local-choice.js';

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
const slot = (slotId: string, slotClass: SlotRef['slotClass'] = 'standard'): SlotRef => ({
  slotId,
  zoneId: 'zone',
  label: slotId,
  slotClass,
});
const slotsNamed = (prefix: string, count: number): SlotRef[] =>
  Array.from({ length: count }, (_unused, index) => slot(`${prefix}${String(index)}`));
const offer = (version: number, asOf: number, slots: readonly SlotRef[]) => ({ version, asOf, slots: [...slots] });
const holding = (...slots: SlotRef[]): AllowanceState => ({ ...noAllowance, version: 1, slots });
const nobody: ReadonlySet<string> = new Set();
const idsOf = (state: AllowanceState | undefined): string[] => state?.slots.map(({ slotId }) => slotId) ?? [];
const policies = { openWhenNoAllowance: false, holdUnansweredAtExit: false };
const opens = { ...policies, openWhenNoAllowance: true };
const entry = { direction: 'entry', vehicleClass: null, access: 'admit', canRecord: true } as const;
const exit = { ...entry, direction: 'exit' } as const;

describe('the local choice', () => {
  it.each([
    ['an exit opens', noAllowance, policies, exit, { outcome: 'admit', basis: 'exit-alone' }],
    ['an exit opens on a full disk', noAllowance, policies, { ...exit, canRecord: false }, { outcome: 'admit' }],
    ['an exit asks no list', noAllowance, policies, { ...exit, access: 'blocked' as const }, { outcome: 'admit' }],
    ['an exit may hold', noAllowance, { ...policies, holdUnansweredAtExit: true }, exit, { outcome: 'deny' }],
    ['an entry without allowance denies', noAllowance, policies, entry, { outcome: 'deny', reason: 'no-allowance' }],
    ['an entry gives out a slot', holding(slot('a1')), policies, entry, { basis: 'allowance', slotId: 'a1' }],
    ['an entry that used all denies', holding(), policies, entry, { outcome: 'deny', reason: 'allowance-used-up' }],
    ['an entry may open', holding(), opens, entry, { basis: 'opted-in' }],
    [
      'an entry denies whom the list blocks, whatever it holds and may',
      holding(slot('a1')),
      opens,
      { ...entry, access: 'blocked' as const },
      { outcome: 'deny', reason: 'blocked' },
    ],
    [
      'an entry denies who has no permit where one is needed',
      holding(slot('a1')),
      opens,
      { ...entry, access: 'not-permitted' as const },
      { outcome: 'deny', reason: 'no-permit' },
    ],
    [
      'an entry on a full disk denies, whatever it holds and may',
      holding(slot('a1')),
      opens,
      { ...entry, canRecord: false },
      { outcome: 'deny', reason: 'closed' },
    ],
  ])('%s', (_name, held, rules, arrival, choice) => {
    expect(chooseLocally(held, rules, arrival)).toMatchObject(choice);
  });

  it('gives the class that fits best, and nobody a special bay unless the lane is for it', () => {
    const slots = [slot('l1', 'large'), slot('e1', 'ev'), slot('a1')];
    expect(slotFor(slots, null)?.slotId).toBe('a1');
    expect(slotFor(slots, 'ev')?.slotId).toBe('e1');
    expect(slotFor(slots, 'accessible')?.slotId).toBe('a1');
    expect(slotFor(slots.slice(0, 2), null)?.slotId).toBe('l1');
    expect(slotFor(slots.slice(1), 'large')).toBeUndefined();
    expect(slotFor([slot('e1', 'ev')], null)).toBeUndefined();
  });
});

describe('the allowance', () => {
  it('takes a newer set, and returns what is not in it', () => {
    const accepted = acceptAllowance(
      holding(slot('a1'), slot('a2')),
      offer(2, 9, [slot('a2'), slot('a3')]),
      10,
      nobody,
    );
    expect(accepted).toMatchObject({ returned: ['a1'], remaining: 0 });
    expect(idsOf(accepted?.state)).toEqual(['a2', 'a3']);
    expect(accepted?.state.parted).toEqual([{ slotId: 'a1', seq: 10 }]);
  });

  it('takes no set that is not newer', () => {
    expect(acceptAllowance(holding(slot('a1')), offer(1, 9, []), 10, nobody)).toBeNull();
  });

  it('never takes again what it gave out or returned after the set was made', () => {
    const gaveOut = giveOut(holding(slot('a1'), slot('a2')), 'a1', 7);
    const stale = acceptAllowance(gaveOut, offer(2, 6, [slot('a1'), slot('a2')]), 8, nobody);
    expect(idsOf(stale?.state)).toEqual(['a2']);
    const current = acceptAllowance(gaveOut, offer(2, 7, [slot('a1'), slot('a2')]), 8, nobody);
    expect(idsOf(current?.state)).toEqual(['a2', 'a1']);
    expect(current?.state.parted).toEqual([]);
  });

  it('takes nothing new from a set that was made before partings it has forgotten', () => {
    const gaveOut = giveOut(holding(slot('a1'), slot('a2')), 'a1', 7);
    const later = acceptAllowance(gaveOut, offer(2, 9, [slot('a2')]), 10, nobody);
    const older = acceptAllowance(later?.state ?? noAllowance, offer(3, 6, [slot('a1'), slot('a2')]), 11, nobody);
    expect(idsOf(older?.state)).toEqual(['a2']);
  });

  it('returns nothing that is just being given out, and says that it still holds it', () => {
    const accepted = acceptAllowance(holding(slot('a1'), slot('a2')), offer(2, 0, []), 5, new Set(['a1']));
    expect(accepted).toMatchObject({ returned: ['a2'], remaining: 1 });
    expect(idsOf(accepted?.state)).toEqual(['a1']);
  });

  it('returns only so many slots in one event, and goes on using the rest until the next set', () => {
    const many = slotsNamed('s', wireLimits.maxReturnedSlots + 5);
    const first = acceptAllowance(holding(...many), offer(2, 0, []), 5, nobody);
    expect(first?.returned).toHaveLength(wireLimits.maxReturnedSlots);
    expect(first?.remaining).toBe(5);
    const second = acceptAllowance(first?.state ?? noAllowance, offer(3, 0, []), 6, nobody);
    expect(second).toMatchObject({ remaining: 0, state: { slots: [] } });
    expect(second?.returned).toHaveLength(5);
  });

  it('has a bound: what has no room is not taken, what is held is never dropped', () => {
    const held = slotsNamed('h', maxHeldSlots - 100);
    const offered = slotsNamed('n', wireLimits.maxAllowanceSlots);
    const accepted = acceptAllowance(holding(...held), offer(2, 0, offered), 5, nobody);
    expect(accepted?.state.slots).toHaveLength(maxHeldSlots);
    expect(accepted?.remaining).toBe(maxHeldSlots - 200);
    const next = acceptAllowance(accepted?.state ?? noAllowance, offer(3, 5, offered), 6, nobody);
    expect(idsOf(next?.state).filter((slotId) => slotId.startsWith('n'))).toHaveLength(offered.length);
  });

  it('remembers so many partings; of those it forgot it takes nothing new', () => {
    let state = holding(...slotsNamed('s', maxPartings + 1));
    for (let index = 0; index <= maxPartings; index += 1) state = giveOut(state, `s${String(index)}`, 10 + index);
    expect(state.parted).toHaveLength(maxPartings);
    const offered = [slot('s0'), slot('new')];
    expect(idsOf(acceptAllowance(state, offer(2, 9, offered), 600, nobody)?.state)).toEqual([]);
    expect(idsOf(acceptAllowance(state, offer(2, 10, offered), 600, nobody)?.state)).toEqual(['s0', 'new']);
  });
});

describe('the access list', () => {
  const epoch = '1'.repeat(32);
  const digest = (value: string): string => credentialDigest(sha256, epoch, { kind: 'plate', value });
  const page = (number: number, pages: number, entries: AccessPage['entries'], change: Partial<AccessPage> = {}) =>
    ({ version: 1, unlisted: 'admit', page: number, pages, entries, ...change }) satisfies AccessPage;

  it('is there when all its pages are, in any order, and again with any of them', () => {
    const first = collectPage(null, 1, page(2, 2, [{ digest: digest('B'), rule: 'blocked' }]));
    expect(isComplete(first)).toBe(false);
    expect(isComplete(collectPage(first, 1, page(2, 2, [])))).toBe(false);
    const both = collectPage(first, 1, page(1, 2, [{ digest: digest('P'), rule: 'permitted' }]));
    expect(isComplete(both)).toBe(true);
    const list = listOf(both.head, both.pages.values()) ?? null;
    expect(['B', 'P', 'X'].map((value) => accessOf(list, digest(value)))).toEqual(['blocked', 'admit', 'admit']);
    expect(accessOf(list, null)).toBe('admit');
  });

  it.each([
    ['of another set', 2, {}],
    ['of another list', 1, { version: 2 }],
    ['of another number of pages', 1, { pages: 3 }],
    ['with another rule for the others', 1, { unlisted: 'deny' as const }],
  ])('is collected anew with a page %s', (_name, setVersion, change) => {
    const first = collectPage(null, 1, page(1, 2, []));
    expect([...collectPage(first, setVersion, page(2, 2, [], change)).pages.keys()]).toEqual([2]);
  });

  it('can let in only those who are permitted', () => {
    const entries: AccessPage['entries'] = [
      { digest: digest('P'), rule: 'permitted' },
      { digest: digest('B'), rule: 'permitted' },
      { digest: digest('B'), rule: 'blocked' },
    ];
    const all = collectPage(null, 1, page(1, 1, entries, { unlisted: 'deny' }));
    const list = listOf(all.head, all.pages.values()) ?? null;
    expect(['P', 'B', 'X'].map((value) => accessOf(list, digest(value)))).toEqual([
      'admit',
      'blocked',
      'not-permitted',
    ]);
    expect(accessOf(list, null)).toBe('not-permitted');
  });

  it('that cannot be read is none', () => {
    expect(listOf({ version: 1, pages: 1, unlisted: 'admit' }, ['b12'])).toBeUndefined();
  });
});
