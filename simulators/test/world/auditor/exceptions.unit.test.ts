import { describe, expect, it } from '@jest/globals';
import { changesOf, edgeId, epochOf, instance, Story } from './story.js';
import type { Row } from './story.js';

describe('the auditor, other ways in which a promise is broken', () => {
  it('finds two vehicles that were sent to one slot and are both inside, although the rows agree', () => {
    const story = new Story();
    story.setAside('a-1');
    twoAdmittedAlone(story, 'a-1', 'a-1');
    expect(story.found).toContain('slot-for-two-vehicles');
  });

  it('is content when they were sent to two slots', () => {
    const story = new Story();
    story.setAside('a-1', 'a-2');
    twoAdmittedAlone(story, 'a-1', 'a-2');
    expect(story.auditor.findings).toEqual([]);
  });

  it('finds an event that is taken before the one that stands before it', () => {
    const story = new Story();
    story.arrives('ab1');
    const seq = story.commit({ kind: 'barrier-forced' });
    story.take(seq, seq);
    expect(story.found).toContain('cursor-without-events');
  });

  it('finds an epoch that is retired behind where it stood, and one that is retired beyond what is stored', () => {
    for (const retiredAt of [1, 3]) {
      const story = new Story();
      story.commit({ kind: 'barrier-forced' }, { kind: 'barrier-forced' });
      story.take(1, 2);
      const end = { ...story.cursor(2), upTo: retiredAt };
      story.beginEpoch(epochOf(2));
      story.store({ cursors: [story.cursor(0)], retiredEpochs: [{ ...end, retiredAtMs: 0 }] });
      expect(story.found).toContain('cursor-without-events');
    }
  });

  it('finds an event of an epoch that the same commit retires before it', () => {
    const story = new Story();
    story.take(1, story.commit({ kind: 'barrier-forced' }));
    const seq = story.commit({ kind: 'barrier-forced' });
    const [end, row] = [story.cursor(1), story.eventRow(seq)];
    story.beginEpoch(epochOf(2));
    story.store({ events: [row], cursors: [story.cursor(0)], retiredEpochs: [{ ...end, retiredAtMs: 0 }] });
    expect(story.found).toContain('events-without-cursor');
  });

  it('finds a cursor that goes back', () => {
    const story = new Story();
    const seq = story.commit({ kind: 'barrier-forced' });
    story.take(seq, seq);
    story.store({ cursors: [story.cursor(0)] });
    expect(story.found).toContain('cursor-without-events');
  });

  it('takes a recorded gap for what it is', () => {
    const story = new Story();
    story.commit({ kind: 'barrier-forced' });
    const upTo = story.commit({ kind: 'barrier-forced' });
    story.store({ cursors: [{ ...story.cursor(upTo), hash: '' }], reviews: [story.review('events-gap')] });
    const next = story.commit({ kind: 'barrier-forced' });
    story.take(next, next);
    story.released(next);
    story.drained();
    expect(story.auditor.findings).toEqual([]);
  });

  it('finds a command for another instance that is carried out after the restart', () => {
    const story = new Story();
    const command = story.commandMessage('c-1');
    story.tell({ type: 'crashed', machine: edgeId, detail: '' });
    story.tell({ type: 'started', machine: edgeId, detail: '' });
    story.state({ instance: '2'.repeat(32) });
    story.deliver(edgeId, 'commands', command);
    story.commit({ kind: 'command-completed', commandId: 'c-1', result: 'done', detail: '' });
    expect(story.found).toContain('stale-command-ran');
  });

  it('finds a reservation that outlives its arrival', () => {
    const story = new Story();
    const arrival = story.arrives('ab1');
    story.admitted(arrival, 'a-1');
    const back = story.commit({ kind: 'vehicle-backed-out', arrival, slotId: 'a-1', basis: 'decision' });
    story.take(back, back, { arrivals: [story.arrival(arrival, { state: 'backed-out' })] });
    expect(story.found).toContain('books-inconsistent');
  });

  it('finds a reservation that is freed because its arrival is called void', () => {
    const story = new Story();
    const arrival = story.arrives('ab1');
    story.admitted(arrival, 'a-1');
    story.store({ slots: [story.slot('a-1', {})], arrivals: [story.arrival(arrival, { state: 'void' })] });
    expect(story.found).toContain('reservation-ended-without-cause');
  });

  it('finds an arm that is asked to open for a restarted agent that knows of nobody', () => {
    const story = new Story();
    story.admitted(story.arrives('ab1'), 'a-1');
    story.tell({ type: 'crashed', machine: edgeId, detail: '' });
    story.tell({ type: 'vehicle-back', vehicle: 'ab1', gateId: 'entry-1', healthy: true });
    story.wait(5_000);
    story.tell({ type: 'started', machine: edgeId, detail: '' });
    story.open();
    expect(story.found).toContain('opened-without-cause');
  });

  it('finds a passage of a healthy lane that the agent never recorded', () => {
    const story = new Story();
    story.enters('ab1', 'a-1');
    story.through('ab2');
    story.enters('ab3', 'a-2');
    story.drained();
    expect(story.found).toContain('passage-not-counted');
  });
});

