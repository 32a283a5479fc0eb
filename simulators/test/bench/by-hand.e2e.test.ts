import { afterEach, describe, expect, it } from '@jest/globals';
import { prepareByHand } from '../../src/bench/figures/by-hand.js';
import type { PreparedByHand } from '../../src/bench/figures/by-hand.js';
import { createTidyUp } from '../../src/processes/index.js';

let prepared: PreparedByHand | undefined;
const tidyUp = createTidyUp((sentence) => {
  throw new Error(sentence);
});

afterEach(async () => {
  await prepared?.close();
  tidyUp.now();
});

describe('the figure of slots by hand', () => {
  it('counts what was answered, and everything that was answered is stored and audited', async () => {
    const size = { connections: 4, slotsPerConnection: 3, warmUpMs: 50, measuredMs: 200 };
    prepared = await prepareByHand({ tidyUp, say: () => undefined }, size);
    const auditedBefore = await countAudited(prepared);
    const ours = await prepared.measure('ours', 1);
    const floor = await prepared.measure('floor', 1);
    expect(ours.answered).toBeGreaterThanOrEqual(8);
    expect(floor.answered).toBeGreaterThanOrEqual(8);
    expect((await countAudited(prepared)) - auditedBefore).toBe(ours.answered);
    const sessions = await prepared.system.list<{ state: string }>('/api/v1/sites/harbour/sessions?state=open');
    expect(sessions).toEqual([]);
  });
});

async function countAudited({ system }: PreparedByHand): Promise<number> {
  const entries = await system.list<{ action: string }>('/api/v1/audit');
  return entries.filter(({ action }) => action === 'slot.assign' || action === 'slot.release').length;
}
