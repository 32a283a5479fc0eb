/** Takes one event of a batch over: stores it, applies it to its site, or puts it in quarantine. */
import type { EdgeEvent, EventOrigin, FutureEvent } from '@gatehouse/shared';
import { gateStanding } from '../../domain/engine.js';
import type { SiteState } from '../../domain/engine.js';
import type { KnownCredential } from '../../domain/inputs.js';
import { arrivalKey } from '../../domain/rows.js';
import type { VehicleView } from '../../domain/rows.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { TurnReads } from '../turn/work.js';
import type { EventResult } from '../observer.js';
import type { IngestContext, Received } from './context.js';
import { decideAgain } from './decide-again.js';
import type { EdgeView } from './edge-view.js';
import { quarantineEvent } from './quarantine.js';
import type { ReadBatch, ReadEvent } from './read-batch.js';
import { originFrom } from './read-batch.js';
import { observeByKind } from './observed-events.js';
import { findCredentials, redactEvent } from './redact.js';

export interface Applying {
  readonly context: IngestContext;
  readonly turn: OpenTurn;
  readonly reads: TurnReads;
  readonly received: Received;
  readonly view: EdgeView;
  readonly site: SiteState;
  readonly batch: ReadBatch;
}

/** Applies event `index` of the batch. `refusedReason` is set when trying has shown that it cannot be. */
export function applyEvent(applying: Applying, index: number, refusedReason: string | null): void {
  const { context, turn, received, batch } = applying;
  const read = batch.events[index];
  const hash = batch.hashes[index];
  if (read === undefined || hash === undefined) throw new RangeError(`no event ${String(index)} in the batch`);
  const seq = batch.first + index;
  if (applying.view.isRestoring) recallGate(applying, read);
  const reason = refusedReason ?? whyNot(applying, read);
  if (reason !== null || read.type === 'bad') {
    quarantineEvent(context, turn, received, batch, index, reason ?? 'cannot be read');
    countFate(applying, kindOf(read), 'quarantined');
    return;
  }
  const origin = originOf(read.event);
  const stored = origin === null ? null : applying.reads.eventHashes(received.edgeId, origin.epoch, origin.seq);
  if (origin !== null && stored?.has(origin.hash) === true) {
    if (read.event.kind === 'vehicle-arrived') carryOver(applying, seq, origin);
    countFate(applying, kindOf(read), 'resent-known');
    return;
  }
  applying.reads.noteEvent(received.edgeId, batch.epoch, seq, hash);
  if (origin !== null) applying.reads.noteEvent(received.edgeId, origin.epoch, origin.seq, origin.hash);
  if (read.type === 'future') storeFutureEvent(applying, seq, hash, read.event);
  else storeKnownEvent(applying, index, hash, read.event, (stored?.size ?? 0) > 0);
}

/** Told once it is stored. */
function countFate({ turn, received }: Applying, kind: string, result: EventResult): void {
  turn.fates.add(received.siteId, kind, result);
}

/** The arrival is known under its first name; from now on the edge speaks of it by this one. */
function carryOver({ context, turn, received, view, batch }: Applying, seq: number, origin: EventOrigin): void {
  const { edgeId, siteId } = received;
  const from = arrivalKey({ edgeId, epoch: origin.epoch, seq: origin.seq });
  turn.apply(siteId, { type: 'arrival-carried-over', edgeId, from, epoch: batch.epoch, seq });
  if (batch.waiting.includes(seq)) decideAgain(context, turn, view, { edgeId, epoch: batch.epoch, seq });
}

/** Nobody can tell whether a store that forgot what it had been told has forgotten the gate, too: it is taken as one that it had. */
function recallGate({ turn, received }: Applying, read: ReadEvent): void {
  if (read.type === 'bad' || !('gateId' in read.event) || typeof read.event.gateId !== 'string') return;
  turn.apply(received.siteId, { type: 'gate-recalled', edgeId: received.edgeId, gateId: read.event.gateId });
}

function whyNot({ site, received }: Applying, read: ReadEvent): string | null {
  if (read.type === 'bad') return read.reason;
  if (read.type === 'future' || !('gateId' in read.event) || read.event.gateId === null) return null;
  const standing = gateStanding(site, received.edgeId, read.event.gateId);
  if (standing === 'unknown') return 'gateId: the site has no such gate';
  return standing === 'anothers' ? 'gateId: the gate belongs to another edge' : null;
}

/** Whether a layout has taken the gate away that the event speaks of. */
function isOfRetiredGate({ site, received }: Applying, event: EdgeEvent): boolean {
  if (!('gateId' in event) || event.gateId === null) return false;
  return gateStanding(site, received.edgeId, event.gateId) === 'retired';
}

