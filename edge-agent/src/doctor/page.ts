/** The port of the agent's own page. */
import { findingsOf } from './finding.js';
import type { Finding } from './finding.js';

export async function checkPage(
  /** The code of the error when nobody can listen there now, else undefined. */
  listenProblem: () => Promise<string | undefined>,
  page: { readonly host: string; readonly port: number | null; readonly isOurs: boolean },
): Promise<Finding[]> {
  const { pass, fail } = findingsOf('page');
  const { host, port, isOurs } = page;
  if (port === null) return [];
  const where = `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`;
  if (isOurs) return [pass(`${where} is answered by the running agent`)];
  const problem = await listenProblem();
  if (problem === undefined) return [pass(`${where} is free`)];
  return [fail(`${where} cannot be listened on (${problem})`, listenRemedyOf(problem, 'http'))];
}

/** `key`: where host and port stand. */
export function listenRemedyOf(problem: string, key: string): string {
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: `another program listens there ("ss -ltnp"): set ${key}.port to another`,
    EADDRNOTAVAIL: `this machine has no such address: set ${key}.host to one it has`,
    EACCES: `ports below 1024 need a privilege: set ${key}.port above`,
  };
  return remedies[problem] ?? `look at ${key}.host and ${key}.port`;
}
