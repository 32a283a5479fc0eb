import { describe, expect, it } from '@jest/globals';
import { giveOut, noAllowance } from '../../src/domain/admission/allowance.js';
import { createAllowanceLedger } from '../../src/app/allowance-ledger.js';

const slot = (slotId: string) => ({ slotId, zoneId: 'zone', label: slotId, slotClass: 'standard' as const });
const giving = (slotId: string) => ({ apply: (state: typeof noAllowance, seq: number) => giveOut(state, slotId, seq) });

describe('the allowance on its way into the outbox', () => {
  const begun = () => {
    const ledger = createAllowanceLedger();
    ledger.reset({ ...noAllowance, version: 1, slots: ['a', 'b', 'c'].map(slot) });
    return { ledger, a: giving('a'), b: giving('b') };
  };

  it('builds each change on those before it, and is durable only as far as it was written', () => {
    const { ledger, a, b } = begun();
    ledger.number(a, 5);
    expect(ledger.number(b, 6).parted).toEqual([
      { slotId: 'a', seq: 5 },
      { slotId: 'b', seq: 6 },
    ]);
    expect(ledger.durable.slots).toHaveLength(3);
    ledger.recorded(a);
    expect(ledger.durable.slots.map(({ slotId }) => slotId)).toEqual(['b', 'c']);
    ledger.recorded(b);
    expect(ledger.durable.slots.map(({ slotId }) => slotId)).toEqual(['c']);
  });

  it('is numbered anew when a commit is tried again behind the report of a loss', () => {
    const { ledger, a, b } = begun();
    ledger.number(a, 5);
    ledger.number(b, 6);
    ledger.number(a, 6);
    expect(ledger.number(b, 7).parted).toEqual([
      { slotId: 'a', seq: 6 },
      { slotId: 'b', seq: 7 },
    ]);
  });

  it('forgets a change that is lost', () => {
    const { ledger, a, b } = begun();
    ledger.number(a, 5);
    ledger.lost(a);
    expect(ledger.number(b, 5).slots.map(({ slotId }) => slotId)).toEqual(['a', 'c']);
    ledger.recorded(a);
    expect(ledger.durable.slots).toHaveLength(3);
  });
});
