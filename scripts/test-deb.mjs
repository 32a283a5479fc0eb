/**
 * `npm run test:deb`: makes the Debian package of the edge agent and lives through it in a small Debian with systemd: installs it,
 * starts its service, kills it, hangs it, upgrades, removes and purges it. As root on Debian; installs what it needs through apt. The
 * last line is `N passed, N failed`.
 *
 * The small Debian stays in /var/tmp/gatehouse-deb (GATEHOUSE_DEB_CACHE), which may be deleted at any time.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkMachine } from './lib/deb/checks.mjs';
import { startMachine, ensureBase } from './lib/deb/machine.mjs';
import { checkByLintian, checkPackage } from './lib/deb/package-checks.mjs';
import { baseOf } from './lib/images/settings.mjs';
import { root, say, seconds } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const cache = process.env['GATEHOUSE_DEB_CACHE'] ?? '/var/tmp/gatehouse-deb';
const total = { passed: 0, failed: 0 };

const missing = await ensureSystemPackages(['debootstrap', 'systemd-container', 'dpkg-dev', 'binutils', 'lintian']);
if (missing.length > 0) {
  process.stdout.write(`not run: package — enable with, as root: ${installCommand(missing)}\n`);
} else if (process.getuid?.() !== 0) {
  process.stdout.write('not run: package — enable with: sudo npm run test:deb\n');
} else {
  await runAll();
}
process.stdout.write(`${String(total.passed)} passed, ${String(total.failed)} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

async function runAll() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-deb-'));
  try {
    const { suite } = baseOf(readFileSync(join(root, 'Dockerfile'), 'utf8'));
    const [file, base] = await Promise.all([checkPackage(folder, check), ensureBase(suite, cache)]);
    if (file === undefined) return;
    await Promise.all([checkByLintian(file, check), liveThrough(file, base)]);
  } catch (error) {
    total.failed += 1;
    say(`FAILED ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} file the package @param {string} base */
async function liveThrough(file, base) {
  const machine = await startMachine(base, cache);
  if (machine.lacksSystemd !== undefined) {
    process.stdout.write(`not run: the service under systemd, which cannot be booted here: ${machine.lacksSystemd}\n`);
  }
  try {
    await checkMachine(machine, file, check);
  } finally {
    await machine.stop();
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
