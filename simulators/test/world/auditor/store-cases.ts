/** Stories about what the aggregator stores and says. */
import type { Case } from './case.js';
import { changesOf, edgeId, epochOf, instance } from './story.js';
import type { Story } from './story.js';

export const storeCases = {
  'event-applied-twice': {
    kept: (story) => {
      resent(story, false);
    },
    broken: (story) => {
      resent(story, true);
    },
  },
  'event-quarantined': {
    kept: (story) => {
      quarantined(story, 'nowhere');
    },
    // A layout took the gate away; what went through it is to be counted all the same.
    broken: (story) => {
      story.store({ sites: [story.siteRow({ gates: [] })] });
      quarantined(story, 'entry-1');
    },
  },
  'stored-event-unknown': {
    kept: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
    },
    broken: (story) => {
      story.take(1, story.chained({ kind: 'barrier-forced' }).seq);
    },
  },
  'stored-chain-broken': {
    kept: (story) => {
      story.arrives('ab1');
      const seq = story.commit({ kind: 'barrier-forced' });
      story.take(1, 1);
      story.take(seq, seq);
    },
    // A clone of the outbox went its own way after the first event, and was believed.
    broken: (story) => {
      const seq = story.arrives('ab1');
      const original = [...story.outbox().events];
      story.commit({ kind: 'barrier-forced' });
      story.take(seq, 2);
      story.tell({
        type: 'outbox-replaced',
        machine: 'edge-1~2',
        edgeId,
        epoch: epochOf(1),
        next: 2,
        acked: 0,
        events: original,
      });
      story.outboxes.set('edge-1~2', { epoch: epochOf(1), events: original });
      const events = [1, 2].map(() =>
        story.chained({ kind: 'wrong-way', direction: 'exit', passed: false }, 'edge-1~2'),
      );
      story.committed(events, 'edge-1~2');
      story.store({ events: [story.eventRow(3, 'edge-1~2')], cursors: [story.cursor(3, 'edge-1~2')] });
    },
  },
  'audit-chain-broken': {
    kept: (story) => {
      story.store({ audit: [story.audit('one'), story.audit('two')] });
    },
    broken: (story) => {
      const [one, two] = [story.audit('one'), story.audit('two')];
      story.store({ audit: [one, { ...two, by: 'nobody' }] });
    },
  },
  'notices-out-of-order': {
    kept: (story) => {
      story.store({ notices: [notice(1), notice(2)] });
    },
    broken: (story) => {
      story.store({ notices: [notice(1)] });
      story.store({ notices: [notice(1)] });
    },
  },
  'cursor-without-events': {
    kept: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
    },
    broken: (story) => {
      const seq = story.arrives('ab1');
      story.store({ cursors: [story.cursor(seq)] });
    },
  },
  'events-without-cursor': {
    kept: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
    },
    broken: (story) => {
      const seq = story.arrives('ab1');
      story.store({ events: [story.eventRow(seq)] });
    },
  },
  'ack-ahead-of-store': {
    kept: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
      story.ack(seq);
    },
    broken: (story) => {
      story.ack(story.arrives('ab1'));
    },
  },
  'ack-hash-wrong': {
    kept: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
      story.ack(seq);
    },
    broken: (story) => {
      const seq = story.arrives('ab1');
      story.take(seq, seq);
      story.ack(seq, { hash: 'f'.repeat(64) });
    },
  },
  'decision-not-stored': {
    kept: (story) => {
      story.admitted(story.arrives('ab1'), 'a-1');
    },
    broken: (story) => {
      story.publish('aggregator', 'decisions', story.decisionMessage(story.arrives('ab1'), 'a-1'));
    },
  },
  'command-not-stored': {
    kept: (story) => {
      story.store({ commands: [story.command('c-1')] });
      story.publish('aggregator', 'commands', story.commandMessage('c-1'));
    },
    broken: (story) => {
      story.publish('aggregator', 'commands', story.commandMessage('c-1'));
    },
  },
  'restore-not-noticed': {
    kept: (story) => {
      restored(story, true);
    },
    broken: (story) => {
      restored(story, false);
    },
  },
  'bound-exceeded': {
    kept: (story) => {
      story.tell({ type: 'gauges', of: 'aggregator', values: [{ name: 'inbox', value: 8, bound: 8 }] });
    },
    broken: (story) => {
      story.tell({ type: 'gauges', of: 'aggregator', values: [{ name: 'inbox', value: 9, bound: 8 }] });
    },
  },
  'auditor-failed': {
    kept: (story) => {
      story.tell({ type: 'published', by: edgeId, topic: 'another/topic', payload: 'not JSON' });
    },
    broken: (story) => {
      story.tell({
        type: 'delivered',
        to: 'aggregator',
        topic: `gatehouse/v1/site/${edgeId}/state`,
        payload: '{',
        copy: 1,
      });
    },
  },
} satisfies Record<string, Case>;

/** An event is stored, and comes once more under a new epoch. */
function resent(story: Story, isApplied: boolean): void {
  const seq = story.commit({ kind: 'barrier-forced' });
  story.take(seq, seq);
  const [first] = story.outbox().events;
  const { epoch, upTo, hash } = story.cursor(seq);
  const origin = { epoch, seq, hash: first?.hash ?? '' };
  story.beginEpoch(epochOf(2), [{ kind: 'barrier-forced', origin }]);
  story.store({
    events: isApplied ? [story.eventRow(1)] : [],
    cursors: [story.cursor(1)],
    retiredEpochs: [{ edgeId, epoch, upTo, hash, retiredAtMs: 0 }],
  });
}

function quarantined(story: Story, gateId: string): void {
  const seq = story.commit({ kind: 'barrier-forced', gateId });
  story.store({
    cursors: [story.cursor(seq)],
    quarantine: [
      {
        quarantineId: 'q',
        siteId: 'site',
        edgeId,
        epoch: story.outbox().epoch,
        seq,
        kind: null,
        receivedAtMs: 0,
        reason: 'gateId: of another edge',
        body: null,
        payloadBytes: 1,
        payloadSha256: '',
      },
    ],
  });
}

function notice(noticeId: number): ReturnType<typeof changesOf>['notices'][number] {
  return {
    noticeId,
    kind: 'events-gap',
    siteId: 'site',
    atMs: 0,
    gateId: null,
    sessionId: null,
    slotId: null,
    reviewId: null,
    detail: null,
  };
}

/** The store is replaced by an empty one while the edge has been told that its event is stored. */
function restored(story: Story, isNoticed: boolean): void {
  const seq = story.arrives('ab1');
  story.take(seq, seq);
  story.released(seq);
  story.tell({
    type: 'store-replaced',
    contents: changesOf({ sites: [story.siteRow()], ledgers: [story.ledgerRow(0)], edges: [story.edgeRow()] }),
  });
  story.deliver('aggregator', 'state', story.stateMessage({ acked: seq }));
  if (isNoticed) story.store({ ledgers: [story.ledgerRow(0, { recoveringEdges: [edgeId] })] });
  for (let round = 0; round < 3; round += 1) {
    story.wait(10_000);
    story.publish('aggregator', 'acks', { instance, ...story.cursor(0), conflict: null });
  }
}
