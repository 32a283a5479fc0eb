/** Stories about what edges make durable and announce. */
import type { Case } from './case.js';
import { edgeId, epochOf } from './story.js';
import type { Story } from './story.js';

export const outboxCases = {
  'event-not-carried-over': {
    kept: (story) => {
      story.arrives('ab1');
      const [first] = story.outbox().events;
      const origin = { epoch: epochOf(1), seq: 1, hash: first?.hash ?? '' };
      story.beginEpoch(epochOf(2), [{ ...arrived, origin }]);
    },
    broken: (story) => {
      story.arrives('ab1');
      story.beginEpoch(epochOf(2));
    },
  },
  'outbox-chain-broken': {
    kept: (story) => {
      story.arrives('ab1');
      story.commit({ kind: 'barrier-forced' });
    },
    broken: (story) => {
      story.arrives('ab1');
      const event = story.chained({ kind: 'barrier-forced' });
      story.committed([{ ...event, hash: 'f'.repeat(64) }]);
    },
  },
  'epoch-reused': {
    kept: (story) => {
      story.replaced(null);
      story.beginEpoch(epochOf(2));
    },
    broken: (story) => {
      story.replaced(null);
      story.beginEpoch(epochOf(1));
    },
  },
  'released-before-stored': {
    kept: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
      story.released(seq);
    },
    broken: (story) => {
      story.released(story.arrives('ab1'));
    },
  },
  'published-before-durable': {
    kept: (story) => {
      story.send(story.arrives('ab1'));
    },
    broken: (story) => {
      story.send(story.chained(arrived).seq);
    },
  },
  'state-ahead-of-outbox': {
    kept: (story) => {
      story.arrives('ab1');
      story.state();
    },
    broken: (story) => {
      story.state({ next: 2 });
    },
  },
  'loss-not-alarmed': {
    kept: (story) => {
      loses(story, true);
    },
    broken: (story) => {
      loses(story, false);
    },
  },
} satisfies Record<string, Case>;

const arrived = {
  kind: 'vehicle-arrived',
  gateId: 'entry-1',
  direction: 'entry',
  credential: null,
  vehicleClass: null,
  supersedes: null,
} as const;

/** The outbox is destroyed with an event that was not stored, and begun anew. */
function loses(story: Story, isAlarmed: boolean): void {
  const seq = story.arrives('ab1');
  story.take(seq, seq);
  story.commit({ kind: 'barrier-forced' });
  const { epoch, upTo, hash } = story.cursor(seq);
  story.replaced(null);
  story.beginEpoch(epochOf(2));
  story.store({
    cursors: [story.cursor(0)],
    retiredEpochs: [{ edgeId, epoch, upTo, hash, retiredAtMs: 0 }],
    reviews: isAlarmed ? [story.review('epoch-replaced')] : [],
  });
  story.tell({ type: 'vehicle-back', vehicle: 'ab1', gateId: 'entry-1', healthy: true });
  story.drained();
}
