/** What has to be true of the agent's time at its lanes. */
import assert from 'node:assert/strict';
import { endOnce, ends, levelsOf, only, outboxEvents, stepsOf } from './records.mjs';

/**
 * @typedef {import('./machine.mjs').Run} Run
 * @typedef {import('./centre.mjs').Knowledge} Knowledge
 * @typedef {{ run: Run, known: Knowledge }} Evidence
 * @typedef {{ name: string, holds: (evidence: Evidence) => string | undefined }} Check `holds` throws, or answers a detail worth showing.
 */

const opening = ['open on', 'limit-closed off', 'open off', 'limit-open on', 'red off', 'green on'];
const closing = ['close on', 'limit-open off', 'close off', 'limit-closed on'];
const turnsBack = ['arming on', ...opening, 'arming off', 'red on', 'green off'];
const passes = ['arming on', ...opening, 'safety on', 'arming off', 'safety off', 'red on', 'green off'];

/** What the arm and the lamps do follows what the loops and limits did. */
const lane = {
  bounce: Array.from({ length: 5 }, () => ['arming on', 'arming off']).flat(),
  passage: [...passes, ...closing],
  backOut: [...turnsBack, ...closing],
  underTheArm: [
    ...turnsBack,
    ...['close on', 'limit-open off', 'safety on', 'close off', 'open on', 'open off', 'limit-open on', 'safety off'],
    ...closing,
  ],
  tailgate: [...passes, 'safety on', 'safety off', ...closing],
  stuckArm: ['arming on', 'open on', 'open off', ...turnsBack, ...closing],
  stuckLoop: ['arming on', ...opening, 'red on', 'green off', ...closing, 'arming off'],
  exit: [...passes, ...closing],
  restart: ['arming on', ...opening, 'safety on', 'arming off', 'safety off', ...closing],
};

/** Lamps are switched when an agent ends, and when one starts.
 * @param {string} step
 */
const isNoLamp = (step) => !/(^| )(red|green) /.test(step);

/** What the outbox has to say of each gate, before the kill. */
const told = {
  'entry-1': [
    ...['vehicle-arrived', 'vehicle-passed'],
    ...['vehicle-arrived', 'vehicle-backed-out'],
    ...['vehicle-arrived', 'vehicle-backed-out', 'wrong-way'],
  ],
  'entry-2': [
    ...['vehicle-arrived', 'vehicle-passed', 'vehicle-tailgated'],
    ...['vehicle-arrived', 'fault-raised loop-stuck', 'vehicle-passed', 'fault-cleared loop-stuck'],
  ],
  'exit-1': [
    ...['vehicle-arrived', 'fault-raised barrier-stuck', 'fault-cleared barrier-stuck', 'vehicle-backed-out'],
    ...['vehicle-arrived', 'vehicle-passed'],
  ],
};