function storeKnownEvent(
  applying: Applying,
  index: number,
  hash: string,
  event: EdgeEvent,
  originDiffers: boolean,
): void {
  const { turn, received, batch, view } = applying;
  const seq = batch.first + index;
  const credential = credentialOf(applying, event);
  const time = view.clock.correct(event, received.receivedAtMs);
  const isRetired = isOfRetiredGate(applying, event);
  const flags: string[] = [];
  if (isRetired) flags.push('gate-removed');
  if (time.clockOff) flags.push('clock-off');
  if (event.origin !== undefined) flags.push('resent');
  if (originDiffers) flags.push('origin-differs');
  const { edgeId, siteId, receivedAtMs } = received;
  turn.put('events', {
    edgeId,
    epoch: batch.epoch,
    seq,
    siteId,
    hash,
    receivedAtMs,
    gateId: 'gateId' in event ? event.gateId : null,
    kind: event.kind,
    atMs: time.atMs,
    credentialId: credential?.credentialId ?? null,
    body: bodyOf(event, batch.texts[index], credential),
    origin: originText(event),
    flags,
  });
  const waiting = event.kind === 'vehicle-arrived' && batch.waiting.includes(seq) && !isRetired;
  if (waiting) applying.context.outbound.measure({ edgeId, epoch: batch.epoch, seq }, received.receivedMonoMs);
  observeByKind(applying, event);
  turn.apply(siteId, {
    type: 'edge-event',
    edgeId,
    epoch: batch.epoch,
    seq,
    event,
    atMs: time.atMs,
    waiting,
    credential,
    vehicle: credential === null ? null : vehicleViewOf(turn, credential.credentialId),
  });
  endCommand(applying, event);
  countFate(applying, event.kind, event.origin === undefined ? 'applied' : 'resent-applied');
}

function storeFutureEvent(
  applying: Applying,
  seq: number,
  hash: string,
  event: Extract<ReadEvent, { type: 'future' }>['event'],
): void {
  const { turn, received, batch, view, site } = applying;
  const { edgeId, siteId, receivedAtMs } = received;
  const time = view.clock.correct(event, receivedAtMs);
  const named = event.gateId;
  const standing = typeof named === 'string' ? gateStanding(site, edgeId, named) : 'unknown';
  const gateId = typeof named === 'string' && (standing === 'live' || standing === 'retired') ? named : null;
  // The first one: its text stays as long as the event does.
  const [credential] = findCredentials(event, 1);
  turn.put('events', {
    edgeId,
    epoch: batch.epoch,
    seq,
    siteId,
    hash,
    receivedAtMs,
    gateId,
    kind: event.kind,
    atMs: time.atMs,
    credentialId: credential === undefined ? null : turn.credential(credential).credentialId,
    body: JSON.stringify(redactEvent(event, (credential) => turn.credential(credential).credentialId)),
    origin: originText(event),
    flags: ['unknown-kind', ...(time.clockOff ? ['clock-off'] : []), ...(originOf(event) === null ? [] : ['resent'])],
  });
  turn.apply(siteId, { type: 'unknown-event', edgeId, gateId, kind: event.kind });
  countFate(applying, 'unknown', 'unknown-kind');
}

function originText(event: EdgeEvent | FutureEvent): string | null {
  const origin = originOf(event);
  return origin === null ? null : `${origin.epoch}:${String(origin.seq)}:${origin.hash}`;
}

function credentialOf({ turn }: Applying, event: EdgeEvent): KnownCredential | null {
  return event.kind === 'vehicle-arrived' && event.credential !== null ? turn.credential(event.credential) : null;
}

/** Most events say nothing of one. */
function originOf(event: EdgeEvent | FutureEvent): EventOrigin | null {
  return event.origin === undefined ? null : originFrom(event);
}

/**
 * The event as it is stored: its canonical JSON; that of an arrival without the text of its credential, which stands in the table of
 * credentials only.
 */
function bodyOf(event: EdgeEvent, text: string | undefined, credential: KnownCredential | null): string {
  if (event.kind !== 'vehicle-arrived' || event.credential === null || credential === null) {
    return text ?? JSON.stringify(event);
  }
  const { kind, source, confidence } = event.credential;
  return JSON.stringify({ ...event, credential: { credentialId: credential.credentialId, kind, source, confidence } });
}

function vehicleViewOf(turn: OpenTurn, credentialId: string): VehicleView | null {
  const vehicle = turn.directory.vehicleByCredential(credentialId);
  if (vehicle === undefined) return null;
  const { vehicleId, slotClass, permits } = vehicle;
  return { vehicleId, slotClass, permits, blocked: vehicle.blockedReason !== null };
}

function kindOf(read: ReadEvent): string {
  return read.type === 'known' ? read.event.kind : 'unknown';
}

/** Writes down how a command ended. */
function endCommand({ turn, received }: Applying, event: EdgeEvent): void {
  if (event.kind !== 'command-completed' && event.kind !== 'command-unknown') return;
  const command = turn.directory.command(event.commandId);
  if (command?.edgeId !== received.edgeId) return;
  const state = event.kind === 'command-unknown' ? 'unknown' : event.result;
  const detail = event.kind === 'command-unknown' ? null : event.detail;
  turn.put('commands', { ...command, state, endedAtMs: turn.nowMs, detail });
}
