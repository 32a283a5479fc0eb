/** What happens when an edge's history ends, begins anew, has a hole, or is not its own. */
import type { AckConflict, OnlineState } from '@gatehouse/shared';
import type { CursorRow } from '../ports.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { IngestContext } from './context.js';
import type { EdgeView } from './edge-view.js';
import type { Position } from './history.js';

/** Starts a cursor for a new epoch and retires the one it replaces. */
export function beginEpoch(turn: OpenTurn, view: EdgeView, position: Position, previous: CursorRow | null): void {
  const { edgeId, siteId } = view;
  if (previous !== null) {
    const { epoch, upTo, hash } = previous;
    const surplus = turn.directory.surplusRetiredEpoch(edgeId);
    if (surplus !== undefined) turn.put('removedRetiredEpochs', { edgeId, epoch: surplus.epoch });
    turn.put('retiredEpochs', { edgeId, epoch, upTo, hash, retiredAtMs: turn.nowMs });
  }
  turn.put('cursors', {
    edgeId,
    epoch: position.epoch,
    upTo: position.upTo,
    hash: position.hash,
    clockOffsetMs: previous?.clockOffsetMs ?? null,
    lastEventAtMs: previous?.lastEventAtMs ?? null,
  });
  if (previous !== null) {
    const cause = view.conflict ?? 'new-outbox';
    turn.apply(siteId, {
      type: 'epoch-replaced',
      edgeId,
      epoch: position.epoch,
      previousEpoch: previous.epoch,
      cause,
    });
  }
  turn.afterCommit(() => {
    view.conflict = null;
    view.isRestoring = false;
  });
}

/** Applies nothing of an edge whose history is not the one that is stored, tells it so, and raises the alarm. */
export function refuseHistory(
  context: IngestContext,
  turn: OpenTurn,
  view: EdgeView,
  instance: string,
  position: Position,
  conflict: AckConflict,
): void {
  alarmIdentity(context, turn, view);
  turn.afterCommit(() => {
    view.conflict = conflict;
    context.observer.onDropped('conflict');
    context.outbound.ack(view, instance, position, conflict);
  });
}

/** Opens the review for an identity in use twice; once a period. */
export function alarmIdentity(context: IngestContext, turn: OpenTurn, view: EdgeView): void {
  const nowMonoMs = context.linkClock.monoMs();
  if (!view.identity.isAlarmDue(nowMonoMs)) return;
  turn.apply(view.siteId, { type: 'identity-conflict', edgeId: view.edgeId });
  turn.afterCommit(() => {
    view.identity.onAlarm(nowMonoMs);
    context.logger.error(
      { siteId: view.siteId, edgeId: view.edgeId },
      'two histories or two agents under one identity',
    );
  });
}

/** Moves the cursor over events that will never come. The hash there is unknown until the next batch shows it. */
export function passOverGap(
  context: IngestContext,
  turn: OpenTurn,
  view: EdgeView,
  position: Position,
  state: OnlineState,
): Position {
  const { edgeId, siteId } = view;
  const { oldest, gates } = state;
  const cursor = turn.directory.cursor(edgeId);
  const moved = { epoch: position.epoch, upTo: oldest - 1, hash: '' };
  turn.put('cursors', {
    edgeId,
    ...moved,
    clockOffsetMs: cursor?.clockOffsetMs ?? null,
    lastEventAtMs: cursor?.lastEventAtMs ?? null,
  });
  turn.apply(siteId, {
    type: 'events-gap',
    edgeId,
    epoch: position.epoch,
    fromSeq: position.upTo + 1,
    toSeq: oldest - 1,
    open: gates.flatMap(({ arrival }) => arrival ?? []),
  });
  turn.afterCommit(() => {
    context.observer.onEventsLost(siteId, edgeId, oldest - 1 - position.upTo);
  });
  return moved;
}
