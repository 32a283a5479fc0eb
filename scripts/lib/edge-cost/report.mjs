/** What was measured, as a person reads it. */
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';

/**
 * @typedef {import('./measure.mjs').VehicleCost} VehicleCost
 * @typedef {import('./measure.mjs').IdleCost} IdleCost
 *
 * @typedef {object} Measured
 * @property {string} machine
 * @property {number} vehicles
 * @property {number} repetitions
 * @property {number} idleSeconds
 * @property {number} factor
 * @property {readonly VehicleCost[]} traffic one a repetition
 * @property {readonly { readonly agent: IdleCost, readonly bare: IdleCost }[]} idle one a repetition
 */

export function machineShape() {
  const [cpu] = cpus();
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown';
  const cores = `${String(cpus().length)} × ${cpu?.model.trim() ?? 'unknown'}`;
  return `${cores}, ${gibibytes} GiB; ${system}, Linux ${release()}; Node.js ${process.versions.node}`;
}

/** Markdown. @param {Measured} measured */
export function report({ machine, vehicles, repetitions, idleSeconds, factor, traffic, idle }) {
  /** @param {string} what @param {keyof VehicleCost} key @param {(value: number) => string} shown */
  const vehicleRow = (what, key, shown) =>
    `| ${what} | ${spread(
      traffic.map((one) => one[key]),
      shown,
    )} |`;
  /** @param {string} what @param {keyof IdleCost} key @param {(value: number) => string} shown */
  const idleRow = (what, key, shown) => {
    /** @param {'agent' | 'bare'} which */
    const of = (which) =>
      spread(
        idle.map((one) => one[which][key]),
        shown,
      );
    return `| ${what} | ${of('agent')} | ${of('bare')} |`;
  };
  return [
    `Measured with \`npm run measure:edge -- --vehicles ${String(vehicles)} --repetitions ${String(repetitions)} --idle-seconds ${String(idleSeconds)}\` on ${machine}. Median of ${String(repetitions)} repetitions, smallest and largest in brackets.`,
    '',
    `One vehicle through an entry that the aggregator opens (${String(vehicles)} a repetition, lanes ${String(factor)} times as fast as real ones):`,
    '',
    '| each vehicle | |',
    '| --- | --- |',
    vehicleRow('events', 'events', decimal(2)),
    vehicleRow('commits', 'commits', decimal(2)),
    vehicleRow('syncs (`fdatasync`, `fsync`)', 'syncs', decimal(2)),
    vehicleRow('bytes written to the outbox’s files', 'writtenBytes', kilobytes),
    vehicleRow('bytes that storage has to take, in whole pages', 'dirtyBytes', kilobytes),
    vehicleRow('bytes of events that the outbox keeps', 'keptBytes', decimal(0)),
    '',
    `Nobody comes (${String(idleSeconds)} s a repetition, one gate, connected):`,
    '',
    '| | edge agent | bare Node.js with sqlite3 and mqtt |',
    '| --- | --- | --- |',
    idleRow('share of one core', 'cpuPercent', (value) => `${value.toFixed(3)} %`),
    idleRow('resident memory', 'residentBytes', (value) => `${(value / 1e6).toFixed(0)} MB`),
    idleRow('wake-ups a second', 'wakeUpsPerSecond', decimal(1)),
    idleRow('bytes that storage has to take, an hour', 'dirtyBytesPerHour', kilobytes),
  ].join('\n');
}

/** @param {readonly number[]} values @param {(value: number) => string} shown */
function spread(values, shown) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? NaN;
  return `${shown(middle)} (${shown(sorted[0] ?? NaN)} … ${shown(sorted.at(-1) ?? NaN)})`;
}

/** @param {number} digits */
function decimal(digits) {
  return (/** @type {number} */ value) => value.toFixed(digits);
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return bytes < 100 ? `${bytes.toFixed(0)} B` : `${(bytes / 1e3).toFixed(1)} kB`;
}
