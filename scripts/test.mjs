/**
 * `npm test`: installs what the tests need, then runs everything that can run here, in this order: checks, unit, integration, e2e.
 *
 * What cannot run is named `not run: PART — enable with: COMMAND`. The last line is `N passed, N failed`, checks included.
 * Ends non-zero when anything failed, when nothing ran, or, under `--strict` or `CI=true`, when anything was not run.
 */
import { runChecks } from './lib/checks.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { runJest, testFiles, testKinds, unrunnable } from './lib/jest.mjs';
import { say, seconds } from './lib/project.mjs';
import { ensureSystemPackages, installCommand } from './lib/system-packages.mjs';

const strict = process.argv.includes('--strict') || process.env['CI'] === 'true';
const total = { passed: 0, failed: 0 };
/** @type {string[]} */
const notRun = [];

await ensureInstalled();
await ensureSystemPackages([...new Set(testKinds.flatMap(testFiles).flatMap(({ needs }) => needs))]);

await step('check', runChecks);
for (const kind of testKinds) {
  for (const { file, missing } of unrunnable(kind)) {
    notRun.push(`not run: ${file} — enable with: ${installCommand(missing)}`);
  }
  await step(kind, () => runJest(kind, ['--passWithNoTests']));
}

for (const line of notRun) process.stdout.write(`${line}\n`);
process.stdout.write(`${String(total.passed)} passed, ${String(total.failed)} failed\n`);
process.exitCode = total.failed > 0 || total.passed === 0 || (strict && notRun.length > 0) ? 1 : 0;

/** Runs one step, adds its count and says how it went.
 * @param {string} name
 * @param {() => Promise<{ passed: number, failed: number }>} action
 */
async function step(name, action) {
  say(`\n── ${name}`);
  const startMs = Date.now();
  const { passed, failed } = await action();
  total.passed += passed;
  total.failed += failed;
  say(`── ${name}: ${String(passed)} passed, ${String(failed)} failed, ${seconds(Date.now() - startMs)}`);
}
