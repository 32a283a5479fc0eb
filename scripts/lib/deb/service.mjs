/** The service in a machine, as systemd tells of it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from './machine.mjs';

/** @typedef {import('./machine.mjs').Machine} Machine */

/** Fetches by the Node.js of the package. */
const ask = `fetch('http://127.0.0.1:8001/healthz', { signal: AbortSignal.timeout(5000) })
  .then(async (answer) => console.log(JSON.stringify({ status: answer.status, says: (await answer.json()).status })))`;

/** Where the stop hook leaves word. */
export const witnessPath = '/var/lib/gatehouse-edge/witness';

/** @param {Machine} machine */
export function createService(machine) {
  /** @param {readonly string[]} command @returns {Promise<string>} */
  const must = async (command) => {
    const { code, output } = await machine.run(command);
    assert.equal(code, 0, `${command.join(' ')} ended with ${String(code)}:\n${output}`);
    return output;
  };
  /** @param {readonly string[]} command */
  const outputOf = async (command) => (await must(command)).trim();
  /** @param {string} name */
  const property = (name) => outputOf(['systemctl', 'show', `--property=${name}`, '--value', 'gatehouse-edge']);
  const mainPid = () => property('MainPID');
  const witnessed = () => {
    const path = join(machine.root, witnessPath);
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  };
  const log = () => outputOf(['journalctl', '--no-pager', '--unit=gatehouse-edge']);
  /** How often safe-levels ran to its end; there is a simulated gate alone. */
  const hooksRun = async () => (await log()).split('no gate is on real lines').length - 1;
  return {
    must,
    outputOf,
    property,
    mainPid,
    /** What the stop hook left word of: why it ran, and when it had ended, in seconds of this machine. */
    witnessed,
    log,
    /** What its page says. @returns {Promise<{ status: number, says: string }>} */
    health: async () => JSON.parse(await outputOf(['/usr/lib/gatehouse-edge/bin/node', '--eval', ask])),
    /** Sends a signal to its process and waits until another one runs; answers how long the stop hook took to its end, and the new start.
     * @param {'KILL' | 'STOP'} signal
     * @param {string} result what systemd calls that
     */
    async backAfter(signal, result) {
      const pid = await mainPid();
      const count = witnessed().length;
      const hooks = await hooksRun();
      const startSeconds = uptimeSeconds();
      await must(['sh', '-c', `kill -${signal} ${pid}`]);
      const line = await eventually(`the stop hook has run after ${signal}`, async () => witnessed()[count]);
      const [why, endSeconds = ''] = line.split(' ');
      assert.equal(why, result);
      await eventually('the journal has the word of safe-levels', async () =>
        (await hooksRun()) > hooks ? true : undefined,
      );
      await eventually('it runs again', async () => {
        const now = await mainPid();
        return now !== '0' && now !== pid && (await property('ActiveState')) === 'active' ? true : undefined;
      });
      const hook = (Number(endSeconds) - startSeconds).toFixed(1);
      return `stop hook at its end after ${hook} s, running again after ${(uptimeSeconds() - startSeconds).toFixed(1)} s`;
    },
    /** What there is in the file system; what Debian itself writes into left out. */
    async files() {
      const left = [
        '/proc',
        '/sys',
        '/dev',
        '/run',
        '/tmp',
        '/root',
        '/var/lib/dpkg',
        '/var/log',
        '/var/cache',
        '/var/lib/systemd',
        '/var/tmp',
      ];
      const prune = left.flatMap((path) => ['-path', path, '-prune', '-o']);
      const listed = await outputOf(['find', '/', ...prune, '-print']);
      // Copies that the tools of users keep, and their lock.
      return listed
        .split('\n')
        .filter((path) => !/^[/]etc[/]([.]pwd[.]lock|(passwd|group|shadow|gshadow|subuid|subgid)-?)$/.test(path));
    },
  };
}

/** It has the kernel of this machine, and so its clock. */
function uptimeSeconds() {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}
