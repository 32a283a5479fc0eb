/**
 * What ought to become of each message of an edge, by the rules of the wire and the edge's own history: the fuzzer's books, which
 * the aggregator's metrics are compared with.
 */
import {
  canonicalJson,
  edgeEventKinds,
  edgeEventSchema,
  eventBatchSchema,
  futureEventSchema,
  genesisHash,
  logReportSchema,
  nextHashOfText,
  originSchema,
  parsePayload,
  parseValue,
  stateSchema,
  wireLimits,
} from '@gatehouse/shared';
import type { EventBatch } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';

/** Messages by what became of them; events by what became of each. Keys are the labels of the metrics. */
export interface Tally {
  readonly messages: Map<string, number>;
  readonly events: Map<string, number>;
}

export function createTally(): Tally {
  return { messages: new Map(), events: new Map() };
}

export function count(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

/** How far an edge has got. */
export interface History {
  readonly epoch: string;
  readonly upTo: number;
  readonly hash: string;
  readonly retired: ReadonlySet<string>;
  /** Where resent events say that they stood first: epoch and seq → hash. Grows. */
  readonly origins: Map<string, string>;
}

export function newHistory(epoch: string): History {
  return { epoch, upTo: 0, hash: genesisHash(sha256, epoch), retired: new Set(), origins: new Map() };
}

/** Books a message of the `state` channel. */
export function bookState(payload: Uint8Array, tally: Tally): void {
  count(tally.messages, parsePayload(stateSchema, payload).ok ? 'state' : 'unreadable');
}

/** Books a message of the `log` channel. One that can be read may be refused all the same: too many are, and nobody may have heard of the edge yet. */
export function bookLog(payload: Uint8Array, tally: Tally): void {
  const isReadable = payload.byteLength <= wireLimits.maxLogReportBytes && parsePayload(logReportSchema, payload).ok;
  count(tally.messages, isReadable ? 'log' : 'log-unreadable');
}

/** Books a message of the `events` channel; answers the history after it. `gateIds` are the edge's gates. */
export function bookBatch(payload: Uint8Array, history: History, gateIds: ReadonlySet<string>, tally: Tally): History {
  const parsed = parsePayload(eventBatchSchema, payload);
  const hashes = parsed.ok ? hashesOf(parsed.value) : undefined;
  if (!parsed.ok || hashes === undefined) {
    count(tally.messages, 'unreadable');
    return history;
  }
  const batch = parsed.value;
  const last = batch.first + batch.events.length - 1;
  if (history.retired.has(batch.epoch)) return dropped('conflict');
  const at = batch.epoch === history.epoch ? history : newHistory(batch.epoch);
  if (batch.first > at.upTo + 1) return dropped('beyond-cursor');
  if (last < at.upTo) return duplicates(batch.events.length);
  const known = at.upTo - batch.first + 1;
  const hashThere = known === 0 ? batch.prevHash : hashes[known - 1];
  if (hashThere !== at.hash) return dropped('conflict');
  if (last === at.upTo) return duplicates(batch.events.length);
  duplicates(known);
  for (const event of batch.events.slice(known)) count(tally.events, resultOf(event, gateIds, history.origins));
  count(tally.messages, 'taken');
  const isReplaced = batch.epoch !== history.epoch && history.upTo > 0;
  const retired = isReplaced ? new Set([...history.retired, history.epoch]) : history.retired;
  return { ...history, epoch: batch.epoch, upTo: last, hash: hashes.at(-1) ?? at.hash, retired };

  function dropped(reason: string): History {
    count(tally.messages, reason);
    return history;
  }
  function duplicates(events: number): History {
    if (events > 0) count(tally.events, 'duplicate', events);
    if (events === batch.events.length) count(tally.messages, 'taken');
    return history;
  }
}

/** The running hash after each event; undefined when the batch has no canonical form or ends beyond what can be counted. */
function hashesOf(batch: EventBatch): string[] | undefined {
  if (batch.first + batch.events.length - 1 > Number.MAX_SAFE_INTEGER) return undefined;
  let hash = batch.prevHash;
  try {
    return batch.events.map((event) => (hash = nextHashOfText(sha256, hash, canonicalJson(event))));
  } catch {
    return undefined;
  }
}

function resultOf(
  event: EventBatch['events'][number],
  gateIds: ReadonlySet<string>,
  origins: Map<string, string>,
): string {
  if (Buffer.byteLength(canonicalJson(event)) > wireLimits.maxEventBytes) return 'quarantined';
  const isKnown = (edgeEventKinds as readonly string[]).includes(event.kind);
  if (!parseValue(isKnown ? edgeEventSchema : futureEventSchema, event).ok) return 'quarantined';
  const { gateId } = event;
  if (isKnown && typeof gateId === 'string' && !gateIds.has(gateId)) return 'quarantined';
  const origin = originSchema.safeParse(event.origin).data;
  if (origin !== undefined) {
    const key = `${origin.epoch}:${String(origin.seq)}`;
    if (origins.get(key) === origin.hash) return 'resent-known';
    origins.set(key, origin.hash);
  }
  if (!isKnown) return 'unknown-kind';
  return origin === undefined ? 'applied' : 'resent-applied';
}
