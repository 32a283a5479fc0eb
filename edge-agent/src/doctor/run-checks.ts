/** Runs checks within a bound, so that a disk or a network that hangs becomes a finding. */
import { messageOf } from '@gatehouse/shared/edge';
import type { Clock } from '@gatehouse/shared/edge';
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export interface Check {
  readonly name: string;
  readonly run: () => Promise<readonly Finding[]>;
}

/** All at once; findings come in the order of the checks. A check that throws or takes longer than `boundMs` has failed. */
export async function runChecks(checks: readonly Check[], boundMs: number, clock: Clock): Promise<Finding[]> {
  const findings = await Promise.all(checks.map((check) => bounded(check, boundMs, clock)));
  return findings.flat();
}

async function bounded({ name, run }: Check, boundMs: number, clock: Clock): Promise<readonly Finding[]> {
  const { fail } = findingsOf(name);
  let cancel = (): void => undefined;
  const tooLate = new Promise<Finding[]>((resolve) => {
    cancel = clock.setTimer(boundMs, () => {
      resolve([fail(`no answer within ${String(boundMs)} ms`, 'something hangs here: see "dmesg" and "top"')]);
    });
  });
  try {
    return await Promise.race([run(), tooLate]);
  } catch (error) {
    return [fail(`cannot be checked: ${messageOf(error)}`)];
  } finally {
    cancel();
  }
}
