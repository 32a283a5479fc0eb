/** Programs outside npm that some tests need. */
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { run } from './process.mjs';
import { say } from './project.mjs';

/** Debian package → the program it brings, and what it is for. */
export const systemPackages = /** @type {const} */ ({
  mosquitto: { program: 'mosquitto', purpose: 'a second MQTT broker, for the external-broker link' },
  'mosquitto-clients': { program: 'mosquitto_sub', purpose: 'an MQTT client that is not ours' },
  prometheus: { program: 'promtool', purpose: 'checks the metrics page, the rules and the scrape configuration' },
  'prometheus-alertmanager': { program: 'amtool', purpose: 'checks how alerts are routed, and delivers them' },
  buildah: { program: 'buildah', purpose: 'builds and starts the images, for npm run test:images' },
  debootstrap: { program: 'debootstrap', purpose: 'makes the base of the images where none can be fetched' },
  'qemu-system-x86': {
    program: 'qemu-system-x86_64',
    purpose: 'runs a kernel with a GPIO chip, for npm run test:gpio',
  },
  'busybox-static': { program: 'busybox', purpose: 'the small programs of that machine' },
  cpio: { program: 'cpio', purpose: 'packs the file system of that machine' },
  e2fsprogs: { program: 'mkfs.ext4', purpose: 'makes the disk of that machine' },
  systemd: { program: 'systemd-analyze', purpose: 'checks the service of the edge agent' },
  'systemd-container': { program: 'systemd-nspawn', purpose: 'boots a small Debian, for npm run test:deb' },
  'dpkg-dev': { program: 'dpkg-shlibdeps', purpose: 'makes the Debian package of the edge agent' },
  binutils: { program: 'strip', purpose: 'makes its programs smaller' },
  lintian: { program: 'lintian', purpose: 'checks that package' },
  faketime: { program: 'faketime', purpose: 'starts a program with a wrong clock' },
  strace: { program: 'strace', purpose: 'counts what an edge agent writes, for npm run measure:edge' },
  chromium: { program: 'chromium', purpose: 'opens pages as a person would' },
});

/** @typedef {keyof typeof systemPackages} SystemPackage */

/** Whether a program can be started by its name. Debian keeps servers in sbin, which is not on everybody's path.
 * @param {string} program
 */
export function onPath(program) {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => isExecutable(join(folder, program)));
}

/** @param {readonly SystemPackage[]} names @returns {SystemPackage[]} those whose program is not here */
export function missingPackages(names) {
  return names.filter((name) => !onPath(systemPackages[name].program));
}

/** @param {readonly string[]} names the command that installs them on Debian */
export function installCommand(names) {
  return `apt-get install -y --no-install-recommends ${names.join(' ')}`;
}

/** Installs what is missing through apt when that is possible here (root on Debian), saying so; answers what is still missing.
 * @param {readonly SystemPackage[]} names
 * @returns {Promise<SystemPackage[]>}
 */
export async function ensureSystemPackages(names) {
  const missing = missingPackages(names);
  if (missing.length === 0 || !canInstall()) return missing;
  say(`Installing Debian packages that tests need: ${missing.join(' ')}`);
  await withoutStartingServices(async () => {
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
      const { code, output } = await run('apt-get', ['-q', ...args], {
        output: 'keep',
        environment: { DEBIAN_FRONTEND: 'noninteractive' },
      });
      if (code !== 0) say(`apt-get ${args[0] ?? ''} failed:\n${output.trimEnd()}`);
    }
  });
  return missingPackages(missing);
}

function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && onPath('apt-get');
}

/** Debian starts a server when it is installed; Mosquitto would take the port that `npm start` wants.
 * @param {() => Promise<void>} action
 */
async function withoutStartingServices(action) {
  const policy = '/usr/sbin/policy-rc.d';
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await action();
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
