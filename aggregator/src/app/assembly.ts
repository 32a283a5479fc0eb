/** Builds the parts of the aggregator and ties them together. */
import type { Clock } from '@gatehouse/shared';
import { allowanceOf, arrivalOf } from '../domain/engine.js';
import { arrivalKey } from '../domain/rows.js';
import { createAccessLists } from './access-list/access-lists.js';
import type { AccessListKeeper } from './access-list/access-lists.js';
import { createAllowancePlanner } from './allowance/planner.js';
import type { AllowancePlanner } from './allowance/planner.js';
import { createCommands } from './commands.js';
import type { Commands } from './commands.js';
import { createEdgeLogs } from './edge-log/edge-logs.js';
import type { EdgeLogs } from './edge-log/edge-logs.js';
import type { IngestContext } from './ingest/context.js';
import { createEdgeViews } from './ingest/edge-views.js';
import type { EdgeViews } from './ingest/edge-views.js';
import { createCountingObserver } from './counting-observer.js';
import type { DropCounts } from './counting-observer.js';
import { createInbox } from './ingest/inbox.js';
import type { Inbox } from './ingest/inbox.js';
import { isDecided } from './ingest/decide-again.js';
import { createReceiver, workForBatch } from './ingest/receiver.js';
import type { Receiver } from './ingest/receiver.js';
import { createStateWork } from './ingest/state-work.js';
import type { AggregatorObserver } from './observer.js';
import { observeFacts } from './observed-facts.js';
import { createOccupancyBoard } from './occupancy.js';
import { createOperationQueue } from './operation-queue.js';
import type { OperationQueue } from './operation-queue.js';
import { createOutbound } from './outbound.js';
import type { Outbound } from './outbound.js';
import type { AggregatorPorts, EdgeRow, KeyRow, NoticeRow } from './ports.js';
import { createPublisher } from './publisher.js';
import type { Publisher } from './publisher.js';
import type { AggregatorSettings } from './settings.js';
import { createMemory } from './turn/memory.js';
import type { Memory } from './turn/memory.js';
import { createMemoryDirectory } from './turn/memory-directory.js';
import type { TurnOutcome } from './turn/open-turn.js';
import { createTurnLoop } from './turn/turn-loop.js';
import type { TurnLoop } from './turn/turn-loop.js';
import { createTurnRunner } from './turn/turn-runner.js';
import type { TurnListener, TurnRunner } from './turn/turn-runner.js';
import { createUpkeep } from './upkeep.js';
import type { Upkeep } from './upkeep.js';

/** Commands without an answer that are kept in memory. */
const maxCommands = 1_000;

export interface Parts {
  readonly linkClock: Clock;
  readonly memory: Memory;
  readonly views: EdgeViews;
  readonly publisher: Publisher;
  readonly operations: OperationQueue;
  readonly inbox: Inbox;
  readonly receiver: Receiver;
  readonly logs: EdgeLogs;
  readonly runner: TurnRunner;
  readonly loop: TurnLoop;
  readonly commands: Commands;
  readonly upkeep: Upkeep;
  readonly planner: AllowancePlanner;
  readonly accessLists: AccessListKeeper;
  readonly counts: DropCounts;
  onNotices(listener: (rows: readonly NoticeRow[]) => void): () => void;
}

