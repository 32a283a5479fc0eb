/** What has to be true of a driver: which interface it chooses, what a kill leaves behind, what it says of wrong wiring. */
import assert from 'node:assert/strict';
import { levelsOf, only, told } from './records.mjs';

/**
 * @typedef {import('./checks-lanes.mjs').Check} Check
 * @typedef {import('./run-lanes.mjs').Driver} Driver
 */

const interfaces = { onoff: 'sysfs', 'character-device': 'character-device' };

/** @param {Driver} driver @returns {readonly Check[]} */
export function driverChecks(driver) {
  return [
    {
      name: 'the chip is found by its label; left to choose, the agent takes what this kernel shows',
      holds({ run: { console } }) {
        const found = [...console.matchAll(/^.*"GPIO chip found".*$/gm)].map(([line]) => JSON.parse(line));
        // Three gates of three agents; the fourth agent gets to its first gate.
        assert.ok(found.length >= 9, `${String(found.length)} times`);
        for (const { chip, interface: way } of found) {
          assert.deepEqual({ chip, way }, { chip: 'pinctrl-bcm2711', way: interfaces[driver] });
        }
        const [{ base, path }] = found;
        if (driver === 'onoff') assert.ok(base > 0, `base ${String(base)}`);
        return driver === 'onoff' ? `sysfs, base ${String(base)}` : String(path);
      },
    },
    {
      name: 'killed in mid-pulse: with the command of ExecStopPost every relay is off, before anything starts again',
      holds({ run: { records } }) {
        const killed = told(records, ({ what }) => what === 'killed');
        const drawn = told(records, ({ what, name, active, atMs }) => {
          return what === 'output' && name === 'open' && active === false && Number(atMs) >= killed.atMs;
        });
        const safe = told(records, ({ what }) => what === 'safe');
        const again = told(records, ({ what, name }) => what === 'scenario' && name === 'again');
        assert.ok(killed.index < drawn.index && drawn.index <= safe.index && safe.index < again.index);
        const restored = only(records, 'restored');
        assert.equal(restored?.['code'], 0);
        const stayed = levelsOf(records, 'killed')['entry-1 open'] === true;
        // The hazard that the command is for.
        if (driver === 'onoff') assert.ok(stayed, 'the relay was off already');
        const by = stayed ? 'by the command' : 'by the kernel, which takes the lines back';
        return `${String(drawn.atMs - killed.atMs)} ms from the kill to the relay off, ${by}; the command took ${String(restored['tookMs'])} ms`;
      },
    },
    { name: 'a line that the chip does not have is refused', holds: refuses('wrong pin', wrongPin) },
    {
      name: 'a line that the kernel gave to something else is refused',
      holds: refuses('busy pin', busyPin),
    },
    { name: 'a chip that is not there is refused', holds: refuses('wrong label', wrongLabel) },
    { name: 'lines that the user may not have are refused', holds: refuses('no permission', noPermission) },
    {
      name: 'the agent says what is wrong, and does not start',
      holds(evidence) {
        const code = evidence.run.records.find(({ what, name }) => what === 'refused' && name === 'agent')?.['code'];
        assert.equal(typeof code, 'number');
        assert.notEqual(code, 0);
        return refuses('agent', busyPin)(evidence);
      },
    },
  ];
}

const wrongPin = /outputs[.]red \(BCM 60\).*(lines 0 to 53|has no such line)/;
const busyPin = /outputs[.]red \(BCM 5\): the line is in use by (another|“other-device”).*free it or use another/;
const wrongLabel = /no GPIO chip is labelled pinctrl-bcm2712; there are pinctrl-bcm2711/;
const noPermission = /no permission; add the user/;

/** @param {string} wanted @param {RegExp} sentence @returns {Check['holds']} */
function refuses(wanted, sentence) {
  return ({ run }) => {
    const refused = run.records.find(({ what, name }) => what === 'refused' && name === wanted);
    assert.match(String(refused?.['text']), sentence);
    return undefined;
  };
}
