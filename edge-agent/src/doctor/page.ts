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
  const remedies: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there ("ss -ltnp"): set http.port to another',
    EADDRNOTAVAIL: 'this machine has no such address: set http.host to one it has',
    EACCES: 'ports below 1024 need a privilege: set http.port above',
  };
  return [fail(`${where} cannot be listened on (${problem})`, remedies[problem] ?? 'look at http.host and http.port')];
}
