/** One machine, one driver: whole scenarios at three lanes, the installer's tools, then agents that are wired wrongly. */
import { say, seconds } from '../project.mjs';
import { driverChecks } from './checks-driver.mjs';
import { laneChecks } from './checks-lanes.mjs';
import { toolChecks } from './checks-tools.mjs';
import { judge } from './judge.mjs';
import { runMachine } from './machine.mjs';

const timeoutMs = 15 * 60_000;

/**
 * @typedef {'onoff' | 'character-device'} Driver
 * @typedef {object} Setting
 * @property {Driver} driver
 * @property {Pick<import('./machine.mjs').MachineOptions, 'kernel' | 'initramfs' | 'ports'>} machine
 * @property {import('./centre.mjs').Centre} centre
 * @property {import('./judge.mjs').Count} count
 */

/** @param {Setting} setting */
export async function runLanes({ driver, machine, centre, count }) {
  const place = await centre.register(`lanes-${driver}`);
  const startMs = Date.now();
  const run = await runMachine({ ...machine, timeoutMs, guest: { plan: 'lanes', driver, ...place } });
  say(`${driver}: the machine ran for ${seconds(Date.now() - startMs)}`);
  judge({
    title: driver,
    checks: [...laneChecks, ...driverChecks(driver), ...toolChecks(driver)],
    evidence: { run, known: await centre.asked(place) },
    console: run.console,
    count,
  });
}
