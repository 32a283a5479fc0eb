/** Takes credential texts out of what is stored: events keep the credential's id, unreadable parts are cut out. */
import { credentialKinds, maxJsonDepth } from '@gatehouse/shared';
import type { Credential } from '@gatehouse/shared';

export type CredentialText = Pick<Credential, 'kind' | 'value'>;

const removed = '[removed]';

/** Members whose short, plain values say nothing about a vehicle. */
const plainKeys: ReadonlySet<string> = new Set([
  'kind',
  'gateId',
  'slotId',
  'direction',
  'basis',
  'reason',
  'mode',
  'fault',
  'result',
  'flags',
  'vehicleClass',
  'source',
  'credentialId',
  'returned',
]);
const credentialKeys = /credential|plate|tag|ticket|value|licen[cs]e|number/i;
const plainWord = /^[a-z][a-z-]{0,62}$/;
const plainSlug = /^[a-z0-9][a-z0-9-]{0,62}$/;
const hexId = /^(?:[0-9a-f]{32}|[0-9a-f]{64})$/;

/** What looks like a credential anywhere in an event of unknown shape; at most `maxFound`. */
export function findCredentials(event: unknown, maxFound = 16): CredentialText[] {
  const found: CredentialText[] = [];
  visit(event, 0, (credential) => {
    if (found.length < maxFound) found.push(credential);
  });
  return found;
}

function visit(value: unknown, depth: number, onCredential: (credential: CredentialText) => void): void {
  if (typeof value !== 'object' || value === null || depth >= maxJsonDepth) return;
  const credential = asCredential(value);
  if (credential !== null) {
    onCredential(credential);
    return;
  }
  for (const member of Object.values(value)) visit(member, depth + 1, onCredential);
}

function asCredential(value: object): CredentialText | null {
  const { kind, value: text } = value as { kind?: unknown; value?: unknown };
  const known = credentialKinds.find((candidate) => candidate === kind);
  if (known === undefined || typeof text !== 'string' || text.length < 1 || text.length > 32) return null;
  return /^[\p{L}\p{N}?_.:-]+$/u.test(text) ? { kind: known, value: text } : null;
}

/**
 * An event of unknown or broken shape, fit to be stored: credentials become ids where `idOf` knows one, and texts that are not
 * plain words, names or hexadecimal ids are cut out.
 */
export function redactEvent(event: unknown, idOf: (credential: CredentialText) => string | null): unknown {
  return redact(event, '', 0, idOf);
}

function redact(
  value: unknown,
  key: string,
  depth: number,
  idOf: (credential: CredentialText) => string | null,
): unknown {
  if (typeof value === 'string') return isPlain(value, key) ? value : removed;
  if (typeof value === 'number') return credentialKeys.test(key) ? removed : value;
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= maxJsonDepth) return removed;
  const credential = asCredential(value);
  if (credential !== null) return { credentialId: idOf(credential), kind: credential.kind };
  if (Array.isArray(value)) return value.map((item) => redact(item, key, depth + 1, idOf));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      isPlain(name, 'kind') || plainMemberName.test(name) ? name : removed,
      redact(member, name, depth + 1, idOf),
    ]),
  );
}

const plainMemberName = /^[a-z][A-Za-z]{0,62}$/;

function isPlain(text: string, key: string): boolean {
  if (hexId.test(text)) return true;
  if (plainKeys.has(key)) return plainSlug.test(text);
  return !credentialKeys.test(key) && plainWord.test(text);
}
