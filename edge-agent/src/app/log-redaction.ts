/**
 * What of a log line may leave the machine. The log on the machine says more; whoever reads it there is let in there. A field that
 * is not known to be harmless stays behind.
 */
import type { LogFields, LogLine } from '@gatehouse/shared/edge';
import { plainText, slugPattern, wireLimits } from '@gatehouse/shared/edge';

const { maxTextChars, maxLogFields } = wireLimits;
const removed = '…';

/** Texts under other names may be anything, credentials included. Numbers and truth values are told under any harmless name. */
const textNames: ReadonlySet<string> = new Set([
  ...['error', 'reason', 'detail', 'problem', 'damage', 'failure', 'cause', 'rule', 'code', 'state', 'fault', 'mode'],
  ...['broker', 'url', 'path', 'file', 'aside', 'chip', 'driver', 'interface', 'input', 'output', 'line', 'kind'],
  ...['channel', 'direction', 'slotId', 'cameraId', 'camera', 'sourceId', 'service', 'version'],
]);
const tellingName = /plate|ticket|tag$|credential|value|licen[cs]e|passw|secret|token|key$|auth/i;
const fieldName = /^[A-Za-z][A-Za-z0-9]{0,31}$/;

/** `user:password@` of an address, and all behind its host: paths and queries may be secrets. */
const address = /\b([a-z][a-z0-9+.-]{1,15}:\/\/)(?:[^\s/@"']*@)?([^\s/"'?#]*)([^\s"']*)/gi;
const bearer = /\b(bearer|basic)\s+\S+/gi;
const assignment = /\b(pass\w*|secret|token|api[-_]?key|authorization)(["']?\s*[:=]\s*)("[^"]*"|'[^']*'|\S+)/gi;
const enrolmentCode = /\b[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}\b/g;
const plainQuotes = /^(?:[^"]*"[a-z][A-Za-z-]{0,62}")+[^"]*$/;
/** Those with a digit among them are keys, tokens, digests. */
const longWord = /[A-Za-z0-9_+=]{24,}/g;

/** Texts that must not be told wherever they turn up. */
export interface Concealed {
  readonly secrets: readonly string[];
  readonly credentials: ReadonlyMap<string, ConcealedCredential>;
}

/** A credential that was read lately. */
export interface ConcealedCredential {
  /** Its letters and digits, as `lettersAndDigits` has them. */
  readonly plain: string;
  readonly pattern: RegExp;
}

/** A shorter one would take innocent words and numbers away. */
const minConcealedChars = 4;

/** Undefined for one that is too short. Found also with a sign between its characters, and in either case, as people write plates. */
export function concealedCredential(credential: string): ConcealedCredential | undefined {
  const plain = lettersAndDigits(credential);
  const characters = [...credential].filter((character) => /[\p{L}\p{N}]/u.test(character));
  if (characters.length < minConcealedChars) return undefined;
  return { plain, pattern: new RegExp(characters.join('[^\\p{L}\\p{N}]?'), 'giu') };
}

function lettersAndDigits(text: string): string {
  return text.toUpperCase().replace(/[^\p{L}\p{N}]+/gu, '');
}

/** A line without its number, fit to leave the machine. */
export function redactedLine(
  level: LogLine['level'],
  fields: LogFields,
  message: string,
  concealed: Concealed,
): Pick<LogLine, 'level' | 'part' | 'gateId' | 'message' | 'fields'> {
  const { part, gateId, ...rest } = fields;
  return {
    level,
    part: slugOrNull(part),
    gateId: slugOrNull(gateId),
    message: redactedText(message, concealed),
    fields: redactedFields(rest, concealed),
  };
}

function redactedFields(fields: LogFields, concealed: Concealed): LogLine['fields'] {
  const told: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (Object.keys(told).length >= maxLogFields) break;
    if (!fieldName.test(name) || tellingName.test(name)) continue;
    if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) told[name] = value;
    else if (textNames.has(name) && typeof value === 'string') told[name] = redactedText(value, concealed);
    else if (textNames.has(name) && value instanceof Error) told[name] = redactedText(value.message, concealed);
  }
  return told;
}

/** Cut before it is searched, so that a long text costs no more than a short one; and after, as what is put in may be longer. */
function redactedText(text: string, { secrets, credentials }: Concealed): string {
  let told = plainText(text, 4 * maxTextChars);
  for (const secret of secrets) if (secret !== '') told = told.replaceAll(secret, removed);
  told = told
    .replace(
      address,
      (_all, scheme: string, host: string, rest: string) => scheme + host + (rest === '' ? '' : `/${removed}`),
    )
    .replace(bearer, `$1 ${removed}`)
    .replace(assignment, `$1$2${removed}`)
    .replace(enrolmentCode, removed)
    .replace(longWord, (word) => (/\d/.test(word) ? removed : word));
  told = withoutQuotes(told);
  const plain = lettersAndDigits(told);
  // Nearly always none of them is in it, which costs far less to see this way.
  for (const credential of credentials.values()) {
    if (plain.includes(credential.plain)) told = told.replace(credential.pattern, removed);
  }
  return plainText(told, maxTextChars);
}

/** A parser quotes what it could not read, and that has quotes of its own: all between the first and the last goes, or all behind one that does not end. */
function withoutQuotes(text: string): string {
  const parts = text.split('"');
  if (parts.length === 1 || plainQuotes.test(text)) return text;
  const behind = parts.length % 2 === 1 ? (parts.at(-1) ?? '') : '';
  return `${parts[0] ?? ''}"${removed}"${behind}`;
}

function slugOrNull(value: unknown): string | null {
  return typeof value === 'string' && slugPattern.test(value) ? value : null;
}
