/** What happens at a lane, by name. The arm moves as it is asked to, unless it is stuck. */
import { setTimeout as pause } from 'node:timers/promises';
import { steadyMs } from './agent.mjs';
import { tell } from './console.mjs';
import { drive, output } from './lines.mjs';

const bounceMs = 10;
/** Between scenarios: no vehicle follows another. */
const quietMs = 1_000;

/** @typedef {import('./lines.mjs').GateId} GateId */

/** @param {GateId} gate */
export async function armOpens(gate) {
  await output(gate, 'open', true);
  drive(gate, 'limit-closed', false);
  await output(gate, 'open', false);
  drive(gate, 'limit-open', true);
}

/** @param {GateId} gate */
export async function armCloses(gate) {
  await output(gate, 'close', true);
  drive(gate, 'limit-open', false);
  await output(gate, 'close', false);
  drive(gate, 'limit-closed', true);
}

/** A vehicle stands before the open arm.
 * @param {GateId} gate
 */
export async function isLetIn(gate) {
  drive(gate, 'arming', true);
  await armOpens(gate);
  await output(gate, 'green', true);
}

/** It leaves the first loop under the arm.
 * @param {GateId} gate
 */
export async function goesUnderTheArm(gate) {
  drive(gate, 'safety', true);
  await pause(steadyMs);
  drive(gate, 'arming', false);
  await pause(steadyMs);
}

/** @type {Record<string, { gate: GateId, happen: (gate: GateId) => Promise<void> }>} */
const scenarios = {
  bounce: {
    gate: 'entry-1',
    async happen(gate) {
      for (let bounce = 0; bounce < 5; bounce += 1) {
        drive(gate, 'arming', true);
        await pause(bounceMs);
        drive(gate, 'arming', false);
        await pause(bounceMs);
      }
      await pause(steadyMs);
    },
  },
  passage: { gate: 'entry-1', happen: passes },
  backOut: {
    gate: 'entry-1',
    async happen(gate) {
      await isLetIn(gate);
      drive(gate, 'arming', false);
      await armCloses(gate);
    },
  },
  underTheArm: {
    gate: 'entry-1',
    async happen(gate) {
      await isLetIn(gate);
      drive(gate, 'arming', false);
      await output(gate, 'close', true);
      drive(gate, 'limit-open', false);
      drive(gate, 'safety', true);
      await output(gate, 'open', true);
      await output(gate, 'open', false);
      drive(gate, 'limit-open', true);
      await pause(steadyMs);
      drive(gate, 'safety', false);
      await armCloses(gate);
    },
  },
  tailgate: {
    gate: 'entry-2',
    async happen(gate) {
      await isLetIn(gate);
      await goesUnderTheArm(gate);
      drive(gate, 'safety', false);
      await output(gate, 'green', false);
      drive(gate, 'safety', true);
      await pause(steadyMs);
      drive(gate, 'safety', false);
      await armCloses(gate);
    },
  },
  stuckArm: {
    gate: 'exit-1',
    async happen(gate) {
      drive(gate, 'arming', true);
      await output(gate, 'open', true);
      await output(gate, 'open', false);
      await isLetIn(gate);
      drive(gate, 'arming', false);
      await armCloses(gate);
    },
  },
  stuckLoop: {
    gate: 'entry-2',
    async happen(gate) {
      await isLetIn(gate);
      await armCloses(gate);
      drive(gate, 'arming', false);
      await pause(steadyMs);
    },
  },
  exit: { gate: 'exit-1', happen: passes },
};

/** @param {GateId} gate */
export async function passes(gate) {
  await isLetIn(gate);
  await goesUnderTheArm(gate);
  drive(gate, 'safety', false);
  await armCloses(gate);
}

/** @param {readonly string[]} names */
export async function play(names) {
  for (const name of names) {
    const { gate, happen } = /** @type {typeof scenarios[string]} */ (scenarios[name]);
    tell('scenario', { name, gate });
    await happen(gate);
    await pause(quietMs);
  }
}
