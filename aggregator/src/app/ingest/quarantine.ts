/** Records what was reported and cannot be applied, without what it says of a vehicle. */
import type { QuarantineRow } from '../ports.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { IngestContext, Received } from './context.js';
import type { ReadBatch } from './read-batch.js';
import { findCredentials, redactEvent } from './redact.js';

const maxReasonChars = 300;

/** Puts one event of a batch in quarantine. */
export function quarantineEvent(
  context: IngestContext,
  turn: OpenTurn,
  received: Received,
  batch: ReadBatch,
  index: number,
  reason: string,
): void {
  const read = batch.events[index];
  const text = batch.texts[index] ?? '';
  const raw = read === undefined ? null : read.type === 'bad' ? read.raw : read.event;
  const idOf = (credential: Parameters<typeof turn.credential>[0]): string | null =>
    turn.directory.credentialByText(credential)?.credentialId ?? null;
  put(context, turn, {
    siteId: received.siteId,
    edgeId: received.edgeId,
    epoch: batch.epoch,
    seq: batch.first + index,
    kind: read === undefined ? null : read.type === 'bad' ? read.kind : read.event.kind,
    receivedAtMs: received.receivedAtMs,
    reason: cleanReason(reason, raw),
    body: raw === null ? null : JSON.stringify(redactEvent(raw, idOf)),
    payloadBytes: text.length,
    payloadSha256: context.sha256(text),
  });
}

/** Puts a payload that cannot be read in quarantine: its size and digest only; the digest is of what was kept. */
export function quarantinePayload(context: IngestContext, turn: OpenTurn, received: Received, reason: string): void {
  put(context, turn, {
    siteId: received.siteId,
    edgeId: received.edgeId,
    epoch: null,
    seq: null,
    kind: null,
    receivedAtMs: received.receivedAtMs,
    reason: cleanReason(reason, null),
    body: null,
    payloadBytes: received.payloadBytes,
    payloadSha256: digestOf(context, received.payload),
  });
}

function put(context: IngestContext, turn: OpenTurn, row: Omit<QuarantineRow, 'quarantineId'>): void {
  turn.put('quarantine', { quarantineId: turn.newId(), ...row });
  turn.afterCommit(() => {
    context.observer.onQuarantine(row.siteId, row.reason);
    context.logger.warn(
      { siteId: row.siteId, edgeId: row.edgeId, seq: row.seq, kind: row.kind, reason: row.reason },
      'reported and not applied: in quarantine',
    );
  });
}

/** A reason may quote what it complains about, names of members included: keep what is plain. */
function cleanReason(reason: string, raw: unknown): string {
  let clean = reason.replace(/"[^"]*"/g, (quoted) => (/^"[a-z][A-Za-z-]{0,62}"$/.test(quoted) ? quoted : '"…"'));
  for (const { value } of findCredentials(raw)) clean = clean.replaceAll(value, '…');
  return clean.slice(0, maxReasonChars);
}

/** SHA-256 of a payload that is UTF-8; of its hexadecimal digits when it is not. */
function digestOf(context: IngestContext, payload: Uint8Array): string {
  try {
    return context.sha256(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload));
  } catch {
    let hex = '';
    for (const byte of payload) hex += byte.toString(16).padStart(2, '0');
    return context.sha256(hex);
  }
}
