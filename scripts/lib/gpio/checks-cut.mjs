/** What has to be true when power comes back. */
import assert from 'node:assert/strict';
import { endOnce, only, outboxEvents } from './records.mjs';

/**
 * @typedef {import('./machine.mjs').Run} Run
 * @typedef {import('./centre.mjs').Knowledge} Knowledge
 *
 * @typedef {object} Before The moment of the cut.
 * @property {'arrived' | 'opening' | 'under-the-arm'} cut
 * @property {Knowledge} known what the aggregator had then
 * @property {Run} run
 * @property {{ writes: number, lostBytes: number }} disk
 *
 * @typedef {{ run: Run, known: Knowledge, before: Before | undefined }} Evidence
 * @typedef {{ name: string, holds: (evidence: Evidence) => string | undefined }} Check
 */

/** @type {readonly Check[]} */
export const checksAfterCut = [
  {
    name: 'the power went in mid-passage, and the machine starts again',
    holds({ run, before }) {
      assert.ok(before);
      assert.ok(only(run.records, 'started'), 'the agent did not start');
      return `${String(before.disk.writes)} writes were flushed, ${String(before.disk.lostBytes)} bytes were not and are gone`;
    },
  },
  {
    name: 'what had been announced is in the outbox that is found: nothing is lost',
    holds({ run, before }) {
      const found = outboxEvents(run.records, 'found');
      const announced = before?.known.events ?? [];
      assert.ok(
        announced.some(({ kind }) => kind === 'vehicle-arrived'),
        'nothing had been announced',
      );
      assert.deepEqual(
        found.slice(0, announced.length).map(({ seq, event }) => `${String(seq)} ${event.kind}`),
        announced.map(({ seq, kind }) => `${String(seq)} ${kind}`),
      );
      return `${String(announced.length)} announced, ${String(found.length)} found`;
    },
  },
  {
    name: 'the agent goes on in the same outbox',
    holds({ run }) {
      const [found, recovered] = ['found', 'recovered'].map((when) => outboxEvents(run.records, when));
      assert.ok(found && recovered);
      assert.deepEqual(
        recovered.slice(0, found.length).map(({ hash }) => hash),
        found.map(({ hash }) => hash),
      );
      const epochs = run.records.filter(({ what }) => what === 'outbox').map(({ epoch }) => epoch);
      assert.equal(new Set(epochs).size, 1, 'it began a new outbox');
      return undefined;
    },
  },
  {
    name: 'outputs are safe when it starts: a red lamp, no relay drawn before the agent asks for it',
    holds({ run: { records } }) {
      const first = records.findIndex(
        ({ what, name, active }) => what === 'output' && name === 'red' && active === true,
      );
      const early = records.slice(0, first).filter(({ what, active }) => what === 'output' && active === true);
      assert.deepEqual(early, []);
      return undefined;
    },
  },
  {
    name: 'the arm is never asked to close while something is under it',
    holds({ run: { records }, before }) {
      let isUnder = false;
      let closed = 0;
      for (const { what, name, active } of records) {
        if (what === 'input' && name === 'safety') isUnder = active === true;
        if (what !== 'output' || name !== 'close' || active !== true) continue;
        assert.equal(isUnder, false, 'it was');
        closed += 1;
      }
      assert.ok(closed > 0, 'it was not asked to close at all');
      return before?.cut === 'under-the-arm' ? 'it waits for what was left there' : undefined;
    },
  },
];

/** @type {readonly Check[]} */
export const checksAtTheEnd = [
  {
    name: 'the aggregator has every event of the outbox, once, and nothing else',
    holds({ run: { records }, known }) {
      assert.equal(only(records, 'ended')?.['code'], 0);
      const epoch = only(records, 'outbox')?.['epoch'];
      assert.deepEqual(
        known.events.map((event) => `${event.epoch} ${String(event.seq)} ${event.kind}`),
        outboxEvents(records, 'the end').map(({ seq, event }) => `${String(epoch)} ${String(seq)} ${event.kind}`),
      );
      assert.deepEqual(known.quarantine, []);
      return `${String(known.events.length)} events`;
    },
  },
  {
    name: 'every arrival has one end, and no entry is counted but those that were told',
    holds({ run, known }) {
      const events = outboxEvents(run.records, 'the end');
      const arrivals = endOnce(events);
      assert.equal(events.findLast(({ event }) => event.kind !== 'allowance-accepted')?.event.kind, 'vehicle-passed');
      const passed = events.filter(({ event }) => event.kind === 'vehicle-passed').length;
      assert.equal(known.occupancy.entriesTotal, passed);
      const unresolved = known.reviews.filter(({ kind }) => kind === 'arrival-unresolved').length;
      return `${String(arrivals)} arrivals, ${String(passed)} entries, ${String(unresolved)} for a person to review`;
    },
  },
];
