/** Reads a payload of the `events` channel: the batch, each event by its kind, and the chain of hashes through it. */
import {
  canonicalJson,
  createQuickParser,
  edgeEventKinds,
  edgeEventSchema,
  eventBatchSchema,
  futureEventSchema,
  nextHashOfText,
  originSchema,
  parseJson,
  parseValue,
  wireLimits,
} from '@gatehouse/shared';
import type { EdgeEvent, EventBatch, EventOrigin, FutureEvent, Parsed, Sha256 } from '@gatehouse/shared';
import type { CredentialText } from './redact.js';
import { findCredentials } from './redact.js';

export type ReadEvent =
  | { readonly type: 'known'; readonly event: EdgeEvent }
  | { readonly type: 'future'; readonly event: FutureEvent }
  | { readonly type: 'bad'; readonly raw: unknown; readonly kind: string | null; readonly reason: string };

export interface ReadBatch {
  readonly instance: string;
  readonly epoch: string;
  readonly first: number;
  /** seq of the last event. */
  readonly last: number;
  readonly prevHash: string;
  /** A few. */
  readonly waiting: readonly number[];
  readonly events: readonly ReadEvent[];
  /** The running hash after each event. */
  readonly hashes: readonly string[];
  /** The canonical JSON of each event. */
  readonly texts: readonly string[];
  /** What the batch needs to have looked up. */
  readonly credentials: readonly CredentialText[];
  readonly origins: readonly { epoch: string; seq: number }[];
}

const parseBatch = createQuickParser(eventBatchSchema);
const parseKnown = createQuickParser(edgeEventSchema);
const knownKinds: ReadonlySet<string> = new Set(edgeEventKinds);

export function readBatch(payload: Uint8Array, sha256: Sha256): Parsed<ReadBatch> {
  const json = parseJson(payload);
  if (!json.ok) return json;
  const parsed = parseBatch(json.value);
  if (!parsed.ok) return parsed;
  // As it came: the schema adds and changes nothing, and its copy would have the members in another order than that of the hash.
  const batch = json.value as EventBatch;
  const last = batch.first + batch.events.length - 1;
  if (last > Number.MAX_SAFE_INTEGER) return { ok: false, error: 'first: is too high' };
  const chained = chain(batch, sha256);
  if (!chained.ok) return chained;
  const { hashes, texts } = chained.value;
  const events: ReadEvent[] = [];
  const credentials: CredentialText[] = [];
  const origins: { epoch: string; seq: number }[] = [];
  for (const raw of batch.events) {
    const read = readEvent(raw, texts[events.length] ?? '');
    events.push(read);
    noteCredentials(read, credentials);
    noteOrigin(read, origins);
  }
  return {
    ok: true,
    value: {
      instance: batch.instance,
      epoch: batch.epoch,
      first: batch.first,
      last,
      prevHash: batch.prevHash,
      waiting: batch.waiting,
      events,
      hashes,
      texts,
      credentials,
      origins,
    },
  };
}

function chain(batch: EventBatch, sha256: Sha256): Parsed<{ hashes: string[]; texts: string[] }> {
  const hashes: string[] = [];
  const texts: string[] = [];
  let hash = batch.prevHash;
  try {
    for (const raw of batch.events) {
      const text = canonicalJson(raw);
      hash = nextHashOfText(sha256, hash, text);
      hashes.push(hash);
      texts.push(text);
    }
  } catch (error) {
    return { ok: false, error: `events: ${error instanceof Error ? error.message : 'have no canonical form'}` };
  }
  return { ok: true, value: { hashes, texts } };
}

type RawEvent = EventBatch['events'][number];

function readEvent(raw: RawEvent, text: string): ReadEvent {
  if (isTooLong(text)) return bad(raw, null, `event: longer than ${String(wireLimits.maxEventBytes)} bytes`);
  if (knownKinds.has(raw.kind)) {
    const known = parseKnown(raw);
    return known.ok ? { type: 'known', event: known.value } : bad(raw, raw, known.error);
  }
  const future = parseValue(futureEventSchema, raw);
  return future.ok ? { type: 'future', event: future.value } : bad(raw, raw, future.error);
}

function bad({ kind }: RawEvent, raw: unknown, reason: string): ReadEvent {
  return { type: 'bad', raw, kind: /^[a-z][a-z-]{0,62}$/.test(kind) ? kind : null, reason };
}

/** No character takes more than three bytes for each of its units: most texts need not be counted. */
function isTooLong(text: string): boolean {
  return text.length * 3 > wireLimits.maxEventBytes && utf8Bytes(text) > wireLimits.maxEventBytes;
}

/** Bytes of a well-formed text in UTF-8, without encoding it. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Each half of a surrogate pair counts two bytes, which makes the four of the pair.
    if (unit >= 0x80) bytes += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}

function noteCredentials(read: ReadEvent, credentials: CredentialText[]): void {
  if (read.type === 'future') credentials.push(...findCredentials(read.event));
  if (read.type !== 'known' || read.event.kind !== 'vehicle-arrived' || read.event.credential === null) return;
  credentials.push({ kind: read.event.credential.kind, value: read.event.credential.value });
}

function noteOrigin(read: ReadEvent, origins: { epoch: string; seq: number }[]): void {
  const origin = read.type === 'bad' ? null : originFrom(read.event);
  if (origin !== null) origins.push({ epoch: origin.epoch, seq: origin.seq });
}

/** Where an event stood in an earlier epoch, if it says so; events of unknown kinds say it in the same way. */
export function originFrom(event: EdgeEvent | FutureEvent): EventOrigin | null {
  // Hardly any has one, and a parse that fails costs as much as the whole event.
  if (event.origin === undefined) return null;
  const parsed = originSchema.safeParse(event.origin);
  return parsed.success ? parsed.data : null;
}
