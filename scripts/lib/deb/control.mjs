/** The control files of the Debian package. */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { ended } from '../images/command.mjs';
import { root } from '../project.mjs';
import { filesBelow, isBinary } from './contents.mjs';

/** As Debian's own tools are told it. */
export const maintainer = `${process.env['DEBFULLNAME'] ?? 'Gatehouse'} <${process.env['DEBEMAIL'] ?? 'gatehouse@localhost'}>`;

const description = `edge agent of Gatehouse, beside the barriers of a car park
 Runs the lanes of one cabinet on GPIO lines: decides alone when the network is
 away, keeps every event until the aggregator has it, and brings its outputs to
 their safe level when it ends, however that happens.
 .
 The package brings its own Node.js. It is not a safety device.`;

/** Of the package, as Debian compares versions. */
export function versionOf() {
  const { version } = /** @type {{ version: string }} */ (
    JSON.parse(readFileSync(join(root, 'edge-agent/package.json'), 'utf8'))
  );
  return version.replace('-', '~');
}

/** @param {string} target @returns {Promise<{ architecture: string, installedBytes: number }>} */
export async function putControl(target) {
  const folder = join(target, 'DEBIAN');
  const files = [...filesBelow(target)].sort();
  const architecture = await ended(['dpkg', '--print-architecture']);
  const installedBytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
  const fields = [
    ['Package', 'gatehouse-edge'],
    ['Version', versionOf()],
    ['Architecture', architecture],
    ['Maintainer', maintainer],
    ['Installed-Size', String(Math.ceil(installedBytes / 1024))],
    ['Pre-Depends', 'init-system-helpers (>= 1.54~)'],
    ['Depends', `${await librariesOf(files.filter(isBinary))}, systemd, passwd, util-linux (>= 2.33)`],
    ['Recommends', 'udev, ca-certificates'],
    ['Suggests', 'gpiod'],
    ['Section', 'net'],
    ['Priority', 'optional'],
    ['Description', description],
  ];
  mkdirSync(folder, { mode: 0o755 });
  const write = (/** @type {string} */ name, /** @type {string} */ text) => {
    writeFileSync(join(folder, name), text);
    chmodSync(join(folder, name), 0o644);
  };
  write('control', `${fields.map(([name, value]) => `${String(name)}: ${String(value)}`).join('\n')}\n`);
  write('conffiles', '/etc/gatehouse/edge.yaml\n');
  write(
    'md5sums',
    files
      .filter((path) => !path.includes('/etc/'))
      .map((path) => sumLine(path, target))
      .join(''),
  );
  for (const script of ['postinst', 'prerm', 'postrm']) {
    copyFileSync(join(root, 'edge-agent/systemd/maintainer', script), join(folder, script));
    chmodSync(join(folder, script), 0o755);
  }
  return { architecture, installedBytes };
}

/** The packages of this Debian whose libraries the binaries load. @param {readonly string[]} binaries */
async function librariesOf(binaries) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-shlibs-'));
  try {
    mkdirSync(join(folder, 'debian'));
    writeFileSync(
      join(folder, 'debian/control'),
      'Source: gatehouse-edge\n\nPackage: gatehouse-edge\nArchitecture: any\n',
    );
    const answer = await ended(['dpkg-shlibdeps', '-O', '--warnings=0', ...binaries.map((path) => `-e${path}`)], {
      directory: folder,
    });
    return answer.replace(/^.*shlibs:Depends=/s, '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} path @param {string} target */
function sumLine(path, target) {
  return `${createHash('md5').update(readFileSync(path)).digest('hex')}  ${relative(target, path)}\n`;
}
