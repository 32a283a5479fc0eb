/** Who asks for something. */
import type { KeyRow, Role } from '../ports.js';
import { roleNames } from '@gatehouse/shared';

export interface Actor {
  readonly keyId: string;
  /** As it appears in the audit log. */
  readonly label: string;
  readonly role: Role;
  /** The one site it may see and touch; null for all. */
  readonly siteId: string | null;
}

export function actorOf(key: KeyRow): Actor {
  return { keyId: key.keyId, label: key.label, role: key.role, siteId: key.siteId };
}

/** Whether `role` may do what `needed` may. */
export function roleReaches(role: Role, needed: Role): boolean {
  return roleNames.indexOf(role) >= roleNames.indexOf(needed);
}
