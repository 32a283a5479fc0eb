/**
 * `npm run test:images`: builds the images of the Dockerfile with buildah, starts them as docker-compose.yml does, and sends a vehicle
 * through. As root on Debian; installs what it needs through apt. The last line is `N passed, N failed`.
 *
 * What it builds stays in /var/tmp/gatehouse-images (GATEHOUSE_IMAGES_CACHE), so that a second run takes less time; the folder may
 * be deleted at any time.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBase } from './lib/images/base.mjs';
import { limitImages, openBuildah } from './lib/images/buildah.mjs';
import { checkContents, checkRunning, programs } from './lib/images/checks.mjs';
import { ended } from './lib/images/command.mjs';
import { baseOf, npmrcOf } from './lib/images/settings.mjs';
import { root, say, seconds } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const cache = process.env['GATEHOUSE_IMAGES_CACHE'] ?? '/var/tmp/gatehouse-images';
const buildTimeoutMs = 20 * 60_000;
const maxImages = 200;
const total = { passed: 0, failed: 0 };

const missing = await ensureSystemPackages(['buildah', 'debootstrap']);
if (missing.length > 0) {
  process.stdout.write(`not run: images — enable with, as root: ${installCommand(missing)}\n`);
} else if (process.getuid?.() !== 0) {
  process.stdout.write('not run: images — enable with: sudo npm run test:images\n');
} else {
  await runAll();
}
process.stdout.write(`${String(total.passed)} passed, ${String(total.failed)} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runAll() {
  const imageOf = (/** @type {string} */ program) => `localhost/gatehouse/${program}:test`;
  try {
    const buildah = await openBuildah(cache);
    say(`buildah, chroot isolation, storage driver ${buildah.driver}, in ${cache}`);
    await limitImages(buildah, maxImages);
    await ensureBase(buildah, baseOf(readFileSync(join(root, 'Dockerfile'), 'utf8')), cache);
    const before = total.failed;
    for (const program of programs) await check(`${program}: builds`, () => build(buildah, program, imageOf(program)));
    if (total.failed > before) return;
    await checkContents(buildah, imageOf, check);
    await checkRunning(buildah, imageOf, check);
  } catch (error) {
    total.failed += 1;
    say(`FAILED ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}

/** @param {import('./lib/images/buildah.mjs').Buildah} buildah @param {string} program @param {string} image */
async function build(buildah, program, image) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-npmrc-'));
  try {
    const npmrc = join(folder, 'npmrc');
    writeFileSync(npmrc, await npmConfiguration(), { mode: 0o600 });
    const output = await buildah.run(
      [
        ...['bud', '--isolation', 'chroot', '--pull-never', '--format', 'docker', '--layers', '--quiet'],
        ...['--secret', `id=npmrc,src=${npmrc}`, '--build-arg', `REVISION=${await revision()}`],
        ...['--target', program, '--tag', image, '--file', join(root, 'Dockerfile'), root],
      ],
      buildTimeoutMs,
    );
    return output.split('\n').at(-1)?.slice(0, 12);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** This machine's configuration of npm, for the build only: it gets it as a secret, which stays out of the images. */
async function npmConfiguration() {
  const value = (/** @type {string} */ key) => ended(['npm', 'config', 'get', key, '--loglevel=error']);
  const files = [await value('globalconfig'), await value('userconfig')].map(textOf);
  const authorities = await value('cafile');
  const trusted = authorities === 'null' ? (process.env['NODE_EXTRA_CA_CERTS'] ?? '') : authorities;
  return npmrcOf(files, await value('registry'), trusted === '' ? '' : textOf(trusted));
}

/** @param {string} path */
function textOf(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return '';
    throw error;
  }
}

async function revision() {
  try {
    return await ended(['git', 'rev-parse', 'HEAD'], { directory: root });
  } catch {
    return 'unknown';
  }
}

/** @type {import('./lib/images/checks.mjs').Check} */
async function check(name, action) {
  const startMs = Date.now();
  try {
    const detail = (await action()) ?? '';
    total.passed += 1;
    say(`ok     ${name}${detail === '' ? '' : ` (${detail})`}, ${seconds(Date.now() - startMs)}`);
  } catch (error) {
    total.failed += 1;
    say(`FAILED ${name}, ${seconds(Date.now() - startMs)}\n${error instanceof Error ? error.message : String(error)}`);
  }
}
