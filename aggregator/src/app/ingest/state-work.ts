/** Answers an edge's `state`: compares its account of its outbox with what is stored, and acknowledges. */
import type { OnlineState } from '@gatehouse/shared';
import { allowanceOf, openArrivals, summaryOf } from '../../domain/engine.js';
import type { OpenTurn } from '../turn/open-turn.js';
import type { Work } from '../turn/work.js';
import { decideAgain, isDecided } from './decide-again.js';
import type { IngestContext } from './context.js';
import type { EdgeView } from './edge-view.js';
import { highestKnown } from './edge-view.js';
import { alarmIdentity, beginEpoch, passOverGap, refuseHistory } from './epochs.js';
import type { EpochStanding, Position } from './history.js';
import { standingOf } from './history.js';

export interface ReceivedState {
  readonly state: OnlineState;
  /** The first one of this instance, or after it was offline: what was sent to it before may be lost. */
  readonly isNewConnection: boolean;
  /** It shows that two instances alternate. */
  readonly isConflicting: boolean;
}

export function createStateWork(context: IngestContext, view: EdgeView, received: ReceivedState): Work {
  return {
    payloadBytes: 0,
    needs: {},
    whenStoreFails: 'keep',
    run(turn) {
      answer(context, view, received, turn);
    },
    onCommitted: () => undefined,
    onFailed(error) {
      context.logger.error({ edgeId: view.edgeId, err: error }, 'a state could not be answered');
    },
    split: () => null,
  };
}

function answer(context: IngestContext, view: EdgeView, received: ReceivedState, turn: OpenTurn): void {
  const { state } = received;
  const { edgeId, siteId } = view;
  const edge = turn.directory.edge(edgeId);
  if (edge?.revokedAtMs !== null || turn.findSite(siteId) === undefined) return;
  if (received.isConflicting) alarmIdentity(context, turn, view);

  const retired = turn.directory.retiredEpoch(edgeId, state.epoch);
  const standing = standingOf(state.epoch, turn.directory.cursor(edgeId), retired, context.sha256);
  if (standing.type === 'retired') {
    refuseHistory(context, turn, view, state.instance, standing.position, 'epoch-retired');
    return;
  }
  if (standing.type === 'current' && isProvenBehind(turn, view, state, standing.position.upTo)) {
    refuseHistory(context, turn, view, state.instance, standing.position, 'cursor-ahead');
    return;
  }
  const position = takeAccount(context, turn, view, state, standing);
  findForeignSet(turn, view, state);
  tellWhetherCurrent(turn, view, state, position);
  turn.afterCommit(() => {
    context.outbound.ack(view, state.instance, position, null);
  });
  sendOpenDecisions(context, turn, view, received);
  sendAllowance(context, turn, view, received);
}

/**
 * Whether the edge has written less than is stored of it. A broker may hand out a state from before its last batches, so it takes
 * two states, one after the other; the edge itself sees it from the first acknowledgement.
 */
function isProvenBehind(turn: OpenTurn, view: EdgeView, state: OnlineState, upTo: number): boolean {
  const isBehind = highestKnown(view, state) < upTo;
  const before = view.behind;
  turn.afterCommit(() => {
    view.behind = isBehind ? { instance: state.instance, monoMs: state.clock.monoMs } : null;
  });
  return isBehind && before?.instance === state.instance && before.monoMs < state.clock.monoMs;
}

/** Follows the edge into a new epoch, over a gap, or back after this store was restored. */
function takeAccount(
  context: IngestContext,
  turn: OpenTurn,
  view: EdgeView,
  state: OnlineState,
  standing: EpochStanding,
): Position {
  let { position } = standing;
  const { edgeId, siteId } = view;
  if (standing.type === 'new' && standing.previous !== null) beginEpoch(turn, view, position, standing.previous);
  if (state.acked > position.upTo && !view.isRestoring) {
    turn.apply(siteId, { type: 'store-restored', edgeId });
    turn.afterCommit(() => {
      view.isRestoring = true;
    });
  }
  if (state.oldest > position.upTo + 1) position = passOverGap(context, turn, view, position, state);
  return position;
}

/** A set that was never made here is in the edge's hands: this store is older than the one that made it. */
function findForeignSet(turn: OpenTurn, view: EdgeView, state: OnlineState): void {
  const { edgeId, siteId } = view;
  const allowance = allowanceOf(turn.site(siteId), edgeId);
  const known = allowance?.epoch === state.epoch ? allowance.version : 0;
  if (state.allowanceVersion <= known || allowance?.mustReport === true) return;
  turn.apply(siteId, { type: 'store-restored', edgeId });
}

function tellWhetherCurrent(turn: OpenTurn, view: EdgeView, state: OnlineState, position: Position): void {
  const { edgeId, siteId } = view;
  const current = highestKnown(view, state) <= position.upTo && state.acked <= position.upTo;
  turn.apply(siteId, { type: 'edge-currency', edgeId, current });
  if (!current) return;
  if (summaryOf(turn.site(siteId)).recovering) turn.apply(siteId, { type: 'edge-recovered', edgeId });
  turn.afterCommit(() => {
    view.isRestoring = false;
  });
}

/** Decisions that the edge may have missed: of a new connection all, else those of listed arrivals that were not sent just now. */
function sendOpenDecisions(context: IngestContext, turn: OpenTurn, view: EdgeView, received: ReceivedState): void {
  const { state, isNewConnection } = received;
  const listed = new Set(state.gates.map((gate) => gate.arrival));
  const nowMs = context.linkClock.monoMs();
  for (const arrival of openArrivals(turn.site(view.siteId), view.edgeId)) {
    if (arrival.epoch !== state.epoch || !isDecided(arrival)) continue;
    const sentMs = view.decisionsSent?.get(arrival.seq);
    const isDue = sentMs === undefined || nowMs - sentMs >= context.settings.edges.decisionResendMs;
    if (isNewConnection || (listed.has(arrival.seq) && isDue)) decideAgain(context, turn, view, arrival);
  }
}

/** The set that the edge has not accepted, or does not have: at once on a new connection, else if it was not sent just now. */
function sendAllowance(context: IngestContext, turn: OpenTurn, view: EdgeView, received: ReceivedState): void {
  const { state, isNewConnection } = received;
  turn.afterCommit(() => {
    const site = turn.findSite(view.siteId);
    const allowance = site === undefined ? undefined : allowanceOf(site, view.edgeId);
    if (site === undefined || allowance?.epoch !== state.epoch || allowance.version === 0) return;
    const isWaitingForNext = allowance.mustReport && allowance.settled;
    const isKnown = allowance.settled && allowance.version === state.allowanceVersion;
    if (isKnown || isWaitingForNext) return;
    const sent = view.allowanceSent;
    const nowMs = context.linkClock.monoMs();
    const isDue = sent?.version !== allowance.version || nowMs - sent.monoMs >= context.settings.edges.decisionResendMs;
    if (isNewConnection || isDue) context.outbound.allowance(view, site, allowance);
  });
}
