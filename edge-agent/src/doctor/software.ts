/** What the agent runs on. */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

const leastNode = [20, 17] as const;

/**
 * @param version as Node.js says it: `v20.17.0`
 * @param system kernel and its release, for whoever reads the report elsewhere
 */
export function checkNodeVersion(version: string, system: string): Finding {
  const { pass, fail } = findingsOf('Node.js');
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [leastMajor, leastMinor] = leastNode;
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
    ? pass(`${version} on ${system}`)
    : fail(`${version} is too old`, `install ${String(leastMajor)}.${String(leastMinor)} or newer`);
}
