/** What has to be true of the agent's time in the machine. */
import assert from 'node:assert/strict';

/**
 * @typedef {import('./machine.mjs').Run} Run
 * @typedef {{ name: string, holds: (run: Run) => string | undefined }} Check `holds` throws, or answers a detail worth showing.
 */

/** From the start of the agent until it has stopped. What the arm and the lamps do follows what the loops and limits did. */
const passage = [
  'started',
  'arming on',
  'open on',
  'limit-closed off',
  'open off',
  'limit-open on',
  'red off',
  'green on',
  'safety on',
  'arming off',
  'safety off',
  'red on',
  'green off',
  'close on',
  'limit-open off',
  'close off',
  'limit-closed on',
  'ended',
];

/** @type {readonly Check[]} */
export const checks = [
  {
    name: 'the machine runs its test to the end and switches itself off',
    holds({ records, timedOut }) {
      assert.equal(timedOut, false, 'it had to be killed');
      assert.equal(only(records, 'failed')?.['why'], undefined);
      assert.ok(only(records, 'finished'), 'it ended before its test did');
      return `Linux ${String(only(records, 'kernel')?.['release'])}`;
    },
  },
  {
    name: 'the driver finds the chip by its label, and its base, which is not 0',
    holds({ console }) {
      const base = Number(/"chip":"pinctrl-bcm2711","base":(\d+)/.exec(console)?.[1]);
      assert.ok(base > 0, `base ${String(base)}`);
      return `base ${String(base)}`;
    },
  },
  {
    name: 'started: a red lamp, nothing asked of the arm',
    holds({ records }) {
      const before = stepsOf(records).slice(0, stepsOf(records).indexOf('started'));
      assert.ok(before.includes('red on'));
      for (const output of ['open on', 'close on', 'green on']) assert.ok(!before.includes(output), output);
      return undefined;
    },
  },
  {
    name: 'a vehicle passes: inputs and outputs in their order',
    holds({ records }) {
      const steps = stepsOf(records);
      assert.deepEqual(steps.slice(steps.indexOf('started')), passage);
      return `open relay on for ${pulse(records, 'open')}, close relay for ${pulse(records, 'close')}`;
    },
  },
  {
    name: 'its events are in the outbox: arrived, admitted, passed',
    holds({ records }) {
      const events = records
        .filter(({ what }) => what === 'event')
        .map(({ event }) => /** @type {{ kind: string, monoMs: number, flags?: string[] }} */ (event));
      assert.deepEqual(
        events.map(({ kind }) => kind),
        ['vehicle-arrived', 'vehicle-admitted', 'vehicle-passed'],
      );
      const times = events.map(({ monoMs }) => monoMs);
      assert.deepEqual(
        times,
        [...times].sort((a, b) => a - b),
      );
      assert.deepEqual(events.at(-1)?.flags, []);
      return undefined;
    },
  },
  {
    name: 'stopped: exit code 0, a red lamp, every relay off',
    holds({ records }) {
      assert.equal(only(records, 'ended')?.['code'], 0);
      assert.deepEqual(only(records, 'levels')?.['levels'], { red: true, green: false, open: false, close: false });
      return undefined;
    },
  },
  {
    name: 'a line that the kernel gave to something else: the agent says so and does not start',
    holds({ records }) {
      assert.match(
        String(only(records, 'refused')?.['text']),
        /outputs[.]red \(BCM 5\): the line is in use by another/,
      );
      assert.notEqual(only(records, 'refused-end')?.['code'], 0);
      return undefined;
    },
  },
];

/** @param {Run['records']} records @param {string} wanted */
function only(records, wanted) {
  return records.find(({ what }) => what === wanted);
}

/** @param {Run['records']} records one word for what happened, until the agent ended */
function stepsOf(records) {
  const end = records.findIndex(({ what }) => what === 'ended');
  return records.slice(0, end < 0 ? undefined : end + 1).flatMap(({ what, name, active }) => {
    if (what === 'input' || what === 'output') return [`${String(name)} ${active === true ? 'on' : 'off'}`];
    return what === 'started' || what === 'ended' ? [what] : [];
  });
}

/** @param {Run['records']} records @param {string} output how long it was on, as seen from outside */
function pulse(records, output) {
  const changes = records.filter(({ what, name }) => what === 'output' && name === output);
  const on = changes.findIndex(({ active }) => active === true);
  return `${String(Number(changes[on + 1]?.['atMs']) - Number(changes[on]?.['atMs']))} ms`;
}