export function assemble(ports: AggregatorPorts, settings: AggregatorSettings, outside: AggregatorObserver): Parts {
  const linkClock = ports.linkClock ?? ports.clock;
  const { observer, counts } = createCountingObserver(outside);
  const memory = createMemory(
    createMemoryDirectory({ maxRetiredEpochs: settings.edges.maxRetiredEpochs, maxCommands }),
  );
  const views = createEdgeViews(memory.directory, settings.edges);
  const publisher = createPublisher(settings, { link: ports.link, clock: linkClock, logger: ports.logger, observer });
  const accessLists = createAccessLists({
    ...ports,
    directory: memory.directory,
    site: (siteId) => memory.sites.get(siteId),
    siteIds: () => memory.sites.keys(),
    onChanged: (siteId) => {
      planner.onSite(siteId);
    },
  });
  const outbound = createOutbound({ publisher, sha256: ports.sha256, linkClock, observer, accessLists });
  const context: IngestContext = { ...ports, settings, linkClock, observer, outbound, view: (id) => views.of(id) };
  const logs = createEdgeLogs(settings.edges, {
    linkClock,
    observer,
    send: (view, request) => {
      outbound.logRequest(view, request);
    },
  });
  const operations = createOperationQueue(settings.commit, {
    onWork: () => {
      loop.kick();
    },
    onFailed(error) {
      ports.logger.error({ err: error }, 'upkeep could not be done');
    },
  });
  const inbox = createInbox(settings.ingest, {
    batchWork: (received) => workForBatch(context, received),
    stateWork(edgeId, state) {
      const view = views.of(edgeId);
      return view === undefined ? null : createStateWork(context, view, state);
    },
    onDropped: () => {
      observer.onDropped('inbox-full');
    },
    onRepeated: () => {
      observer.onDropped('repeated');
    },
  });
  const occupancy = createOccupancyBoard(settings.occupancyIntervalMs, {
    publisher,
    clock: ports.clock,
    linkClock,
    site: (siteId) => memory.sites.get(siteId),
    whenStored(action) {
      operations.enqueueUpkeep(
        (turn) => {
          turn.afterCommit(action);
        },
        () => undefined,
      );
    },
  });
  const planner = createAllowancePlanner(settings.allowanceIntervalMs, {
    linkClock,
    sha256: ports.sha256,
    operations,
    accessLists,
    site: (siteId) => memory.sites.get(siteId),
    view: (edgeId) => views.of(edgeId),
  });
  const followers = createFollowers(ports);
  const onRevoked = (edgeId: string): void => {
    inbox.forget(edgeId);
    receiver.onRevoked(edgeId);
  };
  const listener = createTurnListener({ ports, memory, views, outbound, observer, followers, onRevoked });
  const { maxTurnBatches, maxTurnBytes } = settings.commit;
  const readAhead = (): boolean => inbox.readAhead(maxTurnBatches, maxTurnBytes);
  const runner = createTurnRunner(
    memory,
    { ...ports, linkClock, decisionTtlMs: settings.decisionTtlMs, readAhead, hasWaiting: () => inbox.hasWaiting() },
    {
      ...listener,
      onOutcome(outcome) {
        listener.onOutcome(outcome);
        for (const siteId of outcome.touchedSites) occupancy.onSite(siteId);
        planner.onOutcome(outcome);
        accessLists.onStored(outcome.changes);
      },
      onReloaded() {
        listener.onReloaded();
        accessLists.onReloaded();
      },
      onCommit(durationMs, rows) {
        loop.onStored();
        upkeep.onCommit(durationMs);
        observer.onCommit(durationMs, rows);
      },
    },
  );
  const receiver = createReceiver({
    context,
    directory: memory.directory,
    inbox,
    logs,
    hasSite: (siteId) => memory.sites.has(siteId),
    enqueue: operations.enqueue,
    onPresence: (view) => {
      upkeep.announce(view);
    },
    onWork: () => {
      loop.kick();
    },
  });
  const upkeep = createUpkeep({
    ports,
    settings,
    linkClock,
    memory,
    operations,
    occupancy,
    receiver,
    onTick: () => {
      accessLists.onTick();
    },
    kick: () => {
      loop.kick();
    },
  });
  const loop = createTurnLoop(settings.commit, {
    clock: linkClock,
    logger: ports.logger,
    runner,
    upkeep: () => upkeep.step(),
    source: {
      take: () => [...operations.take(), ...inbox.take(maxTurnBatches, maxTurnBytes)],
      giveBack(work) {
        operations.giveBack(work);
        inbox.giveBack(work);
      },
    },
  });
  const commands = createCommands(settings.commandDeadlineMs, {
    committer: operations.committer,
    outbound,
    clock: ports.clock,
    linkClock,
    view: (edgeId) => views.of(edgeId),
  });
  return {
    linkClock,
    memory,
    views,
    publisher,
    operations,
    inbox,
    receiver,
    logs,
    runner,
    loop,
    commands,
    upkeep,
    planner,
    accessLists,
    counts,
    onNotices: followers.follow,
  };
}