/** @type {readonly Check[]} */
export const laneChecks = [
  {
    name: 'the machine runs its test to the end and switches itself off',
    holds({ run: { records, timedOut } }) {
      assert.equal(timedOut, false, 'it had to be killed');
      assert.equal(only(records, 'failed')?.['why'], undefined);
      assert.ok(only(records, 'finished'), 'it ended before its test did');
      return `Linux ${String(only(records, 'kernel')?.['release'])}`;
    },
  },
  {
    name: 'started: red lamps, nothing asked of the arms',
    holds({ run }) {
      const before = stepsOf(run.records, 'start');
      assert.equal(before.filter((step) => step === 'red on').length, 3);
      for (const output of ['open on', 'close on', 'green on']) assert.ok(!before.includes(output), output);
      return undefined;
    },
  },
  {
    name: 'a loop that bounces for less than its debounce time moves nothing',
    holds: inOrder('bounce'),
  },
  {
    name: 'a vehicle passes: inputs and outputs in their order',
    holds: inOrder('passage'),
  },
  {
    name: 'a vehicle turns back: the arm closes after it',
    holds: inOrder('backOut'),
  },
  {
    name: 'something comes under the closing arm: the close relay lets go, the arm opens, and closes when it is clear',
    holds: inOrder('underTheArm'),
  },
  {
    name: 'a vehicle follows another: the arm closes when the loops are clear',
    holds: inOrder('tailgate'),
  },
  {
    name: 'the arm does not move: it is asked again, and the lamp is green when it is open',
    holds: inOrder('stuckArm'),
  },
  {
    name: 'a loop stays occupied: the gate no longer waits for it, and the arm closes',
    holds: inOrder('stuckLoop'),
  },
  {
    name: 'a vehicle leaves by the exit',
    holds: inOrder('exit'),
  },
  {
    name: 'a restart while a vehicle stands on the loops, let in: it counts once, and the arm does not close on it',
    holds({ run: { records, console }, known: { reviews } }) {
      assert.equal(only(records, 'restart')?.['code'], 0);
      assert.match(console, /ends with a vehicle on its way through/);
      assert.deepEqual(stepsOf(records, 'restart').filter(isNoLamp), lane.restart.filter(isNoLamp));
      const before = outboxEvents(records, 'restart');
      const arrival = before.findLast(({ event }) => event.kind === 'vehicle-arrived')?.seq;
      const tellItsEnd = (/** @type {typeof before} */ events) =>
        events
          .filter(({ event }) => event.arrival === arrival && ends.includes(event.kind))
          .map(({ event }) => event.kind);
      assert.deepEqual(tellItsEnd(before), []);
      assert.deepEqual(tellItsEnd(outboxEvents(records, 'the end')), ['vehicle-passed']);
      assert.ok(reviews.every(({ kind }) => kind !== 'arrival-unresolved'));
      return undefined;
    },
  },
  {
    name: 'what happened is in the outbox, for each gate in its order',
    holds({ run: { records } }) {
      const events = outboxEvents(records, 'the end').map(({ event }) => event);
      for (const [gate, kinds] of Object.entries(told)) {
        const found = events.filter(({ gateId }) => gateId === gate);
        assert.deepEqual(
          found.map(({ kind, fault }) => (fault === undefined ? kind : `${kind} ${fault}`)).slice(0, kinds.length),
          kinds,
          gate,
        );
      }
      return `${String(events.length)} events`;
    },
  },
  {
    name: 'every arrival has one end, that of the vehicle before the arm at the kill too',
    holds: ({ run }) => `${String(endOnce(outboxEvents(run.records, 'the end')))} arrivals`,
  },
  {
    name: 'the aggregator has every event of the outbox, once, and nothing else',
    holds({ run: { records }, known }) {
      const sent = outboxEvents(records, 'the end');
      const epoch = only(records, 'outbox')?.['epoch'];
      assert.deepEqual(
        known.events.map((event) => ({ epoch: event.epoch, seq: event.seq, kind: event.kind })),
        sent.map(({ seq, event }) => ({ epoch, seq, kind: event.kind })),
      );
      assert.deepEqual(known.quarantine, []);
      return `${String(known.events.length)} events`;
    },
  },
  {
    name: 'its API tells what was driven: entries, exits, who is inside, sessions, the tailgater',
    holds({ known: { occupancy, sessions, reviews } }) {
      const { vehiclesInside, entriesTotal, exitsTotal } = occupancy;
      assert.deepEqual(
        { vehiclesInside, entriesTotal, exitsTotal },
        { vehiclesInside: 4, entriesTotal: 5, exitsTotal: 1 },
      );
      assert.deepEqual(sessions.map(({ state }) => state).sort(), ['closed', 'open', 'open', 'open', 'open']);
      return reviews.map(({ kind }) => kind).join(' ');
    },
  },
  {
    name: 'stopped: exit code 0, every relay off',
    holds({ run: { records } }) {
      assert.equal(only(records, 'ended')?.['code'], 0);
      const levels = levelsOf(records, 'the end');
      const on = Object.keys(levels).filter((name) => levels[name]);
      const given = on.filter((name) => !name.endsWith(' red'));
      assert.deepEqual(given, []);
      return on.length > 0 ? 'red lamps stay on' : 'lines are given back to the kernel';
    },
  },
];

/** @param {keyof typeof lane} scenario @returns {Check['holds']} */
function inOrder(scenario) {
  return ({ run }) => {
    assert.deepEqual(stepsOf(run.records, scenario), lane[scenario]);
    return undefined;
  };
}
