/** The lines of the simulated chip: the test moves its inputs from below, as loops and limits would, and looks at its outputs. */
import { execFileSync } from 'node:child_process';
import { openSync, readSync, writeFileSync } from 'node:fs';
import { pollMs, tell, until } from './console.mjs';

const chip = '/sys/devices/platform/gpio-sim.0/gpiochip0';
/** Taken by init.sh. */
export const busyBcm = 5;

/** Outputs in the order in which the agent changes them, for when one look finds several. */
export const gates = {
  'entry-1': {
    inputs: { arming: 17, safety: 27, 'limit-open': 22, 'limit-closed': 23 },
    outputs: { red: 20, green: 21, close: 16, open: 12 },
  },
  'exit-1': {
    inputs: { arming: 30, safety: 31, 'limit-open': 32, 'limit-closed': 33 },
    outputs: { red: 34, green: 35, close: 36, open: 37 },
  },
  'entry-2': {
    inputs: { arming: 40, safety: 41, 'limit-open': 42, 'limit-closed': 43 },
    outputs: { red: 44, green: 45, close: 46, open: 47 },
  },
};

/**
 * @typedef {keyof typeof gates} GateId
 * @typedef {keyof typeof gates['entry-1']['inputs']} Input
 * @typedef {keyof typeof gates['entry-1']['outputs']} Output
 */

export const gateIds = /** @type {GateId[]} */ (Object.keys(gates));

/** @param {GateId} gate @param {Input} input @param {boolean} active */
export function drive(gate, input, active) {
  writeFileSync(`${chip}/sim_gpio${String(gates[gate].inputs[input])}/pull`, active ? 'pull-up' : 'pull-down');
  tell('input', { gate, name: input, active });
}

/** @type {Map<string, boolean>} */
const levels = new Map();
/** @type {Map<number, number>} */
const files = new Map();
const text = Buffer.alloc(1);

/** Looked at often: the files stay open.
 * @param {number} line
 */
function isHigh(line) {
  const file = files.get(line) ?? openSync(`${chip}/sim_gpio${String(line)}/value`, 'r');
  files.set(line, file);
  readSync(file, text, 0, 1, 0);
  return text.toString() === '1';
}

/**
 * Tells every output that changed since it was looked at last. What the agent changes later is looked at earlier: of two changes, one
 * look never finds the second without the first.
 */
export function look() {
  for (const gate of gateIds) {
    const now = Object.entries(gates[gate].outputs)
      .toReversed()
      .map(([name, line]) => ({ name, active: isHigh(line) }));
    for (const { name, active } of now.toReversed()) {
      const key = `${gate} ${name}`;
      if (levels.get(key) !== active) tell('output', { gate, name, active });
      levels.set(key, active);
    }
  }
}

/** Looks from now on. @returns {() => void} ends it */
export function watch() {
  const timer = setInterval(look, pollMs);
  return () => {
    clearInterval(timer);
    look();
  };
}

/** @param {string} when */
export function tellLevels(when) {
  look();
  tell('levels', { when, levels: Object.fromEntries(levels) });
}

/** As on a kernel that was built without sysfs GPIO. */
export function hideSysfsGpio() {
  execFileSync('mount', ['-t', 'tmpfs', 'none', '/sys/class/gpio']);
}

/** @param {GateId} gate @param {Output} name @param {boolean} active */
export function output(gate, name, active) {
  return until(`${gate} ${name} is ${active ? 'on' : 'off'}`, () => levels.get(`${gate} ${name}`) === active);
}
