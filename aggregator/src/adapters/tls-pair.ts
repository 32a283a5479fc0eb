/** The certificate and key of a listener. */
import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { messageOf } from './error-message.js';

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

/** When the first certificate of a PEM file, the one that a listener shows as its own, expires. Throws for what is none. */
export function certificateExpiryMs(pem: Buffer): number {
  return Date.parse(new X509Certificate(pem).validTo);
}
