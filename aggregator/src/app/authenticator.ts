/** Who may connect to the broker: edges by their secret, people and signs by their key. */
import type { Sha256 } from '@gatehouse/shared';
import type { Directory } from './directory.js';
import type { Authenticator, BrokerIdentity, KeyRow } from './ports.js';

/** Longer names and passwords are refused unread. */
const maxChars = 256;

/**
 * An edge's user name is its edge id and its password the secret it was enrolled with; a key's user name is its key id and its
 * password the key. Both are 256 random bits, so that a plain SHA-256 is a safe stored form.
 */
export function createAuthenticator(directory: Directory, sha256: Sha256): Authenticator {
  return {
    authenticate(username, password) {
      if (username.length > maxChars || password.length > maxChars || password === '') return null;
      const digest = sha256(password);
      return edgeIdentity(directory, username, digest) ?? keyIdentity(directory, username, digest);
    },
  };
}

function edgeIdentity(directory: Directory, edgeId: string, digest: string): BrokerIdentity | null {
  const edge = directory.edge(edgeId);
  if (edge?.revokedAtMs !== null || edge.secretHash === null) return null;
  return equalDigests(edge.secretHash, digest) ? { kind: 'edge', siteId: edge.siteId, edgeId } : null;
}

function keyIdentity(directory: Directory, keyId: string, digest: string): BrokerIdentity | null {
  const key = directory.key(keyId);
  if (key?.revokedAtMs !== null || !equalDigests(key.keyHash, digest)) return null;
  return { kind: readsTheWire(key) ? 'auditor' : 'observer', siteId: key.siteId };
}

/** The wire carries plates unmasked, so that viewers get no more of it than observers. */
function readsTheWire(key: KeyRow): boolean {
  return key.role === 'auditor' || key.role === 'operator' || key.role === 'admin';
}

/** Takes the same time wherever the digests differ. */
export function equalDigests(expected: string, actual: string): boolean {
  if (expected.length !== actual.length) return false;
  let difference = 0;
  for (let index = 0; index < expected.length; index += 1) {
    difference |= expected.charCodeAt(index) ^ actual.charCodeAt(index);
  }
  return difference === 0;
}
