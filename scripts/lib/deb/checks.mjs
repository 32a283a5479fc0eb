/** The package in a machine: each check throws when it fails. They go on one from another. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from './machine.mjs';
import { createService } from './service.mjs';

/** @typedef {import('../images/checks.mjs').Check} Check */
/** @typedef {import('./machine.mjs').Machine} Machine */

const packageFile = '/root/gatehouse-edge.deb';
const configurationFile = '/etc/gatehouse/edge.yaml';
const state = '/var/lib/gatehouse-edge';

const configuration = {
  siteId: 'north',
  edgeId: 'north-1',
  dataDir: state,
  gates: [{ gateId: 'entry-1', direction: 'entry', hasReader: true, barrier: { driver: 'simulated' } }],
  broker: { url: 'mqtt://127.0.0.1:9' },
};
const credential = {
  siteId: 'north',
  edgeId: 'north-1',
  username: 'north-1',
  password: 'x',
  mqttUrl: 'mqtt://127.0.0.1:9',
};
/** Says after the stop hook why it ran, and when: the hook has come to its end then. */
const witness = `[Service]\nExecStopPost=/bin/sh -c 'echo "$SERVICE_RESULT $(cut -d" " -f1 /proc/uptime)" >> ${state}/witness'\n`;

/** @param {Machine} machine @param {string} file the package @param {Check} check */
export async function checkMachine(machine, file, check) {
  const service = createService(machine, `${state}/witness`);
  const { must, outputOf } = service;
  const write = (/** @type {string} */ path, /** @type {string} */ text) => {
    mkdirSync(dirname(join(machine.root, path)), { recursive: true });
    writeFileSync(join(machine.root, path), text);
  };
  const read = (/** @type {string} */ path) => readFileSync(join(machine.root, path), 'utf8');
  const install = () => must(['dpkg', '--install', packageFile]);
  copyFileSync(file, join(machine.root, packageFile));
  const before = await service.files();

  await check('it installs without a question, and starts nothing', async () => {
    await install();
    assert.equal(await outputOf(['systemctl', 'is-enabled', 'gatehouse-edge']), 'enabled');
    assert.equal(await service.property('ActiveState'), 'inactive');
  });
  await check('its user has the groups of lines and serial ports, and nobody else reads its files', async () => {
    assert.match(await outputOf(['id', 'gatehouse']), /\(gpio\).*\(dialout\)|\(dialout\).*\(gpio\)/);
    const modes = await outputOf(['stat', '-c', '%a %U %G', configurationFile, '/etc/gatehouse', state]);
    assert.deepEqual(modes.split('\n'), ['640 root gatehouse', '750 root gatehouse', '750 gatehouse gatehouse']);
  });
  await check('it tells its version by its own Node.js', async () => {
    assert.match(await outputOf(['gatehouse-edge', '--version']), /^\d+[.]\d+[.]\d+$/);
    return outputOf(['/usr/lib/gatehouse-edge/bin/node', '--version']);
  });
  await check('its native modules load', async () => {
    const load = ['sqlite3', 'koffi', 'epoll', 'onoff'].map((name) => `await import('${name}');`).join(' ');
    const script = ['/usr/lib/gatehouse-edge/bin/node', '--input-type=module', '--eval', load];
    await must(['env', '--chdir=/usr/lib/gatehouse-edge', ...script]);
  });
  await check(
    'it refuses the configuration that comes with it, naming what is missing, and is not started again',
    async () => {
      const { code, output } = await machine.run(['gatehouse-edge', '--check']);
      assert.equal(code, 78, output);
      for (const key of ['siteId', 'edgeId', 'gates']) assert.match(output, new RegExp(`^\\W*${key}: `, 'm'));
      assert.notEqual((await machine.run(['systemctl', 'start', 'gatehouse-edge'])).code, 0);
      assert.equal(await service.property('ExecMainStatus'), '78');
      assert.equal(await service.property('ActiveState'), 'failed');
      assert.equal(await service.property('NRestarts'), '0');
      return output.trim().split('\n').join('; ');
    },
  );

  write(configurationFile, JSON.stringify(configuration));
  write('/etc/systemd/system/gatehouse-edge.service.d/witness.conf', witness);
  await must(['systemctl', 'daemon-reload']);
  await check('systemd finds nothing wrong with the service where it is installed', async () => {
    const { code, output } = await machine.run(['systemd-analyze', 'verify', '--man=no', 'gatehouse-edge.service']);
    assert.deepEqual({ code, output }, { code: 0, output: '' });
  });
  await check('doctor runs as the user of the service, and finds what there is to find', async () => {
    write(`${state}/credential.json`, JSON.stringify(credential));
    await must(['chown', 'gatehouse:gatehouse', `${state}/credential.json`]);
    await must(['chmod', '600', `${state}/credential.json`]);
    const { code, output } = await machine.run(['gatehouse-edge', 'doctor', '--json']);
    const { findings } = /** @type {{ findings: { check: string, verdict: string, says: string }[] }} */ (
      JSON.parse(output)
    );
    const failed = findings.filter(({ verdict }) => verdict === 'fail').map((finding) => finding.check);
    // There is no network in this machine.
    assert.deepEqual({ code, failed }, { code: 1, failed: ['broker'] }, output);
    return `${String(findings.length)} findings`;
  });
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
  await check('it goes on through an upgrade, with its configuration and its outbox', async () => {
    const pid = await service.mainPid();
    await install();
    assert.notEqual(await service.mainPid(), pid);
    assert.equal(await service.property('ActiveState'), 'active');
    assert.deepEqual(JSON.parse(read(configurationFile)), configuration);
    assert.match((await machine.run(['gatehouse-edge', 'outbox'])).output, /hash chain\s+whole/);
  });
  await check('an upgrade that would refuse the configuration leaves the gates to the version that runs', async () => {
    const pid = await service.mainPid();
    write(configurationFile, JSON.stringify({ ...configuration, gates: 'none' }));
    const said = await install();
    assert.match(said, /the former one goes on running/);
    assert.equal(await service.mainPid(), pid);
    write(configurationFile, JSON.stringify(configuration));
  });
  await check('stopped, it ends well, and its stop hook runs', async () => {
    await must(['systemctl', 'stop', 'gatehouse-edge']);
    assert.equal(await service.property('Result'), 'success');
    assert.match(service.witnessed().at(-1) ?? '', /^success /);
    await must(['systemctl', 'start', 'gatehouse-edge']);
  });
  await check('removed, it stops, and leaves configuration, credential and outbox', async () => {
    await must(['dpkg', '--remove', 'gatehouse-edge']);
    assert.equal(
      await outputOf(['systemctl', 'show', '--property=LoadState', '--value', 'gatehouse-edge']),
      'not-found',
    );
    assert.ok(!existsSync(join(machine.root, '/usr/lib/gatehouse-edge')));
    for (const path of [configurationFile, `${state}/credential.json`, `${state}/outbox.sqlite`]) {
      assert.ok(existsSync(join(machine.root, path)), path);
    }
  });
  await check('purged, it leaves nothing', async () => {
    await must(['rm', '-r', '/etc/systemd/system/gatehouse-edge.service.d']);
    await must(['dpkg', '--purge', 'gatehouse-edge']);
    const known = new Set(before);
    assert.deepEqual(
      (await service.files()).filter((path) => !known.has(path)),
      [],
    );
    assert.notEqual((await machine.run(['id', 'gatehouse'])).code, 0);
  });
}
