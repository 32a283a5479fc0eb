/** Stories about how a world must end. */
import type { Case } from './case.js';
import { edgeId } from './story.js';

export const endCases = {
  'passage-not-counted': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
      story.drained();
    },
    broken: (story) => {
      story.through('ab1');
      story.drained();
    },
  },
  'count-wrong-at-the-end': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
      story.through('ab2', { healthy: false });
      story.drained();
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      story.through('ab2');
      story.drained();
    },
  },
  'event-never-stored': {
    kept: (story) => {
      story.commit({ kind: 'barrier-forced' });
      story.drains(1);
    },
    broken: (story) => {
      story.commit({ kind: 'barrier-forced' });
      story.drained();
    },
  },
  'outbox-not-drained': {
    kept: (story) => {
      story.commit({ kind: 'barrier-forced' });
      story.drains(1);
    },
    broken: (story) => {
      story.commit({ kind: 'barrier-forced' });
      story.take(1, 1);
      story.drained();
    },
  },
  'reservation-left': {
    kept: (story) => {
      story.admitted(story.arrives('ab1'), 'a-1');
      story.store({ slots: [{ ...story.reserved('a-1', 1), frozen: true }] });
      story.tell({ type: 'vehicle-back', vehicle: 'ab1', gateId: 'entry-1', healthy: true });
      story.released(1);
      story.drained();
    },
    broken: (story) => {
      story.admitted(story.arrives('ab1'), 'a-1');
      story.tell({ type: 'vehicle-back', vehicle: 'ab1', gateId: 'entry-1', healthy: true });
      story.released(1);
      story.drained();
    },
  },
  'holding-left': {
    kept: (story) => {
      story.setAside('a-1');
      const slots = [{ slotId: 'a-1', zoneId: 'a', label: 'a-1', slotClass: 'standard' }];
      story.publish('aggregator', 'allowance', { epoch: story.outbox().epoch, version: 1, asOf: 0, slots });
      story.drained();
    },
    broken: (story) => {
      story.setAside('a-1');
      story.publish('aggregator', 'allowance', { epoch: story.outbox().epoch, version: 1, asOf: 0, slots: [] });
      story.drained();
    },
  },
  'recovery-left': {
    kept: (story) => {
      story.store({ ledgers: [story.ledgerRow(0, { recoveringEdges: [edgeId] })] });
      story.tell({ type: 'stopped', machine: edgeId, detail: '' });
      story.drained();
    },
    broken: (story) => {
      story.store({ ledgers: [story.ledgerRow(0, { recoveringEdges: [edgeId] })] });
      story.drained();
    },
  },
} satisfies Record<string, Case>;