describe('the auditor, what it accepts', () => {
  it('takes the last event of an epoch together with the epoch that follows it', () => {
    const story = new Story();
    story.take(1, story.commit({ kind: 'barrier-forced' }));
    const seq = story.commit({ kind: 'barrier-forced' });
    const [end, row] = [story.cursor(seq), story.eventRow(seq)];
    const origin = { epoch: epochOf(1), seq, hash: row.hash };
    story.beginEpoch(epochOf(2), [{ kind: 'barrier-forced', origin }]);
    story.store({ events: [row], cursors: [story.cursor(1)], retiredEpochs: [{ ...end, retiredAtMs: 0 }] });
    story.released(1);
    story.drained();
    expect(story.auditor.findings).toEqual([]);
  });

  it('lets a restarted agent open for whoever was let in before and stands there still', () => {
    const story = new Story();
    story.admitted(story.arrives('ab1'), 'a-1');
    story.tell({ type: 'crashed', machine: edgeId, detail: '' });
    story.tell({ type: 'started', machine: edgeId, detail: '' });
    story.open();
    expect(story.found).toEqual([]);
  });

  it('lets an exit open again for whoever it was opened for while the outbox took nothing', () => {
    const story = new Story();
    story.tell({ type: 'fault', kind: 'outbox-error', target: edgeId, detail: '' });
    story.stands('ab1', 'exit-1');
    story.open('exit-1');
    story.tell({ type: 'fault-over', kind: 'outbox-error', target: edgeId });
    story.commit({ kind: 'events-lost', reason: 'outbox-failing', lost: 2, entries: 0, exits: 0 });
    story.open('exit-1');
    expect(story.found).toEqual([]);
    story.through('ab1', {}, 'exit-1');
    story.stands('ab2', 'exit-1');
    story.open('exit-1');
    expect(story.found).toEqual(['opened-without-cause']);
  });

  it('lets an exit open for a vehicle that only its loop sees while the outbox takes nothing, and an entry not', () => {
    const story = new Story();
    story.tell({ type: 'fault', kind: 'outbox-full', target: edgeId, detail: '' });
    for (const target of ['entry-1', 'exit-1'])
      story.tell({ type: 'fault', kind: 'sensor-stuck', target, detail: 'arming-stuck' });
    story.open('exit-1');
    expect(story.found).toEqual([]);
    story.open();
    expect(story.found).toEqual(['opened-without-cause']);
  });

  it('finds an exit that opens while the outbox takes nothing and its loops show nobody', () => {
    const story = new Story();
    story.tell({ type: 'fault', kind: 'outbox-full', target: edgeId, detail: '' });
    story.tell({ type: 'fault', kind: 'sensor-stuck', target: 'exit-1', detail: 'arming-stuck' });
    story.tell({ type: 'fault-over', kind: 'sensor-stuck', target: 'exit-1' });
    story.open('exit-1');
    expect(story.found).toEqual(['opened-without-cause']);
  });

  it('knows that plates come again, and with them no slot of long ago', () => {
    const story = new Story();
    story.setAside('a-1', 'a-2');
    const letIn = (vehicle: string, plate: string, slotId: string, way: string): void => {
      story.tell({ type: 'vehicle-stands', vehicle, plate, gateId: 'entry-1', direction: 'entry' });
      const credential = { kind: 'plate', value: plate, source: 'camera', confidence: 1 };
      const shown = { direction: 'entry', credential, vehicleClass: null, supersedes: null };
      const arrival = story.commit({ kind: 'vehicle-arrived', ...shown });
      story.commit({ kind: 'vehicle-admitted', arrival, slotId, basis: 'allowance' });
      story.open();
      story.through(vehicle, { way });
      const passage = { direction: 'entry', arrival, slotId, basis: 'allowance', flags: [] };
      story.commit({ kind: 'vehicle-passed', ...passage });
    };
    letIn('ab1', 'AB 1', 'a-1', 'tailgating');
    story.through('ab1', {}, 'exit-1');
    story.wait(600_000);
    letIn('ab2', 'AB 1', 'a-2', 'as-let-in');
    letIn('ab3', 'AB 3', 'a-1', 'as-let-in');
    expect(story.found).not.toContain('slot-for-two-vehicles');
  });
  it('lets exits open while the outbox takes nothing, and entries not', () => {
    const story = new Story();
    story.tell({ type: 'fault', kind: 'outbox-full', target: edgeId, detail: '' });
    story.stands('ab1', 'exit-1');
    story.open('exit-1');
    expect(story.found).toEqual([]);
    story.stands('ab2');
    story.open();
    expect(story.found).toContain('opened-without-cause');
  });

  it('lets a lane open that an operator holds open, until it is automatic again', () => {
    const story = new Story();
    story.deliver(edgeId, 'commands', story.commandMessage('c-1', { kind: 'hold-open' }));
    story.open();
    story.commit({ kind: 'mode-changed', mode: 'hold-open', by: 'somebody' });
    story.open();
    expect(story.found).toEqual([]);
    story.commit({ kind: 'mode-changed', mode: 'automatic', by: 'somebody' });
    story.open();
    expect(story.found).toEqual(['opened-without-cause']);
  });

  it('excuses, and counts, what a restored outbox gives out again, until its edge begins a new epoch', () => {
    const story = new Story();
    story.setAside('a-1');
    const copy = [...story.outbox().events];
    const seq = story.commit({
      kind: 'vehicle-admitted',
      arrival: story.arrives('ab1'),
      slotId: 'a-1',
      basis: 'allowance',
    });
    story.take(1, seq, { slots: [story.reserved('a-1', 1)], arrivals: [story.arrival(1, {})] });
    story.replaced(epochOf(1), copy);
    story.commit({ kind: 'vehicle-admitted', arrival: story.arrives('ab2'), slotId: 'a-1', basis: 'allowance' });
    expect(story.found).toEqual([]);
    expect(story.auditor.exceptions.get('edge-store-restored')).toBe(1);
    story.beginEpoch(epochOf(2));
    story.commit({ kind: 'vehicle-admitted', arrival: story.arrives('ab3'), slotId: 'a-1', basis: 'allowance' });
    expect(story.found).toContain('local-admission-of-anothers-slot');
  });

  it('excuses, and counts, a slot given out again before the new epoch began whose vehicle goes in after it', () => {
    for (const isInDoubt of [true, false]) {
      const story = new Story();
      story.setAside('a-1');
      const copy = [...story.outbox().events];
      const first = story.arrives('ab1');
      story.commit({ kind: 'vehicle-admitted', arrival: first, slotId: 'a-1', basis: 'allowance' });
      story.goesIn('ab1', first, 'a-1', 'allowance');
      const arrived = { kind: 'vehicle-arrived', direction: 'entry', credential: null, vehicleClass: null } as const;
      const admitted = { kind: 'vehicle-admitted', arrival: 1, slotId: 'a-1', basis: 'allowance' } as const;
      if (isInDoubt) story.replaced(epochOf(1), copy);
      story.stands('ab2');
      const seq = story.commit({ ...arrived, supersedes: null });
      const told = [{ ...arrived, supersedes: null }, admitted];
      story.commit({ ...admitted, arrival: seq });
      const places = story
        .outbox()
        .events.slice(-2)
        .map((event) => ({ epoch: epochOf(1), seq: event.seq, hash: event.hash }));
      story.beginEpoch(
        epochOf(2),
        told.map((event, index) => ({ ...event, origin: places[index] })),
      );
      story.goesIn('ab2', 1, 'a-1', 'allowance');
      expect(story.found.includes('slot-for-two-vehicles')).toBe(!isInDoubt);
    }
  });

  it('excuses, and counts, a holding that an operator took back', () => {
    const story = new Story();
    story.setAside('a-1');
    story.store({ slots: [story.slot('a-1', {})], audit: [story.audit('slot.release')] });
    story.commit({ kind: 'vehicle-admitted', arrival: story.arrives('ab1'), slotId: 'a-1', basis: 'allowance' });
    expect(story.found).toEqual([]);
    expect(story.auditor.exceptions.get('operator-released-it')).toBe(1);
  });

  it('knows a restored store for what it holds, and wants to see again what it has lost', () => {
    const story = new Story();
    story.enters('ab1', 'a-1');
    const contents = changesOf({
      sites: [story.siteRow()],
      ledgers: [{ ...story.ledgerRow(-1) }],
      edges: [story.edgeRow()],
      slots: ['a-1', 'a-2', 'a-3'].map((slotId): Row<'slots'> => story.slot(slotId, {})),
    });
    story.tell({ type: 'store-replaced', contents });
    story.take(1, 2, {
      ledgers: [story.ledgerRow(1)],
      slots: [story.occupied('a-1', 's-1')],
      sessions: [story.session('s-1', { slotId: 'a-1' })],
    });
    story.drained();
    expect(story.auditor.findings).toEqual([]);
    story.tell({ type: 'store-replaced', contents });
    story.drained();
    expect(story.found).toContain('event-never-stored');
  });

  it('waits after a restore for edges that have an entry, and for no others', () => {
    for (const entryOf of [edgeId, 'edge-2']) {
      const story = new Story();
      const seq = story.arrives('ab1');
      story.take(seq, seq);
      story.released(seq);
      const gates = [
        { gateId: 'entry-1', edgeId: entryOf, direction: 'entry' },
        { gateId: 'exit-1', edgeId, direction: 'exit' },
      ];
      const slots = [story.slot('a-1', {}), story.slot('a-2', {})];
      const arrivals = [story.arrival(seq, { edgeId: entryOf })];
      const around = { ledgers: [story.ledgerRow(0)], edges: [story.edgeRow()], slots, arrivals };
      story.tell({ type: 'store-replaced', contents: changesOf({ sites: [story.siteRow({ gates })], ...around }) });
      story.deliver('aggregator', 'state', story.stateMessage({ acked: seq }));
      for (let round = 0; round < 3; round += 1) {
        story.wait(10_000);
        story.publish('aggregator', 'acks', { instance, ...story.cursor(0), conflict: null });
      }
      const admitted = story.arrival(seq, { edgeId: entryOf, decision: story.decision('a-1') });
      story.store({ arrivals: [admitted], slots: [story.reserved('a-1', seq)] });
      expect(story.found.includes('slot-given-while-recovering')).toBe(entryOf === edgeId);
    }
  });

  it('knows that nobody remembers where the desk sent a vehicle, once the store is restored', () => {
    for (const isRestored of [true, false]) {
      const story = new Story();
      story.enters('ab1', 'a-1');
      const before = changesOf({
        sites: [story.siteRow()],
        edges: [story.edgeRow()],
        ledgers: [{ ...story.ledgerRow(0) }],
        slots: [story.occupied('a-1', 's-1'), story.slot('a-2', {}), story.slot('a-3', {})],
        sessions: [story.session('s-1', { slotId: 'a-1' })],
        events: [story.eventRow(1), story.eventRow(2)],
        cursors: [story.cursor(2)],
      });
      story.store({
        slots: [story.slot('a-1', {}), story.occupied('a-2', 's-1')],
        sessions: [story.session('s-1', { slotId: 'a-2' })],
        audit: [story.audit('session.move')],
      });
      if (isRestored) story.tell({ type: 'store-replaced', contents: before });
      story.store({ cursors: [story.cursor(2)] });
      story.enters('ab2', 'a-2');
      expect(story.found.includes('slot-for-two-vehicles')).toBe(!isRestored);
      expect(story.auditor.exceptions.get('desk-forgotten')).toBe(isRestored ? 1 : undefined);
    }
  });

  it('knows that the desk may send a vehicle elsewhere before its last wheel is through', () => {
    for (const isMoved of [true, false]) {
      const story = new Story();
      const arrival = story.arrives('ab1');
      story.admitted(arrival, 'a-1');
      story.open();
      const passage = { direction: 'entry', arrival, slotId: 'a-1', basis: 'decision', flags: [] };
      story.inside(arrival, story.commit({ kind: 'vehicle-passed', ...passage }), 'a-1');
      if (isMoved) {
        story.store({
          slots: [story.slot('a-1', {}), story.occupied('a-2', `s-${String(arrival)}`)],
          sessions: [story.session(`s-${String(arrival)}`, { slotId: 'a-2' })],
          audit: [story.audit('session.move')],
        });
      }
      story.through('ab1');
      story.enters('ab2', 'a-1');
      expect(story.found.includes('slot-for-two-vehicles')).toBe(!isMoved);
    }
  });

  it('knows who stands at the gate when those who came before go over into a new epoch, too', () => {
    const story = new Story();
    story.enters('ab1', 'a-1');
    const seq = story.arrives('ab2');
    story.admitted(seq, 'a-2');
    const told = story.outbox().events.map(({ seq: number, hash, json }) => {
      const event = JSON.parse(json) as Parameters<Story['commit']>[0];
      return { ...event, origin: { epoch: epochOf(1), seq: number, hash } };
    });
    story.beginEpoch(epochOf(2), told);
    story.goesIn('ab2', seq, 'a-2');
    expect(story.found).not.toContain('passed-without-decision');
  });

  it('knows a copy that is younger than the one before it for what it holds', () => {
    const story = new Story();
    story.enters('ab1', 'a-1');
    const head = { sites: [story.siteRow()], edges: [story.edgeRow()] };
    const full = changesOf({
      ...head,
      ledgers: [{ ...story.ledgerRow(0) }],
      slots: ['a-2', 'a-3'].map((slotId): Row<'slots'> => story.slot(slotId, {})).concat(story.occupied('a-1', 's-1')),
      sessions: [story.session('s-1', { slotId: 'a-1' })],
      events: [story.eventRow(1), story.eventRow(2)],
      cursors: [story.cursor(2)],
    });
    story.tell({ type: 'store-replaced', contents: changesOf({ ...head, ledgers: [{ ...story.ledgerRow(-1) }] }) });
    story.tell({ type: 'store-replaced', contents: full });
    story.drained();
    expect(story.found).not.toContain('event-never-stored');
  });

  it('excuses, and counts, that a slot is given again whose vehicle only events in a recorded gap tell of', () => {
    const story = restoredAndTold('lost');
    goesTo(story, 'a-1');
    expect(story.found).toEqual([]);
    expect(story.auditor.exceptions.get('told-in-a-gap')).toBe(1);
  });

  it('does not excuse it when they were told to the restored store', () => {
    const story = restoredAndTold('told');
    goesTo(story, 'a-1');
    expect(story.found).toContain('slot-for-two-vehicles');
  });

  it('lets a recovering store take a holding for a vehicle that another edge saw go there, and only then', () => {
    for (const isRecovering of [true, false]) {
      const story = new Story();
      const recoveringEdges = isRecovering ? ['edge-2'] : [];
      const held = { ...story.held('a-1'), heldBy: 'edge-2' };
      story.store({ slots: [held], ledgers: [story.ledgerRow(0, { recoveringEdges })] });
      const arrival = story.arrives('ab1');
      const passed = story.goesIn('ab1', arrival, 'a-1', 'none');
      story.take(arrival, passed, {
        slots: [story.occupied('a-1', 's-1')],
        sessions: [story.session('s-1', { slotId: 'a-1' })],
        ledgers: [story.ledgerRow(1, { recoveringEdges })],
      });
      expect(story.found.includes('holding-taken-without-return')).toBe(!isRecovering);
    }
  });

  it('lets it do so for a vehicle that left again before the store heard of either', () => {
    const story = new Story();
    const recoveringEdges = ['edge-2'];
    const held = { ...story.held('a-1'), heldBy: 'edge-2' };
    story.store({ slots: [held], ledgers: [story.ledgerRow(0, { recoveringEdges })] });
    const arrival = story.arrives('ab1');
    story.goesIn('ab1', arrival, 'a-1', 'none');
    const out = story.goesOut('ab1');
    const session = story.session('s-1', { slotId: 'a-1', state: 'closed', exitBasis: 'decision', exitAtMs: 1 });
    const ledgers = [story.ledgerRow(0, { recoveringEdges })];
    story.take(arrival, out + 2, { slots: [story.slot('a-1', {})], sessions: [session], ledgers });
    expect(story.found).not.toContain('holding-taken-without-return');
  });

  it('lets a gate that is set to open for anybody let in more than there is room for, before anybody is told', () => {
    for (const basis of ['opted-in', 'none']) {
      const story = new Story();
      for (const vehicle of ['ab1', 'ab2', 'ab3', 'ab4']) {
        const arrival = story.arrives(vehicle);
        story.commit({ kind: 'vehicle-admitted', arrival, slotId: null, basis });
        story.goesIn(vehicle, arrival, null, basis);
      }
      expect(story.found.includes('overbooked-in-truth')).toBe(basis === 'none');
    }
  });

  it('lets a set of slots wait behind what the broker does not take, and no longer', () => {
    const story = new Story();
    story.setAside('a-1');
    const idle = (): void => {
      story.tell({ type: 'gauges', of: 'aggregator', values: [{ name: 'publishes', value: 0, bound: 8 }] });
    };
    const slots = [{ slotId: 'a-1', zoneId: 'all', label: 'a-1', slotClass: 'standard' }];
    const access = { version: 0, page: 1, pages: 1, unlisted: 'admit', entries: [] };
    const set = { epoch: epochOf(1), version: 1, asOf: 0, slots, access };
    idle();
    const arrival = story.arrives('ab1');
    const admitted = story.commit({ kind: 'vehicle-admitted', arrival, slotId: 'a-1', basis: 'allowance' });
    story.take(arrival, admitted, { slots: [story.reserved('a-1', arrival)], arrivals: [story.arrival(arrival, {})] });
    story.wait(25_000);
    story.publish('aggregator', 'allowance', set);
    expect(story.found).toEqual([]);
    idle();
    story.publish('aggregator', 'allowance', set);
    expect(story.found).toEqual(['allowance-not-held']);
  });

  it('does not hold the aggregator to whose session it is once somebody at the desk has said it', () => {
    for (const isMerged of [true, false]) {
      const story = new Story();
      story.enters('ab1', 'a-1');
      const slots = [story.slot('a-1', {})];
      const merged = story.session('s-1', { slotId: 'a-1', credentialId: 'c-ab9' });
      if (isMerged) story.store({ sessions: [merged], audit: [story.audit('session.merge')] });
      const left = story.session('s-1', { slotId: 'a-1', state: 'closed', exitBasis: 'decision', exitAtMs: 1 });
      const out = story.goesOut('ab9');
      story.take(out, out + 2, { slots, sessions: [left], ledgers: [story.ledgerRow(-1)] });
      story.enters('ab2', 'a-1');
      expect(story.found.includes('slot-for-two-vehicles')).toBe(!isMerged);
    }
  });

  it('asks for the count of no passage that only events in a recorded gap tell of', () => {
    const story = restoredAndTold('lost');
    story.drained();
    expect(story.found).toEqual([]);
    const told = restoredAndTold('told');
    told.through('ab2');
    told.drained();
    expect(told.found).toContain('passage-not-counted');
  });

  it('wants no answer yet for whoever came up to the gate just before the end', () => {
    const story = new Story();
    story.stands('ab1');
    story.drained();
    expect(story.found).toEqual([]);
    story.wait(60_000);
    story.drained();
    expect(story.found).toEqual(['vehicle-unanswered']);
  });

  it('keeps only the first findings of each promise, and counts them all', () => {
    const story = new Story();
    for (let index = 0; index < 9; index += 1) story.open();
    expect(story.auditor.findings).toHaveLength(5);
    expect(story.auditor.findingCount).toBe(9);
  });
});

