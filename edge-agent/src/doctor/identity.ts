/** The credential: is it there, private, and of this edge? */
import { edgeCredentialSchema } from '../enrolment.js';
import type { EdgeCredential } from '../enrolment.js';
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

/** A file as it stands; `problem` is the code of the error when it cannot be read. */
export type FileSeen = { readonly text: string; readonly mode: number } | { readonly problem: string };

export interface IdentityChecked {
  readonly finding: Finding;
  /** There when the agent could use it. */
  readonly credential: EdgeCredential | undefined;
}

export function checkCredential(
  path: string,
  seen: FileSeen,
  edge: { readonly siteId: string; readonly edgeId: string },
): IdentityChecked {
  const { pass, warn, fail } = findingsOf('credential');
  const enrol = 'enrol this edge: "edge enroll CODE --url URL"';
  const bad = (says: string, remedy: string): IdentityChecked => ({
    finding: fail(says, remedy),
    credential: undefined,
  });
  if ('problem' in seen) {
    return seen.problem === 'ENOENT'
      ? bad(`${path} is not there`, enrol)
      : bad(`${path} cannot be read (${seen.problem})`, 'run this as the user that runs the agent');
  }
  const parsed = edgeCredentialSchema.safeParse(jsonOf(seen.text));
  if (!parsed.success) return bad(`${path} is no credential`, `${enrol}, with a new code`);
  const { siteId, edgeId } = parsed.data;
  if (siteId !== edge.siteId || edgeId !== edge.edgeId) {
    return bad(
      `is for edge ${edgeId} of site ${siteId}; the configuration says ${edge.edgeId} of ${edge.siteId}`,
      'set siteId and edgeId as the credential says, or enrol again',
    );
  }
  const mode = (seen.mode & 0o777).toString(8).padStart(4, '0');
  const finding =
    (seen.mode & 0o077) === 0
      ? pass(`of edge ${edgeId} of site ${siteId}, mode ${mode}`)
      : warn(`mode ${mode}: others can read it`, `chmod 600 ${path}, and rotate the key if others use this machine`);
  return { finding, credential: parsed.data };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
