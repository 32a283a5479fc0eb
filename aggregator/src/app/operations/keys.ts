/** Keys of the API: created, revoked, and the first admin's. */
import { Refusal } from '../../domain/refusal.js';
import type { Turn } from '../committer.js';
import type { Directory } from '../directory.js';
import type { KeyRow, Role } from '../ports.js';
import type { Actor } from './actor.js';

/** The key that the first start writes, or that the configuration sets. */
export const bootstrapKeyId = 'admin';

export function createKey(
  turn: Turn,
  actor: Actor,
  request: { readonly label: string; readonly role: Role; readonly siteId: string | null; readonly keyHash: string },
): { keyId: string } {
  if (request.siteId !== null) turn.site(request.siteId);
  const key: KeyRow = {
    keyId: turn.newId(),
    label: request.label,
    role: request.role,
    siteId: request.siteId,
    keyHash: request.keyHash,
    createdAtMs: turn.nowMs,
    revokedAtMs: null,
  };
  turn.put('keys', key);
  turn.audit({
    by: actor.label,
    action: 'key.create',
    siteId: key.siteId,
    target: key.keyId,
    reason: null,
    detail: { role: key.role, label: key.label },
  });
  return { keyId: key.keyId };
}

/**
 * Revokes a key; one that is revoked already stays so. The last admin key cannot be revoked.
 * @throws Refusal `key-unknown`, `bound-reached`
 */
export function revokeKey(turn: Turn, actor: Actor, request: { readonly keyId: string }): { keyId: string } {
  const key = turn.directory.key(request.keyId);
  if (key === undefined) throw new Refusal('key-unknown', `no key ${request.keyId}`, 'keyId');
  if (key.revokedAtMs !== null) return { keyId: key.keyId };
  if (isFullAdmin(key) && countFullAdmins(turn.directory) === 1) {
    throw new Refusal('bound-reached', 'the last admin key cannot be revoked: create another one first', 'keyId');
  }
  turn.put('keys', { ...key, revokedAtMs: turn.nowMs });
  turn.audit({
    by: actor.label,
    action: 'key.revoke',
    siteId: key.siteId,
    target: key.keyId,
    reason: null,
    detail: { role: key.role, label: key.label },
  });
  return { keyId: key.keyId };
}

/** Makes the key with this hash the bootstrap admin key, in place of the one before. */
export function setBootstrapKey(turn: Turn, keyHash: string): void {
  const before = turn.directory.key(bootstrapKeyId);
  if (before?.keyHash === keyHash && before.revokedAtMs === null) return;
  turn.put('keys', {
    keyId: bootstrapKeyId,
    label: 'admin key',
    role: 'admin',
    siteId: null,
    keyHash,
    createdAtMs: turn.nowMs,
    revokedAtMs: null,
  });
  turn.audit({
    by: 'aggregator',
    action: 'key.bootstrap',
    siteId: null,
    target: bootstrapKeyId,
    reason: null,
    detail: { replaced: before !== undefined },
  });
}

/** Whether anybody can administer. */
export function hasAdmin(directory: Directory): boolean {
  return countFullAdmins(directory) > 0;
}

function isFullAdmin(key: KeyRow): boolean {
  return key.role === 'admin' && key.siteId === null && key.revokedAtMs === null;
}

function countFullAdmins(directory: Directory): number {
  let admins = 0;
  for (const key of directory.keys()) if (isFullAdmin(key)) admins += 1;
  return admins;
}
