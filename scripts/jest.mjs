/** `jest.mjs unit|integration|e2e [arguments of Jest]`: runs one kind of test. */
import { ensureInstalled } from './lib/install.mjs';
import { runJest, testKinds, unrunnable } from './lib/jest.mjs';
import { say } from './lib/project.mjs';
import { installCommand } from './lib/system-packages.mjs';

const [wanted, ...args] = process.argv.slice(2);
const kind = testKinds.find((name) => name === wanted);
if (kind === undefined) {
  say(`usage: node scripts/jest.mjs ${testKinds.join('|')} [arguments of Jest]`);
  process.exit(2);
}
await ensureInstalled();
for (const { file, missing } of unrunnable(kind)) say(`not run: ${file} — enable with: ${installCommand(missing)}`);
process.exitCode = (await runJest(kind, args)).code;
