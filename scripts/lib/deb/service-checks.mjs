/** The service of the package under systemd. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from './machine.mjs';
import { witnessPath } from './service.mjs';

/** @typedef {import('../images/checks.mjs').Check} Check */
/** @typedef {import('./machine.mjs').Machine} Machine */
/** @typedef {ReturnType<typeof import('./service.mjs').createService>} Service */

const dropIn = '/etc/systemd/system/gatehouse-edge.service.d/witness.conf';
/** Says after the stop hook why it ran, and when: the hook has come to its end then. */
const witness = `[Service]\nExecStopPost=/bin/sh -c 'echo "$SERVICE_RESULT $(cut -d" " -f1 /proc/uptime)" >> ${witnessPath}'\n`;

/** @param {Machine} machine @param {Service} service @param {Check} check */
export async function checkRefusal(machine, service, check) {
  await check('with it the service fails, and is not started again', async () => {
    assert.notEqual((await machine.run(['systemctl', 'start', 'gatehouse-edge'])).code, 0);
    assert.equal(await service.property('ExecMainStatus'), '78');
    assert.equal(await service.property('ActiveState'), 'failed');
    assert.equal(await service.property('NRestarts'), '0');
  });
}

/**
 * @typedef {object} Around
 * @property {Service} service
 * @property {() => Promise<string>} install installs the package, and answers what that said
 * @property {(configuration: unknown) => void} configure
 * @property {object} configuration the one that it runs with
 *
 * @param {Machine} machine
 * @param {Around} around
 * @param {Check} check
 */
export async function checkService(machine, { service, install, configure, configuration }, check) {
  const { must, outputOf } = service;
  const path = join(machine.root, dropIn);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, witness);
  await must(['systemctl', 'daemon-reload']);
  await check('it starts, says so to systemd, and opens no more than it may', async () => {
    const startMs = Date.now();
    await must(['systemctl', 'start', 'gatehouse-edge']);
    const startedMs = Date.now() - startMs;
    const pid = await service.mainPid();
    await eventually('it says what it runs', async () =>
      /^runs 1 gate, link down/.test(await service.property('StatusText')) ? true : undefined,
    );
    const status = await outputOf(['cat', `/proc/${pid}/status`]);
    const uid = await outputOf(['id', '-u', 'gatehouse']);
    assert.match(status, new RegExp(`^Uid:\\s+${uid}\\s`, 'm'));
    assert.match(status, /^NoNewPrivs:\s+1$/m);
    assert.match(status, /^CapBnd:\s+0+$/m);
    assert.match(status, /^Seccomp:\s+2$/m);
    assert.doesNotMatch(await service.log(), /systemd-notify|cannot be told/);
    assert.deepEqual(await service.health(), { status: 200, says: 'ok' });
    const resident = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
    return `ready after ${String(startedMs)} ms, ${(Number(resident) / 1024).toFixed(0)} MB resident`;
  });
  await check('killed, its stop hook runs, and it is back', async () => service.backAfter('KILL', 'signal'));
  await check('hung, the watchdog ends it, its stop hook runs, and it is back', async () =>
    service.backAfter('STOP', 'watchdog'),
  );
  await check('it goes on through an upgrade, which starts it anew', async () => {
    const pid = await service.mainPid();
    await install();
    assert.notEqual(await service.mainPid(), pid);
    assert.equal(await service.property('ActiveState'), 'active');
  });
  await check('an upgrade that would refuse the configuration leaves the gates to the version that runs', async () => {
    const pid = await service.mainPid();
    configure({ ...configuration, gates: 'none' });
    const said = await install();
    assert.match(said, /the former one goes on running/);
    assert.equal(await service.mainPid(), pid);
    configure(configuration);
  });
  await check('stopped, it ends well, and its stop hook runs', async () => {
    await must(['systemctl', 'stop', 'gatehouse-edge']);
    assert.equal(await service.property('Result'), 'success');
    assert.match(service.witnessed().at(-1) ?? '', /^success /);
    await must(['systemctl', 'start', 'gatehouse-edge']);
  });
  await check('removed while it runs, it is stopped first', async () => {
    await must(['dpkg', '--remove', 'gatehouse-edge']);
    assert.match(service.witnessed().at(-1) ?? '', /^success /);
    assert.equal(await service.property('LoadState'), 'not-found');
  });
  rmSync(dirname(path), { recursive: true });
  await must(['systemctl', 'daemon-reload']);
}
