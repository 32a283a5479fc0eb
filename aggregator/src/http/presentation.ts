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

/**
 * `body` with every credential's text filled in for `role`; what nothing is filled in of is not copied. A promise of it when texts have
 * to be read from the store.
 */
export function present({ aggregator }: Pick<HttpServices, 'aggregator'>, role: Role, body: unknown): unknown {
  const whole = seesCredentials(role);
  const { directory } = aggregator;
  const missing = new Set<string>();
  const shown = fill(body, whole, (credentialId) => {
    const known = directory.credential(credentialId);
    if (known === undefined) missing.add(credentialId);
    return known;
  });
  if (missing.size === 0) return shown;
  return credentialTexts(aggregator, missing).then((texts) =>
    fill(body, whole, (credentialId) => directory.credential(credentialId) ?? texts.get(credentialId)),
  );
}

type FindText = (credentialId: string) => KnownCredential | undefined;

function fill(value: unknown, whole: boolean, find: FindText): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => fill(item, whole, find));
  if (isCredential(value)) {
    const text = find(value.credentialId);
    if (text === undefined) return value;
    const { credentialId } = value;
    return { credentialId, kind: text.kind, value: whole ? text.value : maskCredential(text.value) };
  }
  return fillMembers(value as Readonly<Record<string, unknown>>, whole, find);
}

function fillMembers(value: Readonly<Record<string, unknown>>, whole: boolean, find: FindText): unknown {
  let copy: Record<string, unknown> | null = null;
  for (const name of Object.keys(value)) {
    const member = value[name];
    const hide = !whole && typeof member === 'string' && personalMembers.has(name);
    const shown = hide ? hidden : fill(member, whole, find);
    if (shown === member) continue;
    copy ??= { ...value };
    copy[name] = shown;
  }
  return copy ?? value;
}

/** Credentials are the only objects with just these members. */
function isCredential(value: object): value is CredentialView {
  return 'credentialId' in value && 'kind' in value && 'value' in value && Object.keys(value).length === 3;
}
