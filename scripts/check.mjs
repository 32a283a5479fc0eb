/** `npm run check`: types, lint, format, dependency rules, unused code. */
import { runChecks } from './lib/checks.mjs';
import { ensureInstalled } from './lib/install.mjs';
import { say } from './lib/project.mjs';

await ensureInstalled();
const { passed, failed } = await runChecks();
say(`${String(passed)} passed, ${String(failed)} failed`);
process.exitCode = failed === 0 ? 0 : 1;