interface Followers {
  readonly follow: (listener: (rows: readonly NoticeRow[]) => void) => () => void;
  tell(rows: readonly NoticeRow[]): void;
}

function createFollowers(ports: AggregatorPorts): Followers {
  const listeners = new Set<(rows: readonly NoticeRow[]) => void>();
  return {
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tell(rows) {
      if (rows.length === 0) return;
      for (const listener of listeners) {
        try {
          listener(rows);
        } catch (error) {
          ports.logger.error({ err: error }, 'a follower of notices failed');
        }
      }
    },
  };
}

interface ListenerParts {
  readonly ports: AggregatorPorts;
  readonly memory: Memory;
  readonly views: EdgeViews;
  readonly outbound: Outbound;
  readonly observer: AggregatorObserver;
  readonly followers: Followers;
  readonly onRevoked: (edgeId: string) => void;
}

/** What follows from a turn once it is stored. */
function createTurnListener(parts: ListenerParts): Omit<TurnListener, 'onCommit'> {
  const { ports, memory, views, observer } = parts;
  /** Digests of what edges and keys may connect with; null when they may not. */
  const digests = new Map<string, string | null>();

  const sendDecisions = ({ decisions }: TurnOutcome): void => {
    for (const { arrival } of decisions) {
      const view = views.of(arrival.edgeId);
      const site = memory.sites.get(arrival.siteId);
      // As it stands at the end of the turn: the edge may have decided by itself in the same batch.
      const now = site === undefined ? undefined : arrivalOf(site, arrivalKey(arrival));
      if (view === undefined || site === undefined || now === undefined || !isDecided(now)) continue;
      parts.outbound.decision(view, site, now, now.decision);
    }
  };

  const sendAllowances = ({ facts }: TurnOutcome): void => {
    const made = new Map<string, string>();
    for (const { siteId, facts: ofInput } of facts) {
      for (const fact of ofInput) if (fact.type === 'allowance-made') made.set(fact.allowance.edgeId, siteId);
    }
    for (const [edgeId, siteId] of made) {
      const view = views.of(edgeId);
      const site = memory.sites.get(siteId);
      const allowance = site === undefined ? undefined : allowanceOf(site, edgeId);
      if (site === undefined || allowance === undefined || view?.presence !== 'online') continue;
      parts.outbound.allowance(view, site, allowance);
    }
  };

  /** Whoever is connected with what no longer holds is cut off at once. */
  const follow = (name: string, digest: string | null): void => {
    const before = digests.get(name) ?? null;
    digests.set(name, digest);
    if (before === null || before === digest) return;
    ports.link.disconnect(name).catch((error: unknown) => {
      ports.logger.warn({ name, err: error }, 'a revoked connection could not be ended');
    });
  };
  const followEdge = ({ edgeId, secretHash, revokedAtMs }: EdgeRow): void => {
    if (revokedAtMs !== null) parts.onRevoked(edgeId);
    follow(edgeId, revokedAtMs === null ? secretHash : null);
  };
  const followKey = ({ keyId, keyHash, revokedAtMs }: KeyRow): void => {
    follow(keyId, revokedAtMs === null ? keyHash : null);
  };

  return {
    onDecisions: sendDecisions,
    onOutcome(outcome) {
      sendAllowances(outcome);
      parts.followers.tell(outcome.notices);
      outcome.changes.edges.forEach(followEdge);
      outcome.changes.keys.forEach(followKey);
      outcome.fates.tell((siteId, kind, result, events) => {
        observer.onEvent(siteId, kind, result, events);
      });
      observeFacts(observer, outcome.facts);
    },
    onStoreFailed(error) {
      observer.onCommitFailed(error.code);
    },
    onReloaded() {
      // A commit may be stored and yet fail.
      for (const edge of memory.directory.edges()) followEdge(edge);
      for (const key of memory.directory.keys()) followKey(key);
    },
  };
}
