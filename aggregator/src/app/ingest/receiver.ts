/** Takes messages as the broker delivers them: checks whose they are, notes presence, and puts the rest in the inbox. */
import { edgeToCentreChannels, parsePayload, parseTopic, stateSchema, wireLimits } from '@gatehouse/shared';
import type { EdgeToCentreChannel, OfflineState, OnlineState } from '@gatehouse/shared';
import type { Directory } from '../directory.js';
import type { EdgeLogs } from '../edge-log/edge-logs.js';
import type { DropReason } from '../observer.js';
import type { IncomingMessage } from '../ports.js';
import type { Work } from '../turn/work.js';
import { createBatchWork } from './batch-work.js';
import type { IngestContext, Received } from './context.js';
import { unreadableOf } from './edge-view.js';
import type { EdgeView } from './edge-view.js';
import type { Inbox } from './inbox.js';
import { quarantinePayload } from './quarantine.js';
import { readBatch } from './read-batch.js';
import { withUnchangedParts } from './unchanged.js';

export interface ReceiverPorts {
  readonly context: IngestContext;
  readonly directory: Directory;
  readonly inbox: Inbox;
  readonly logs: EdgeLogs;
  readonly hasSite: (siteId: string) => boolean;
  /** Work that is not of the inbox: what cannot be read. */
  readonly enqueue: (work: Work) => void;
  /** The presence of an edge changed. */
  readonly onPresence: (view: EdgeView) => void;
  readonly onWork: () => void;
}

export interface Receiver {
  /** Returns at once and never throws. */
  readonly onMessage: (message: IncomingMessage) => void;
  /** Edges that have missed too many states are offline. */
  readonly sweepPresence: () => void;
  /** Nobody is this edge any more; the last will of its connection is not taken. */
  readonly onRevoked: (edgeId: string) => void;
}

/** Log lines of one reason, at most one in this time. */
const logEveryMs = 10_000;

export function createReceiver(ports: ReceiverPorts): Receiver {
  const { context, directory, inbox, logs } = ports;
  const { clock, linkClock, settings } = context;
  const loggedMonoMs = new Map<DropReason, number>();

  const drop = (reason: DropReason, edgeId: string | null): void => {
    context.observer.onDropped(reason);
    const nowMs = linkClock.monoMs();
    if (nowMs - (loggedMonoMs.get(reason) ?? -Infinity) < logEveryMs) return;
    loggedMonoMs.set(reason, nowMs);
    context.logger.warn({ reason, edgeId }, 'a message was dropped');
  };

  const handle = ({ topic, payload }: IncomingMessage): void => {
    const parsed = parseTopic(topic);
    const channel = parsed?.type === 'edge' ? edgeToCentreChannels.find((own) => own === parsed.channel) : undefined;
    if (parsed?.type !== 'edge' || channel === undefined) {
      drop('foreign-topic', null);
      return;
    }
    const { siteId, edgeId } = parsed;
    const edge = directory.edge(edgeId);
    const view = context.view(edgeId);
    if (edge === undefined || view === undefined) drop('unknown-edge', edgeId);
    else if (edge.revokedAtMs !== null) drop('revoked-edge', edgeId);
    else if (edge.siteId !== siteId) drop('wrong-site', edgeId);
    else if (!ports.hasSite(siteId)) drop('no-site', edgeId);
    else accept(view, channel, payload);
  };

  const accept = (view: EdgeView, channel: EdgeToCentreChannel, payload: Uint8Array): void => {
    const receivedAtMs = Math.round(clock.wallMs());
    const { edgeId, siteId } = view;
    view.lastSeenAtMs = receivedAtMs;
    const copy = payload.slice(0, wireLimits.maxPayloadBytes + 1);
    const receivedMonoMs = linkClock.monoMs();
    view.lastSeenMonoMs = receivedMonoMs;
    const received = { edgeId, siteId, payload: copy, payloadBytes: payload.byteLength, receivedAtMs, receivedMonoMs };
    if (channel === 'log') {
      const refused = logs.onReport(view, received);
      if (refused !== null) drop(refused, edgeId);
      return;
    }
    if (channel === 'state') onState(view, received);
    else if (!inbox.offerBatch(received)) drop('inbox-full', edgeId);
    ports.onWork();
  };

  const onState = (view: EdgeView, received: Received): void => {
    const parsed = parsePayload(stateSchema, received.payload);
    if (!parsed.ok) onUnreadable(context, view, received, parsed.error, (work) => enqueueFor(view, work));
    else if (parsed.value.presence === 'offline') onOffline(view, parsed.value);
    else onOnline(view, parsed.value, received);
  };

  /** While the store fails nothing is recorded, and what waits to be must stay bounded. */
  const enqueueFor = (view: EdgeView, work: Work): void => {
    const unreadable = unreadableOf(view);
    if (unreadable.waiting >= settings.ingest.unreadablePayloadsPerEdgePerMinute) return;
    unreadable.waiting += 1;
    ports.enqueue({
      ...work,
      onCommitted() {
        unreadable.waiting -= 1;
        work.onCommitted();
      },
      onFailed(error) {
        unreadable.waiting -= 1;
        work.onFailed(error);
      },
    });
  };

  const onOffline = (view: EdgeView, state: OfflineState): void => {
    if (view.instance !== null && view.instance !== state.instance) return;
    view.instance = state.instance;
    setPresence(view, 'offline');
  };

  const onOnline = (view: EdgeView, told: OnlineState, received: Received): void => {
    const before = view.lastState;
    const state = withUnchangedParts(before, told);
    // A broker may deliver an older state again after a newer one.
    if (before?.instance === state.instance && state.clock.monoMs < before.clock.monoMs) return;
    const isNewConnection = view.presence !== 'online' || view.instance !== state.instance;
    view.instance = state.instance;
    view.lastState = state;
    view.lastStateAtMs = received.receivedAtMs;
    view.lastStateMonoMs = received.receivedMonoMs;
    view.clock.onState(state.clock, received.receivedAtMs);
    const isConflicting = view.identity.onInstance(state.instance, received.receivedMonoMs);
    inbox.offerState(view.edgeId, { state, isNewConnection, isConflicting });
    setPresence(view, 'online');
    logs.onState(view, isNewConnection);
  };

  const setPresence = (view: EdgeView, presence: 'online' | 'offline'): void => {
    if (view.presence === presence) return;
    view.presence = presence;
    context.observer.onEdgePresence(view.siteId, view.edgeId, presence === 'online');
    ports.onPresence(view);
  };

  return {
    onMessage(message) {
      try {
        handle(message);
      } catch (error) {
        context.logger.error({ err: error }, 'a message could not be taken');
      }
    },
    onRevoked(edgeId) {
      const view = context.view(edgeId);
      if (view?.presence === 'online') setPresence(view, 'offline');
    },
    sweepPresence() {
      const { stateIntervalMs, missedStates } = settings.edges;
      const nowMs = linkClock.monoMs();
      for (const edge of directory.edges()) {
        const view = context.view(edge.edgeId);
        if (view?.presence !== 'online') continue;
        if (nowMs - view.lastStateMonoMs > stateIntervalMs * missedStates) setPresence(view, 'offline');
      }
    },
  };
}

