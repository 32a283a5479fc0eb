/** What has to be true of the agent's time in the machine. */
import assert from 'node:assert/strict';

/**
 * @typedef {import('./machine.mjs').Run} Run
 * @typedef {{ name: string, holds: (run: Run) => string | undefined }} Check `holds` throws, or answers a detail worth showing.
 */

const opening = ['open on', 'limit-closed off', 'open off', 'limit-open on', 'red off', 'green on'];
const closing = ['close on', 'limit-open off', 'close off', 'limit-closed on'];
const turnsBack = ['arming on', ...opening, 'arming off', 'red on', 'green off'];

/** What the arm and the lamps do follows what the loops and limits did. */
const lane = {
  bounce: Array.from({ length: 5 }, () => ['arming on', 'arming off']).flat(),
  passage: ['arming on', ...opening, 'safety on', 'arming off', 'safety off', 'red on', 'green off', ...closing],
  backOut: [...turnsBack, ...closing],
  underTheArm: [
    ...turnsBack,
    ...['close on', 'limit-open off', 'safety on', 'close off', 'open on', 'open off', 'limit-open on', 'safety off'],
    ...closing,
  ],
};

const events = [
  ...['vehicle-arrived', 'vehicle-admitted', 'vehicle-passed'],
  ...['vehicle-arrived', 'vehicle-admitted', 'vehicle-backed-out'],
  ...['vehicle-arrived', 'vehicle-admitted', 'vehicle-backed-out', 'wrong-way'],
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
      const before = stepsOf(records, 'start');
      assert.ok(before.includes('red on'));
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
    name: 'what happened is in the outbox, in its order',
    holds({ records }) {
      const found = records
        .filter(({ what }) => what === 'event')
        .map(({ event }) => /** @type {{ kind: string, monoMs: number }} */ (event));
      assert.deepEqual(
        found.map(({ kind }) => kind),
        events,
      );
      assert.ok(found.every(({ monoMs }, index) => monoMs >= (found[index - 1]?.monoMs ?? 0)));
      return `${String(found.length)} events`;
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

/** @param {keyof typeof lane} scenario @returns {Check['holds']} */
function inOrder(scenario) {
  return ({ records }) => {
    assert.deepEqual(stepsOf(records, scenario), lane[scenario]);
    return undefined;
  };
}

/** @param {Run['records']} records @param {string} wanted what came on and went off in this scenario; `start`: before the first */
function stepsOf(records, wanted) {
  let scenario = 'start';
  return records.flatMap(({ what, name, active }) => {
    if (what === 'scenario') scenario = String(name);
    if (scenario !== wanted || (what !== 'input' && what !== 'output')) return [];
    return [`${String(name)} ${active === true ? 'on' : 'off'}`];
  });
}
