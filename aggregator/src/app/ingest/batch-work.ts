/** One batch of an edge's events as work for a turn; its events one by one when the batch cannot be stored as a whole. */
import { arrivalOf } from '../../domain/engine.js';
import { arrivalKey } from '../../domain/rows.js';
import type { CursorRow } from '../ports.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { TurnReads, Work } from '../turn/work.js';
import { applyEvent } from './apply-event.js';
import type { Applying } from './apply-event.js';
import type { IngestContext, Received } from './context.js';
import { highestKnown } from './edge-view.js';
import { decideAgain, isDecided } from './decide-again.js';
import { alarmIdentity, beginEpoch, refuseHistory } from './epochs.js';
import type { Position } from './history.js';
import { placeBatch, standingOf } from './history.js';
import type { ReadBatch } from './read-batch.js';

/** Which part of a batch to apply. */
interface Part {
  /** Events before this index. */
  readonly until: number;
  /** Set: event `until - 1` goes to quarantine for this reason. */
  readonly refusedReason: string | null;
}

export function createBatchWork(context: IngestContext, received: Received, batch: ReadBatch): Work {
  return {
    payloadBytes: received.payload.byteLength,
    needs: needsOf(received, batch),
    whenStoreFails: 'keep',
    onCommitted: doNothing,
    run(turn, reads) {
      runPart(context, received, batch, { until: batch.events.length, refusedReason: null }, turn, reads);
    },
    onFailed(error) {
      context.logger.error(
        { edgeId: received.edgeId, err: error },
        'a batch was given up; the edge will send it again',
      );
    },
    split: () => batch.events.map((_, index) => createEventWork(context, received, batch, index)),
  };
}

function createEventWork(context: IngestContext, received: Received, batch: ReadBatch, index: number): Work {
  const work = (refusedReason: string | null, split: Work['split']): Work => ({
    payloadBytes: received.payload.byteLength,
    needs: needsOf(received, batch),
    whenStoreFails: 'keep',
    onCommitted: doNothing,
    run(turn, reads) {
      runPart(context, received, batch, { until: index + 1, refusedReason }, turn, reads);
    },
    onFailed(error) {
      context.logger.error(
        { edgeId: received.edgeId, seq: batch.first + index, err: error },
        'an event could not even be put in quarantine',
      );
    },
    split,
  });
  return work(null, (error) => [
    work(`could not be applied: ${error instanceof Error ? error.message : 'unknown error'}`, () => null),
  ]);
}

const doNothing = (): void => undefined;

function needsOf({ edgeId }: Received, { credentials, origins }: ReadBatch): Work['needs'] {
  return origins.length === 0 ? { credentials } : { credentials, events: { edgeId, wanted: origins } };
}

function runPart(
  context: IngestContext,
  received: Received,
  batch: ReadBatch,
  part: Part,
  turn: OpenTurn,
  reads: TurnReads,
): void {
  const { edgeId, siteId } = received;
  const edge = turn.directory.edge(edgeId);
  const view = context.view(edgeId);
  const site = turn.findSite(siteId);
  if (edge?.revokedAtMs !== null || view === undefined || site === undefined) return;
  const applying = { context, turn, reads, received, view, site, batch };
  if (view.identity.onInstance(batch.instance, received.receivedMonoMs)) alarmIdentity(context, turn, view);

  const cursor = turn.directory.cursor(edgeId);
  const standing = standingOf(batch.epoch, cursor, turn.directory.retiredEpoch(edgeId, batch.epoch), context.sha256);
  if (standing.type === 'retired') {
    refuseHistory(context, turn, view, batch.instance, standing.position, 'epoch-retired');
    return;
  }
  const placement = placeBatch(standing.position, batch);
  if (placement.type === 'conflict') {
    refuseHistory(context, turn, view, batch.instance, standing.position, placement.conflict);
    return;
  }
  const known = placement.type === 'next' ? placement.skip : placement.type === 'duplicate' ? batch.events.length : 0;
  if (part.until === batch.events.length && part.refusedReason === null) sendDecisionsAgain(applying, known);
  if (placement.type === 'beyond') reportDropped(applying);
  if (placement.type === 'next' && placement.skip < part.until) {
    if (standing.type === 'new') beginEpoch(turn, view, standing.position, standing.previous);
    for (let index = placement.skip; index < part.until; index += 1) {
      applyEvent(applying, index, index === part.until - 1 ? part.refusedReason : null);
    }
    advance(applying, batch.first + part.until - 1, batch.hashes[part.until - 1] ?? '');
  }
  // What the agent says in its state it was told proves a restored store, and an acknowledgement below that would make it forget
  // the proof. So it is not told where the cursor stands before its state has come; the state is answered with the same.
  if (placement.type === 'beyond' && view.lastState?.instance !== batch.instance) return;
  acknowledge(applying, standing.position);
}

/** Moves the cursor to `upTo`. */
function advance({ turn, view, received, batch }: Applying, upTo: number, hash: string): void {
  const offset = view.clock.offsetMs;
  const row: CursorRow = {
    edgeId: received.edgeId,
    epoch: batch.epoch,
    upTo,
    hash,
    clockOffsetMs: offset === null ? null : Math.round(offset),
    lastEventAtMs: received.receivedAtMs,
  };
  turn.put('cursors', row);
  const state = view.lastState;
  const isCurrent =
    view.presence === 'online' &&
    state?.epoch === batch.epoch &&
    highestKnown(view, state) <= upTo &&
    !view.isRestoring;
  if (state !== null)
    turn.apply(received.siteId, { type: 'edge-currency', edgeId: received.edgeId, current: isCurrent });
  if (isCurrent) turn.apply(received.siteId, { type: 'edge-recovered', edgeId: received.edgeId });
  turn.afterCommit(() => {
    view.conflict = null;
  });
}

/** Several batches of one edge in a turn are acknowledged once: where its cursor stands then says it all. */
function acknowledge({ context, turn, view, received, batch }: Applying, before: Position): void {
  const { instance, epoch } = batch;
  const known = turn.acknowledged.get(received.edgeId);
  if (known?.instance === instance && known.epoch === epoch) return;
  turn.acknowledged.set(received.edgeId, { instance, epoch });
  turn.afterCommit(() => {
    const cursor = turn.directory.cursor(received.edgeId);
    context.outbound.ack(view, instance, cursor?.epoch === epoch ? cursor : before, null);
  });
}

/** Arrivals that are sent again and still wait hear the same answer again. */
function sendDecisionsAgain({ context, turn, view, site, received, batch }: Applying, known: number): void {
  for (let index = 0; index < known; index += 1) {
    const read = batch.events[index];
    turn.fates.add(received.siteId, read?.type === 'known' ? read.event.kind : 'unknown', 'duplicate');
    const seq = batch.first + index;
    if (!batch.waiting.includes(seq)) continue;
    const arrival = arrivalOf(site, arrivalKey({ edgeId: received.edgeId, epoch: batch.epoch, seq }));
    if (arrival !== undefined && isDecided(arrival)) decideAgain(context, turn, view, arrival);
  }
}

function reportDropped({ context, turn }: Applying): void {
  turn.afterCommit(() => {
    context.observer.onDropped('beyond-cursor');
  });
}
