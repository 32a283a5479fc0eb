/** What has to be true of the installer's tools, used where no agent runs. */
import assert from 'node:assert/strict';
import { levelsOf, stepsOf } from './records.mjs';

/**
 * @typedef {import('./checks-lanes.mjs').Check} Check
 * @typedef {import('./run-lanes.mjs').Driver} Driver
 * @typedef {import('./machine.mjs').Run['records']} Records
 * @typedef {{ check: string, verdict: string, says: string }} Finding
 * @typedef {{ event: string, tells?: string, gateId?: string, line?: string, value?: string, isBounce?: boolean }} Watched
 */

const ways = {
  onoff: 'sysfs (onoff), as driver onoff says',
  'character-device': 'the character device, as driver character-device says',
};

/** The kernel numbers chips. */
const chipPath = /[/](dev|sys[/]class[/]gpio)[/]gpiochip\d+/;

/** @param {Driver} driver @returns {readonly Check[]} */
export function toolChecks(driver) {
  return [
    {
      name: 'doctor: says which lines are free and through which interface, and who has the one that is not; moves nothing',
      holds({ run: { records } }) {
        const { code, lines } = toolOf(records, 'doctor');
        assert.equal(code, 1);
        const { findings } = /** @type {{ findings: Finding[] }} */ (JSON.parse(lines.join('')));
        const good = 'all its lines are there and free; pinctrl-bcm2711 with 54 lines';
        assert.deepEqual(
          findings
            .filter(({ check }) => check === 'gpio')
            .map(({ verdict, says }) => `${verdict} ${says.replace(chipPath, 'CHIP')}`),
          [
            'pass onoff (sysfs); koffi and epoll (character device) can be loaded',
            'fail gate entry-1: outputs.red is BCM 5, pulled up from power-on: its relay, which draws when the line is high, would draw at every boot',
            'fail gate entry-1: outputs.red (BCM 5) is in use by other-device',
            ...['exit-1', 'entry-2'].map((gate) => `pass gate ${gate}: ${good} at CHIP, through ${ways[driver]}`),
          ],
        );
        assert.deepEqual(stepsOf(records, 'doctor'), []);
        const others = findings.filter(({ check, verdict }) => check !== 'gpio' && verdict !== 'pass');
        return others.map(({ check, verdict }) => `${check}: ${verdict}`).join(', ');
      },
    },
    {
      name: 'watch: shows a loop active and then clear, and drives no output',
      holds({ run: { records } }) {
        const { code, lines } = toolOf(records, 'watch');
        assert.equal(code, 0);
        const watched = lines.map((line) => /** @type {Watched} */ (JSON.parse(line)));
        assert.match(String(watched[0]?.tells), /^no agent runs/);
        assert.deepEqual(
          watched.map(({ event, gateId, line, value }) =>
            event === 'change' ? `${String(gateId)} ${String(line)} ${String(value)}` : event,
          ),
          ['watching', 'entry-1 arming active', 'entry-1 arming clear', 'ended'],
        );
        assert.ok(watched.every(({ isBounce }) => isBounce !== true));
        assert.deepEqual(stepsOf(records, 'watch'), ['arming on', 'arming off']);
        return undefined;
      },
    },
    {
      name: 'test-barrier: opens and closes once, step by step, and leaves every relay off',
      holds({ run: { records } }) {
        const { code, lines } = toolOf(records, 'test-barrier');
        assert.equal(code, 0);
        const { findings } = /** @type {{ findings: Finding[] }} */ (JSON.parse(lines.join('')));
        assert.deepEqual(
          findings.map(({ check, verdict }) => `${verdict} ${check}`),
          ['lines', 'lane', 'arm', 'open', 'close'].map((check) => `pass ${check}`),
        );
        assert.deepEqual(
          // The red lamp is the safe level, which lasts through sysfs.
          stepsOf(records, 'test-barrier').filter((step) => !step.startsWith('red ')),
          [
            ...['open on', 'limit-closed off', 'open off', 'limit-open on'],
            ...['close on', 'limit-open off', 'close off', 'limit-closed on'],
          ],
        );
        const levels = levelsOf(records, 'after the tools');
        assert.deepEqual(
          Object.keys(levels).filter((name) => levels[name] && !name.endsWith(' red')),
          [],
        );
        return findings.map(({ says }) => says).at(-1);
      },
    },
  ];
}

/** @param {Records} records @param {string} wanted */
function toolOf(records, wanted) {
  const tool = records.findLast(({ what, name }) => what === 'tool' && name === wanted);
  assert.ok(tool, 'it did not run');
  return { code: tool['code'], lines: /** @type {string[]} */ (tool['lines']) };
}
