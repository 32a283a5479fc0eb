/** The package in a machine: each check throws when it fails. They go on one from another. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkRefusal, checkService } from './service-checks.mjs';
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

/** Runs it until it says that it has started, a minute at most, then ends it. */
const untilStarted = `
gatehouse-edge --json > /tmp/started & program=$!
for try in $(seq 300); do grep -q '"event":"started"' /tmp/started && break; sleep 0.2; done
kill -TERM $program
wait $program && cat /tmp/started`;

/** @param {Machine} machine @param {string} file the package @param {Check} check */
export async function checkMachine(machine, file, check) {
  const service = createService(machine);
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
    if (machine.lacksSystemd === undefined) assert.equal(await service.property('ActiveState'), 'inactive');
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
  await check('it refuses the configuration that comes with it, naming what is missing', async () => {
    const { code, output } = await machine.run(['gatehouse-edge', '--check']);
    assert.equal(code, 78, output);
    for (const key of ['siteId', 'edgeId', 'gates']) assert.match(output, new RegExp(`^\\W*${key}: `, 'm'));
    return output.trim().split('\n').join('; ');
  });

  if (machine.lacksSystemd === undefined) await checkRefusal(machine, service, check);
  const configure = (/** @type {unknown} */ wanted) => {
    write(configurationFile, JSON.stringify(wanted));
  };
  configure(configuration);
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
  await check('started by hand it runs as that user, and ends when it is told to', async () => {
    const started = await must(['sh', '-c', untilStarted]);
    const line = started.split('\n').find((one) => one.includes('"event":"started"')) ?? '{}';
    assert.equal(JSON.parse(line).edgeId, 'north-1', started);
    assert.equal(await outputOf(['stat', '-c', '%U', `${state}/outbox.sqlite`]), 'gatehouse');
  });
  if (machine.lacksSystemd === undefined)
    await checkService(machine, { service, install, configure, configuration }, check);
  await check('installed again it keeps its configuration and its outbox', async () => {
    await install();
    assert.deepEqual(JSON.parse(read(configurationFile)), configuration);
    assert.match((await machine.run(['gatehouse-edge', 'outbox'])).output, /hash chain\s+whole/);
  });
  await check('removed, it leaves configuration, credential and outbox', async () => {
    await must(['dpkg', '--remove', 'gatehouse-edge']);
    assert.ok(!existsSync(join(machine.root, '/usr/lib/gatehouse-edge')));
    for (const path of [configurationFile, `${state}/credential.json`, `${state}/outbox.sqlite`]) {
      assert.ok(existsSync(join(machine.root, path)), path);
    }
  });
  await check('purged, it leaves nothing', async () => {
    await must(['dpkg', '--purge', 'gatehouse-edge']);
    const known = new Set(before);
    assert.deepEqual(
      (await service.files()).filter((path) => !known.has(path)),
      [],
    );
    assert.notEqual((await machine.run(['id', 'gatehouse'])).code, 0);
  });
}
