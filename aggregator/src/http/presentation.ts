/** Adds the text of credentials to an answer, whole or masked, just before it is sent. */
import { maskCredential } from '@gatehouse/shared';
import type { CredentialView } from '@gatehouse/shared';
import { roleReaches } from '../app/operations/actor.js';
import { credentialTexts } from '../app/operations/credentials.js';
import type { KnownCredential } from '../domain/inputs.js';
import type { Role } from '../app/ports.js';
import type { HttpServices } from './services.js';

const hidden = '******';
/** Free text about persons, hidden from viewers. */
const personalMembers: ReadonlySet<string> = new Set(['holder', 'note']);

/** Whether a role sees whole credentials. */
export function seesCredentials(role: Role): boolean {
  return roleReaches(role, 'auditor');
}

/** A copy of `body` with every credential's text filled in for `role`. */
export async function present(
  { aggregator }: Pick<HttpServices, 'aggregator'>,
  role: Role,
  body: unknown,
): Promise<unknown> {
  const wanted = new Set<string>();
  collect(body, wanted);
  if (wanted.size === 0) return seesCredentials(role) ? body : fill(body, new Map(), false);
  return fill(body, await credentialTexts(aggregator, wanted), seesCredentials(role));
}

function collect(value: unknown, into: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  if (isCredential(value)) {
    into.add(value.credentialId);
    return;
  }
  for (const member of Object.values(value)) collect(member, into);
}

function fill(value: unknown, texts: ReadonlyMap<string, KnownCredential>, whole: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => fill(item, texts, whole));
  if (isCredential(value)) {
    const text = texts.get(value.credentialId);
    if (text === undefined) return value;
    return { ...value, kind: text.kind, value: whole ? text.value : maskCredential(text.value) };
  }
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const hide = !whole && personalMembers.has(name) && typeof member === 'string';
    copy[name] = hide ? hidden : fill(member, texts, whole);
  }
  return copy;
}

/** Credentials are the only objects with just these members. */
function isCredential(value: object): value is CredentialView {
  return 'credentialId' in value && 'kind' in value && 'value' in value && Object.keys(value).length === 3;
}
