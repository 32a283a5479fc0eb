/**
 * Runs in the machine of `npm run test:gpio`: starts the edge agent on its real lines, moves the lines of the simulated chip as loops
 * and limits would, and tells on the console what it did and what the agent did. It judges nothing; the test outside does.
 */
import { readFileSync } from 'node:fs';
import { tell } from './console.mjs';
import { powerCut } from './plan-cut.mjs';
import { lanes } from './plan-lanes.mjs';

const plans = { lanes, powerCut };

try {
  tell('kernel', { release: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim() });
  const wanted = JSON.parse(Buffer.from(process.env['guest'] ?? '', 'base64url').toString('utf8'));
  await plans[/** @type {keyof typeof plans} */ (wanted.plan)](wanted);
  tell('finished');
} catch (error) {
  tell('failed', { why: error instanceof Error ? error.message : String(error) });
}
// An agent that did not stop must not keep the machine running.
process.exit();
