/** Stories about what opens a gate. */
import type { Case } from './case.js';
import { edgeId } from './story.js';
import type { Story } from './story.js';

export const gateCases = {
  'opened-without-cause': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
      story.stands('ab2');
      story.tell({ type: 'close-requested', gateId: 'entry-1', machine: edgeId });
      story.tell({ type: 'under-arm', gateId: 'entry-1', occupied: true });
      story.open();
    },
    broken: (story) => {
      story.enters('ab1', 'a-1');
      story.tell({ type: 'under-arm', gateId: 'entry-1', occupied: false });
      story.arrives('ab2');
      story.open();
    },
  },
  'stale-decision-opened': {
    kept: (story) => {
      waits(story, 29_000);
    },
    broken: (story) => {
      waits(story, 40_000);
    },
  },
  'denied-vehicle-let-in': {
    kept: (story) => {
      const seq = deniedVehicle(story);
      story.deliver(edgeId, 'decisions', story.decisionMessage(seq, null, { revision: 2, basis: 'operator' }));
      story.open();
    },
    broken: (story) => {
      const seq = deniedVehicle(story);
      story.deliver(edgeId, 'decisions', story.decisionMessage(seq, 'a-1'));
      story.open();
    },
  },
  'passed-without-decision': {
    kept: (story) => {
      story.enters('ab1', 'a-1');
    },
    broken: (story) => {
      const seq = story.arrives('ab1');
      story.admitted(seq, 'a-1');
      story.goesIn('ab1', seq, 'a-2');
    },
  },
  'two-decisions-for-one-vehicle': {
    kept: (story) => {
      story.goesIn('ab1', admittedAlone(story), 'a-1', 'allowance');
    },
    broken: (story) => {
      story.goesIn('ab1', admittedAlone(story), 'a-2', 'decision');
    },
  },
  'stale-command-ran': {
    kept: (story) => {
      story.deliver(edgeId, 'commands', story.commandMessage('c-1'));
      story.open();
      done(story, 'c-1');
    },
    broken: (story) => {
      const command = story.commandMessage('c-1');
      story.wait(20_000);
      story.state();
      story.deliver(edgeId, 'commands', command);
      done(story, 'c-1');
    },
  },
  'command-ran-twice': {
    kept: (story) => {
      for (const id of ['c-1', 'c-2']) {
        story.deliver(edgeId, 'commands', story.commandMessage(id));
        done(story, id);
      }
    },
    broken: (story) => {
      story.deliver(edgeId, 'commands', story.commandMessage('c-1'));
      done(story, 'c-1');
      done(story, 'c-1');
    },
  },
  'vehicle-unanswered': {
    kept: (story) => {
      story.tell({ type: 'faults-end' });
      const seq = story.arrives('ab1');
      story.wait(50_000);
      story.commit({ kind: 'vehicle-denied', arrival: seq, reason: 'full' });
      story.wait(50_000);
      story.state();
    },
    broken: (story) => {
      story.tell({ type: 'faults-end' });
      story.arrives('ab1');
      story.wait(100_000);
      story.state();
    },
  },
} satisfies Record<string, Case>;

/** The decision is delivered so long after the arrival. */
function waits(story: Story, ms: number): void {
  const seq = story.arrives('ab1');
  story.wait(ms);
  story.deliver(edgeId, 'decisions', story.decisionMessage(seq, 'a-1'));
  story.open();
}

function deniedVehicle(story: Story): number {
  const seq = story.arrives('ab1');
  story.commit({ kind: 'vehicle-denied', arrival: seq, reason: 'no-allowance' });
  return seq;
}

/** Let in by the edge itself, with a slot of its allowance, before a decision for another slot comes. */
function admittedAlone(story: Story): number {
  story.setAside('a-1');
  const arrival = story.arrives('ab1');
  story.commit({ kind: 'vehicle-admitted', arrival, slotId: 'a-1', basis: 'allowance' });
  story.deliver(edgeId, 'decisions', story.decisionMessage(arrival, 'a-2'));
  return arrival;
}

function done(story: Story, commandId: string): void {
  story.commit({ kind: 'command-completed', commandId, result: 'done', detail: '' });
}
