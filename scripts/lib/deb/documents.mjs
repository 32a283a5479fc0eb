/** What a Debian package says of itself: whose it is and under which licence, and what changed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../project.mjs';
import { maintainer, versionOf } from './control.mjs';

/** Remarks of lintian that this package gives cause for, each with its reason. */
export const lintianOverrides = `# Node.js as its makers build it.
gatehouse-edge: hardening-no-pie *
# It links its libraries statically, and Debian's own is too old.
gatehouse-edge: embedded-library *
# Programs of npm packages that nobody starts here; ours is started by its Node.js.
gatehouse-edge: script-not-executable *
# The licence of Node.js, word for word.
gatehouse-edge: copyright-file-contains-full-apache-2-license
gatehouse-edge: old-fsf-address-in-copyright-file
# It may hold secret addresses of cameras.
gatehouse-edge: non-standard-file-perm * [etc/gatehouse/edge.yaml]
# Who gives the package to others sets DEBFULLNAME and DEBEMAIL when it is built.
gatehouse-edge: bogus-mail-host *
gatehouse-edge: bogus-mail-host-in-debian-changelog *
`;

/** @param {string} home folder of the program in the package @param {import('./node.mjs').PackagedNode} node */
export async function copyrightOf(home, node) {
  const licence = readFileSync(join(root, 'LICENSE'), 'utf8');
  const holder = /^Copyright .*$/m.exec(licence)?.[0].replace(/^Copyright (\(c\) )?/, '') ?? 'the authors of Gatehouse';
  return [
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/',
    'Upstream-Name: Gatehouse',
    '',
    'Files: *',
    `Copyright: ${holder}`,
    'License: Expat',
    '',
    'Files: usr/lib/gatehouse-edge/bin/node',
    'Copyright: Node.js contributors, and those that its licence names',
    'License: Node.js',
    '',
    'Files: usr/lib/gatehouse-edge/node_modules/*',
    'Copyright: the authors of these packages, as their own files say',
    'License: npm-packages',
    '',
    'License: Expat',
    indented(licence),
    '',
    'License: Node.js',
    indented(readFileSync(node.licence, 'utf8')),
    '',
    'License: npm-packages',
    indented(`Each package has its licence in its own folder:\n\n${packagesOf(join(home, 'node_modules')).join('\n')}`),
    '',
  ].join('\n');
}

/** @param {number} atSeconds */
export function changelogOf(atSeconds) {
  const date = new Date(atSeconds * 1000).toUTCString().replace('GMT', '+0000');
  return `gatehouse-edge (${versionOf()}) stable; urgency=medium\n\n  * See the project's own history.\n\n -- ${maintainer}  ${date}\n`;
}

/** @param {string} modules @returns {string[]} name, version and licence of each package */
function packagesOf(modules) {
  return readdirSync(modules, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const folder = join(modules, name);
      if (name.startsWith('@')) return packagesOf(folder);
      const file = join(folder, 'package.json');
      if (!existsSync(file)) return [];
      const manifest = /** @type {{ name: string, version: string, license?: string }} */ (
        JSON.parse(readFileSync(file, 'utf8'))
      );
      const nested = join(folder, 'node_modules');
      const own = `${manifest.name} ${manifest.version}: ${manifest.license ?? 'see its folder'}`;
      return [own, ...(existsSync(nested) ? packagesOf(nested) : [])];
    })
    .sort();
}

/** As a field of many lines. @param {string} text */
function indented(text) {
  return text
    .trim()
    .split('\n')
    .map((line) => (line.trim() === '' ? ' .' : ` ${line.trimEnd()}`))
    .join('\n');
}
