/** The package as a file. */
import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ended } from '../images/command.mjs';
import { root } from '../project.mjs';

/** @typedef {import('../images/checks.mjs').Check} Check */

const maxMegabytes = 35;
const notForPrograms =
  /([.][cm]?ts|[.]map|[.]tsbuildinfo|[.]test[.]js|package-lock[.]json|[.]npmrc|[/]src[/].*[.]cc?)$/;

/** Makes it in a folder; answers its path, or nothing when that failed. @param {string} folder @param {Check} check */
export async function checkPackage(folder, check) {
  await check('the package is made by its script', () =>
    ended([process.execPath, join(root, 'scripts/package-deb.mjs'), '--out', folder], { timeoutMs: 600_000 }),
  );
  const name = readdirSync(folder).find((one) => one.endsWith('.deb'));
  if (name === undefined) return undefined;
  const file = join(folder, name);
  await check(`it has at most ${String(maxMegabytes)} MB`, async () => {
    const megabytes = statSync(file).size / 1e6;
    assert(megabytes <= maxMegabytes, `it has ${megabytes.toFixed(1)} MB`);
    return `${megabytes.toFixed(1)} MB`;
  });
  await check('nothing of a developer is in it, and nobody but root owns it', async () => {
    const lines = (await ended(['dpkg-deb', '--contents', file])).split('\n');
    assert.deepEqual(
      lines.filter((line) => notForPrograms.test(line)),
      [],
    );
    assert.deepEqual(
      lines.filter((line) => !line.includes(' root/root ')),
      [],
    );
    return `${String(lines.length)} files and folders`;
  });
  return file;
}

/** @param {string} file @param {Check} check */
export async function checkByLintian(file, check) {
  await check('lintian finds neither error nor warning', async () => {
    await ended(['lintian', '--allow-root', '--fail-on', 'error,warning', file]);
  });
}
