import { afterEach, describe, expect, it } from '@jest/globals';
import { createHarness } from './harness.js';
import type { Harness } from './harness.js';

const slot = { slotId: 'a1', zoneId: 'zone', label: 'A1', slotClass: 'standard' } as const;
const lane = { needsButton: true, issuesTickets: true };

describe('a gate whose button issues tickets', () => {
  const running: Harness[] = [];
  afterEach(async () => {
    for (const edge of running.splice(0)) await edge.agent.stop();
  });

  const started = async (seed: number, gate: object = lane): Promise<Harness> => {
    const gates = [
      { gateId: 'entry-1', direction: 'entry' as const, lane: gate },
      { gateId: 'exit-1', direction: 'exit' as const },
    ];
    const edge = createHarness({ seed, settings: { gates } });
    running.push(edge);
    await edge.start();
    return edge;
  };
  const press = async (edge: Harness): Promise<void> => {
    await edge.edge('entry-1', 'ticket-button', true);
    await edge.edge('entry-1', 'ticket-button', false);
  };
  const shown = (edge: Harness): (string | null | undefined)[] =>
    edge.stored().flatMap((event) => (event.kind === 'vehicle-arrived' ? [event.credential?.value ?? null] : []));

  it('gives the vehicle on the loop a number, at once, and shows it with its slot when it is let in', async () => {
    const edge = await started(1);
    await edge.edge('entry-1', 'arming', true);
    await edge.advance(60_000);
    expect(edge.stored()).toEqual([]);
    await press(edge);
    const [arrived] = edge.stored();
    const ticket = { kind: 'ticket', source: 'ticket-button', value: expect.stringMatching(/^[0-9A-HJKMNP-TV-Z]{8}$/) };
    expect(arrived).toMatchObject({ kind: 'vehicle-arrived', credential: ticket });
    await edge.decide(1, { slot });
    expect(edge.barrier('entry-1').texts.at(-1)).toBe(`${String(shown(edge)[0])} A1`);
  });

  it('gives one vehicle one ticket, however often it is pressed, and the next one another', async () => {
    const edge = await started(2);
    for (const arrival of [1, 3]) {
      await edge.edge('entry-1', 'arming', true);
      await press(edge);
      await press(edge);
      await edge.decide(arrival, { slot });
      await press(edge);
      await edge.advance(2_000);
      await edge.driveThrough('entry-1');
      await edge.advance(5_000);
    }
    const tickets = shown(edge);
    expect(tickets).toHaveLength(2);
    expect(new Set(tickets).size).toBe(2);
  });

  it('gives none without a vehicle, none to one that has shown something, and none where that is not set', async () => {
    const nobody = await started(3);
    await press(nobody);
    await nobody.advance(10_000);
    expect(nobody.stored()).toEqual([]);
    const withPlate = await started(4);
    await withPlate.edge('entry-1', 'arming', true);
    await withPlate.read('entry-1', { value: 'AB1', confidence: 0.5 });
    await press(withPlate);
    expect(shown(withPlate)).toEqual(['AB1']);
    const plain = await started(5, { needsButton: true });
    await plain.edge('entry-1', 'arming', true);
    await press(plain);
    expect(shown(plain)).toEqual([null]);
  });
});
