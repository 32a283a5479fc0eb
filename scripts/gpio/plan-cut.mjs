/**
 * A vehicle comes, and somewhere on its way the power is cut from outside; or the machine starts again after that, with the lane as it
 * was left. One start does both: it comes back, and goes on to the next cut.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { acknowledged, configure, startAgent, tellOutbox } from './agent.mjs';
import { tell } from './console.mjs';
import { drive, gateIds, output, watch } from './lines.mjs';
import { armCloses, armOpens, goesUnderTheArm, isLetIn, passes } from './scenarios.mjs';

const gate = 'entry-1';
/** Longer than any power supply holds out. */
const afterTheCutMs = 600_000;
/** Time in which an agent would do what it must not: close on what stands under the arm. */
const afterTheStartMs = 3_000;

/** @typedef {'arrived' | 'opening' | 'under-the-arm'} Cut */

/** How the lane looks when power comes back. The arm was left where it was. */
const left = {
  arrived: { arming: true, 'limit-closed': true },
  opening: { arming: true },
  'under-the-arm': { safety: true, 'limit-open': true },
};

/** What drives the lane to the moment of the cut, which is noticed outside. */
const leadTo = {
  async arrived() {
    drive(gate, 'arming', true);
    await pause(afterTheCutMs);
  },
  async opening() {
    drive(gate, 'arming', true);
    await output(gate, 'open', true);
    tell('cut');
    await pause(afterTheCutMs);
  },
  async 'under-the-arm'() {
    await isLetIn(gate);
    await goesUnderTheArm(gate);
    tell('cut');
    await pause(afterTheCutMs);
  },
};

/** What was left in the lane goes away, so that it is empty and the arm is closed. */
const goOn = {
  async arrived() {
    await armOpens(gate);
    await output(gate, 'green', true);
    drive(gate, 'arming', false);
    await armCloses(gate);
  },
  async opening() {
    await goOn.arrived();
  },
  async 'under-the-arm'() {
    await pause(afterTheStartMs);
    drive(gate, 'safety', false);
    await armCloses(gate);
  },
};

/** @param {import('./agent.mjs').Identity & { after?: Cut, before?: Cut }} wanted */
export async function powerCut({ after, before, ...identity }) {
  configure(identity);
  if (after !== undefined) await tellFound();
  for (const other of gateIds) if (other !== gate || after === undefined) drive(other, 'limit-closed', true);
  if (after !== undefined) {
    for (const [input, active] of Object.entries(left[after])) {
      drive(gate, /** @type {import('./lines.mjs').Input} */ (input), active);
    }
  }
  const { agent, started, ended } = startAgent();
  const unwatch = watch();
  await started;
  tell('started');
  if (after !== undefined) await goOn[after]();
  await acknowledged();
  await tellOutbox('recovered');
  if (before !== undefined) {
    tell('scenario', { name: before, gate });
    await leadTo[before]();
  }
  await passes(gate);
  await acknowledged();
  agent.kill('SIGTERM');
  tell('ended', { code: await ended });
  unwatch();
  await tellOutbox('the end');
}

/** What the cut left; it may be no outbox at all. */
async function tellFound() {
  try {
    await tellOutbox('found');
  } catch (error) {
    tell('outbox', { when: 'found', unreadable: error instanceof Error ? error.message : String(error) });
  }
}
