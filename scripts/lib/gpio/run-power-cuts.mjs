/** One machine with a disk, one driver: its power is cut in mid-passage, it starts again, goes on to the next cut, and so on. */
import { mkdirSync } from 'node:fs';
import { until } from '../../../simulators/dist/index.js';
import { lastLines } from '../images/command.mjs';
import { say, seconds } from '../project.mjs';
import { checksAfterCut, checksAtTheEnd } from './checks-cut.mjs';
import { makeDisk } from './disk.mjs';
import { judge } from './judge.mjs';
import { runMachine } from './machine.mjs';
import { only } from './records.mjs';

const timeoutMs = 15 * 60_000;
const seenTimeoutMs = 300_000;

/** In this order, one in each run of the machine. */
const cuts = /** @type {const} */ (['arrived', 'opening', 'under-the-arm']);

/** @param {import('./run-lanes.mjs').Setting & { folder: string }} setting */
export async function runPowerCuts({ driver, machine, centre, count, folder }) {
  const place = await centre.register(`cuts-${driver}`);
  mkdirSync(folder);
  const disk = await makeDisk(folder);
  /** @type {import('./checks-cut.mjs').Before | undefined} */
  let before;
  for (const cut of [...cuts, undefined]) {
    const startMs = Date.now();
    const { code, ...enrolled } = place;
    const run = await runMachine({
      ...machine,
      timeoutMs,
      disk: disk.options,
      guest: {
        plan: 'powerCut',
        driver,
        ...enrolled,
        ...(before === undefined ? { code } : { after: before.cut }),
        before: cut,
      },
      onRecord: cut === undefined ? undefined : cutting(cut, () => centre.events(place)),
    });
    if (run.timedOut || only(run.records, 'failed') !== undefined) throw new Error(unfinished(driver, run));
    const known = await centre.asked(place);
    const what = cut === undefined ? 'to its end' : `to the cut "${cut}"`;
    say(`${driver}: the machine ran ${what} for ${seconds(Date.now() - startMs)}`);
    const evidence = { run, known, before };
    const { console } = run;
    if (before !== undefined) {
      judge({ title: `${driver}, cut "${before.cut}"`, checks: checksAfterCut, evidence, console, count });
    }
    if (cut === undefined)
      judge({ title: `${driver}, after the cuts`, checks: checksAtTheEnd, evidence, console, count });
    else before = { cut, known, run, disk: disk.cutPower() };
  }
}

/**
 * When to cut: what the machine tells, or for a vehicle that has just arrived, what the aggregator has stored.
 * @param {typeof cuts[number]} cut
 * @param {() => Promise<import('./centre.mjs').StoredEvent[]>} stored
 * @returns {import('./machine.mjs').MachineOptions['onRecord']}
 */
function cutting(cut, stored) {
  let reached = false;
  return (record, cutPower) => {
    if (record.what === 'failed' || record.what === 'cut') cutPower();
    if (record.what === 'scenario') reached = true;
    if (cut !== 'arrived' || !reached || record.what !== 'input') return;
    void until(
      'the arrival is stored',
      async () => (await stored()).some(({ kind }) => kind === 'vehicle-arrived'),
      seenTimeoutMs,
    ).finally(cutPower);
  };
}

/** @param {string} driver @param {import('./machine.mjs').Run} run */
function unfinished(driver, { records, timedOut, console }) {
  const why = timedOut ? 'the machine had to be killed' : String(only(records, 'failed')?.['why']);
  return `${driver}, power cuts: ${why}\nThe end of its console:\n${lastLines(console)}`;
}