/** The work for a payload of the `events` channel; null when it cannot be read and enough of that was recorded. */
export function workForBatch(context: IngestContext, received: Received): Work | null {
  const view = context.view(received.edgeId);
  if (view === undefined) return null;
  const read = readBatch(received.payload, context.sha256);
  if (!read.ok) {
    let work: Work | null = null;
    onUnreadable(context, view, received, read.error, (quarantine) => {
      work = quarantine;
    });
    return work;
  }
  const { instance, epoch, first, last, events } = read.value;
  if (view.instance === null || view.presence !== 'online') view.instance = instance;
  const before = view.highest;
  const isSame = before?.instance === instance && before.epoch === epoch;
  view.highest = { instance, epoch, seq: isSame ? Math.max(before.seq, last) : last };
  const newest = events[last - first];
  if (newest?.type === 'known') view.clock.onEvent(newest.event.atMs, received.receivedAtMs);
  return createBatchWork(context, received, read.value);
}

/** Puts a payload that cannot be read in quarantine, a bounded number of them a minute. It is not acknowledged. */
function onUnreadable(
  context: IngestContext,
  view: EdgeView,
  received: Received,
  reason: string,
  enqueue: (work: Work) => void,
): void {
  context.observer.onDropped('unreadable');
  const minute = Math.floor(received.receivedMonoMs / 60_000);
  const unreadable = unreadableOf(view);
  if (unreadable.minute !== minute) Object.assign(unreadable, { minute, count: 0 });
  unreadable.count += 1;
  if (unreadable.count > context.settings.ingest.unreadablePayloadsPerEdgePerMinute) return;
  const isTooLong = received.payloadBytes > wireLimits.maxPayloadBytes;
  enqueue({
    payloadBytes: received.payload.byteLength,
    needs: {},
    whenStoreFails: 'keep',
    run(turn) {
      quarantinePayload(context, turn, received, isTooLong ? tooLong(received) : reason);
    },
    onCommitted: () => undefined,
    onFailed(error) {
      context.logger.error({ edgeId: view.edgeId, err: error }, 'an unreadable payload could not be recorded');
    },
    split: () => null,
  });
}

function tooLong({ payloadBytes }: Received): string {
  return `payload: ${String(payloadBytes)} bytes; at most ${String(wireLimits.maxPayloadBytes)} are taken`;
}