/** Two vehicles go in one after the other by the allowance; the aggregator has not heard of either. */
function twoAdmittedAlone(story: Story, one: string, other: string): void {
  const arrivals = ['ab1', 'ab2'].map((vehicle, index) => {
    const slotId = index === 0 ? one : other;
    const arrival = story.arrives(vehicle);
    story.commit({ kind: 'vehicle-admitted', arrival, slotId, basis: 'allowance' });
    story.goesIn(vehicle, arrival, slotId, 'allowance');
    return arrival;
  });
  expect(arrivals).toHaveLength(2);
}

/** A vehicle went to the first slot; the store has lost this, heard of it again or that it never will, and been well for long. */
function restoredAndTold(what: 'told' | 'lost'): Story {
  const story = new Story();
  const { passed: upTo } = story.enters('ab1', 'a-1');
  story.released(upTo);
  const contents = changesOf({
    sites: [story.siteRow()],
    ledgers: [{ ...story.ledgerRow(-1) }],
    edges: [story.edgeRow()],
    cursors: [story.cursor(0)],
    slots: ['a-1', 'a-2', 'a-3'].map((slotId): Row<'slots'> => story.slot(slotId, {})),
  });
  story.tell({ type: 'store-replaced', contents });
  if (what === 'told') story.take(1, upTo, { ledgers: [story.ledgerRow(1)] });
  else story.store({ cursors: [{ ...story.cursor(upTo), hash: '' }], reviews: [story.review('events-gap')] });
  story.wait(60_000);
  const next = story.commit({ kind: 'barrier-forced' });
  story.take(next, next);
  story.released(next);
  return story;
}

function goesTo(story: Story, slotId: string): void {
  const arrival = story.arrives('ab2');
  story.admitted(arrival, slotId);
  story.goesIn('ab2', arrival, slotId);
}
