/** Tells of each check whether it holds. */
import { lastLines } from '../images/command.mjs';
import { say } from '../project.mjs';

/** @typedef {(line: string, passed: boolean) => void} Count */

/** @template Evidence
 * @param {object} options
 * @param {string} options.title
 * @param {readonly { name: string, holds: (evidence: Evidence) => string | undefined }[]} options.checks
 * @param {Evidence} options.evidence
 * @param {string} options.console what to show of the machine when one fails
 * @param {Count} options.count
 */
export function judge({ title, checks, evidence, console, count }) {
  let failed = false;
  for (const { name, holds } of checks) {
    try {
      const detail = holds(evidence) ?? '';
      count(`ok     ${title}: ${name}${detail === '' ? '' : ` (${detail})`}`, true);
    } catch (error) {
      failed = true;
      count(`FAILED ${title}: ${name}\n${error instanceof Error ? error.message : String(error)}`, false);
    }
  }
  if (failed) say(`The end of the machine's console:\n${lastLines(console)}`);
}
