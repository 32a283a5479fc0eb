/** Stories about slots, room and counts. */
import type { Case } from './case.js';
import { edgeId, siteId } from './story.js';
import type { Story } from './story.js';

export const slotCases = {
  'slot-for-two-vehicles': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
      story.enters('ab2', 'a-2');
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      const arrival = story.arrives('ab2');
      const passed = story.goesIn('ab2', arrival, 'a-1', 'opted-in');
      story.take(arrival, passed, {
        sessions: [story.session('s-two', { slotId: 'a-1' })],
        ledgers: [story.ledgerRow(1)],
      });
    },
  },
  'decision-names-anothers-slot': {
    kept: (story) => {
      story.admitted(story.arrives('ab1'), 'a-1');
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      const seq = story.arrives('ab2');
      story.take(seq, seq, { arrivals: [story.arrival(seq, { decision: story.decision('a-1') })] });
    },
  },
  'local-admission-of-anothers-slot': {
    kept: (story) => {
      story.setAside('a-1');
      story.commit({ kind: 'vehicle-admitted', arrival: story.arrives('ab1'), slotId: 'a-1', basis: 'allowance' });
    },
    broken: (story) => {
      story.commit({ kind: 'vehicle-admitted', arrival: story.arrives('ab1'), slotId: 'a-1', basis: 'allowance' });
    },
  },
  'holding-taken-without-return': {
    kept: (story) => {
      story.setAside('a-1', 'a-2');
      const seq = story.commit({ kind: 'allowance-accepted', version: 1, returned: ['a-1'], remaining: 0 });
      story.take(seq, seq, { slots: [story.slot('a-1', {})] });
    },
    broken: (story) => {
      story.setAside('a-1', 'a-2');
      story.store({ slots: [story.slot('a-1', {})] });
    },
  },
  'reservation-ended-without-cause': {
    kept: (story) => {
      const arrival = story.arrives('ab1');
      story.admitted(arrival, 'a-1');
      const back = story.commit({ kind: 'vehicle-backed-out', arrival, slotId: 'a-1', basis: 'decision' });
      story.take(back, back, {
        slots: [story.slot('a-1', {})],
        arrivals: [story.arrival(arrival, { state: 'backed-out' })],
      });
    },
    broken: (story) => {
      const arrival = story.arrives('ab1');
      story.admitted(arrival, 'a-1');
      story.store({ slots: [story.slot('a-1', {})], arrivals: [story.arrival(arrival, { state: 'void' })] });
      story.store({ slots: [story.reserved('a-2', arrival)], arrivals: [story.arrival(arrival, {})] });
      story.store({ slots: [story.slot('a-2', {})] });
    },
  },
  'session-closed-without-cause': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
      story.store({
        sessions: [story.session('s-1', { state: 'closed', exitBasis: 'age-limit' })],
        slots: [story.slot('a-1', {})],
      });
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      story.store({
        sessions: [story.session('s-1', { state: 'closed', exitBasis: 'inferred' })],
        slots: [story.slot('a-1', {})],
      });
    },
  },
  'session-closed-for-another': {
    kept: (story) => {
      leaves(story, 'ab1');
    },
    broken: (story) => {
      leaves(story, 'xyz9876');
    },
  },
  'admitted-without-room': {
    kept: (story) => {
      story.store({ sites: [story.siteRow({ capacity: 1 })] });
      story.admitted(story.arrives('ab1'), 'a-1');
    },
    broken: (story) => {
      story.store({ sites: [story.siteRow({ capacity: 1 })] });
      story.enters('ab1', 'a-1');
      story.admitted(story.arrives('ab2'), 'a-2');
    },
  },
  'overbooked-in-truth': {
    kept: (story) => {
      story.through('ab1');
      story.through('ab2');
      story.through('ab3');
      story.through('ab4', { way: 'tailgating' });
    },
    broken: (story) => {
      for (const vehicle of ['ab1', 'ab2', 'ab3', 'ab4']) story.through(vehicle);
    },
  },
  'slot-given-while-recovering': {
    kept: (story) => {
      story.store({ ledgers: [story.ledgerRow(0, { recoveringEdges: [edgeId] })] });
      story.store({ ledgers: [story.ledgerRow(0, { recoveringEdges: [] })] });
      story.admitted(story.arrives('ab1'), 'a-1');
    },
    broken: (story) => {
      story.store({ ledgers: [story.ledgerRow(0, { recoveringEdges: [edgeId] })] });
      story.admitted(story.arrives('ab1'), 'a-1');
    },
  },
  'books-inconsistent': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      story.store({ slots: [story.slot('a-1', {})] });
    },
  },
  'count-moved-without-passage': {
    kept: (story) => {
      story.store({ ledgers: [story.ledgerRow(5)], audit: [story.audit('count.correct')] });
    },
    broken: (story) => {
      story.store({ ledgers: [story.ledgerRow(1)] });
    },
  },
  'passage-counted-twice': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      const seq = story.commit({ kind: 'vehicle-tailgated', direction: 'entry', leader: null });
      story.take(seq, seq, { sessions: [story.session('s-more', {})], ledgers: [story.ledgerRow(1)] });
      story.wait(31_000);
      story.state();
    },
  },
  'allowance-not-held': {
    kept: (story) => {
      story.setAside('a-1');
      story.publish('aggregator', 'allowance', allowanceOf(story, 0));
    },
    broken: (story) => {
      story.publish('aggregator', 'allowance', allowanceOf(story, 0));
    },
  },
  'allowance-as-of-ahead': {
    kept: (story) => {
      story.setAside('a-1');
      const seq = story.arrives('ab1');
      story.take(seq, seq);
      story.publish('aggregator', 'allowance', allowanceOf(story, seq));
    },
    broken: (story) => {
      story.setAside('a-1');
      story.publish('aggregator', 'allowance', allowanceOf(story, story.arrives('ab1')));
    },
  },
} satisfies Record<string, Case>;

/** The session of `ab1` is closed when `plate` leaves. */
function leaves(story: Story, plate: string): void {
  story.enters('ab1', 'a-1');
  const arrival = story.goesOut(plate);
  const credentialId = `c-${plate}`;
  story.take(arrival, arrival + 2, {
    credentials: [{ credentialId, kind: 'plate', value: plate.toUpperCase() }],
    arrivals: [story.arrival(arrival, { state: 'passed', direction: 'exit', gateId: 'exit-1', credentialId })],
    sessions: [story.session('s-1', { state: 'closed', credentialId: 'c-ab1', exitBasis: 'exit-alone' })],
    slots: [story.slot('a-1', {})],
    ledgers: [story.ledgerRow(-1)],
  });
}

function allowanceOf(story: Story, asOf: number): object {
  const slots = [{ slotId: 'a-1', zoneId: 'a', label: 'a-1', slotClass: 'standard' }];
  return { siteId, epoch: story.outbox().epoch, version: 1, asOf, slots };
}
