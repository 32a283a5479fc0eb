/** The certificate and key of a listener. */
import { createSecureContext } from 'node:tls';
import { messageOf } from '@gatehouse/shared';

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Why the pair under the setting `path` cannot be used, naming the file's key; undefined if it can. */
export function tlsPairProblem({ cert, key }: TlsPair, path: string): string | undefined {
  for (const [name, part] of [
    ['certFile', { cert }],
    ['keyFile', { cert, key }],
  ] as const) {
    try {
      createSecureContext(part);
    } catch (error) {
      return `${path}.${name}: does not hold what it should, in PEM (${messageOf(error)})`;
    }
  }
  return undefined;
}
