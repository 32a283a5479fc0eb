/** What has to be done from time to time: age limits, presence, old rows, credentials that nobody needs any more. */
import type { CancelTimer, Clock } from '@gatehouse/shared';
import { openReviews, openArrivals, sessionsInside } from '../domain/engine.js';
import type { EdgeView } from './ingest/edge-view.js';
import type { Receiver } from './ingest/receiver.js';
import type { OccupancyBoard } from './occupancy.js';
import type { OperationQueue } from './operation-queue.js';
import type { AggregatorPorts } from './ports.js';
import { createRetention } from './retention.js';
import type { AggregatorSettings } from './settings.js';
import { cutEntry } from './turn/audit-chain.js';
import type { Memory } from './turn/memory.js';

export interface Upkeep {
  start(): void;
  stop(): void;
  /** One small step between two turns; false when nothing is due. Never rejects. */
  step(): Promise<boolean>;
  /** A turn's commit took so long. */
  readonly onCommit: (durationMs: number) => void;
  /** Tells followers that an edge came or went. */
  announce(view: EdgeView): void;
}

export interface UpkeepParts {
  readonly ports: AggregatorPorts;
  readonly settings: AggregatorSettings;
  readonly linkClock: Clock;
  readonly memory: Memory;
  readonly operations: OperationQueue;
  readonly occupancy: OccupancyBoard;
  readonly receiver: Receiver;
  /** What else goes by the time of records. */
  readonly onTick: () => void;
  readonly kick: () => void;
}

export function createUpkeep(parts: UpkeepParts): Upkeep {
  const { ports, settings, linkClock, memory, operations } = parts;
  const retention = createRetention(settings.retention, {
    ...ports,
    linkClock,
    letCredentialGo,
    recordCut(cut, onEnd) {
      let isStored = false;
      operations.enqueueUpkeep(
        (turn) => {
          turn.audit(cutEntry(cut));
          turn.afterCommit(() => {
            isStored = true;
          });
        },
        () => {
          onEnd(isStored);
        },
      );
    },
    onReady: parts.kick,
  });
  const timers = new Set<CancelTimer>();
  const ticking = new Set<string>();
  const announcing = new Set<string>();
  let credentialsDue = false;

  const every = (clock: Clock, intervalMs: number, action: () => void): void => {
    const arm = (): void => {
      const cancel = clock.setTimer(intervalMs, () => {
        timers.delete(cancel);
        arm();
        action();
      });
      timers.add(cancel);
    };
    arm();
  };

  const tick = (): void => {
    for (const siteId of memory.sites.keys()) {
      if (ticking.has(siteId)) continue;
      ticking.add(siteId);
      operations.enqueueUpkeep(
        (turn) => {
          turn.apply(siteId, { type: 'tick' });
        },
        () => ticking.delete(siteId),
      );
    }
    parts.onTick();
  };

  const forgetCredentials = (): void => {
    if (!memory.directory.hasMoreCredentialsThan(settings.maxIdleCredentials)) return;
    const referred = new Set<string | null>();
    for (const site of memory.sites.values()) {
      for (const session of sessionsInside(site)) referred.add(session.credentialId);
      for (const arrival of openArrivals(site)) referred.add(arrival.credentialId);
      for (const review of openReviews(site)) referred.add(review.credentialId);
    }
    memory.directory.forgetIdleCredentials(settings.maxIdleCredentials, (id) => referred.has(id));
  };

  // A function declaration: `retention` is given it above.
  function letCredentialGo(credentialId: string): boolean {
    for (const site of memory.sites.values()) if (site.credentials.has(credentialId)) return false;
    if (memory.directory.vehicleByCredential(credentialId) !== undefined) return false;
    // Between two turns nothing else holds its id; the next turn that meets its text looks it up in the store.
    memory.directory.follow('erasedCredentials', credentialId);
    return true;
  }

  const announce = (view: EdgeView): void => {
    if (announcing.has(view.edgeId)) return;
    announcing.add(view.edgeId);
    let told = view.presence;
    operations.enqueueUpkeep(
      (turn) => {
        const { presence, siteId, edgeId } = view;
        told = presence;
        if (presence === view.announcedPresence || turn.findSite(siteId) === undefined) return;
        const nothing = { gateId: null, sessionId: null, slotId: null, reviewId: null };
        const detail = `${edgeId} is ${presence}`;
        turn.notice({ kind: 'edge-changed', siteId, atMs: turn.nowMs, detail, ...nothing });
        // A silent edge may be admitting alone: what it does is unknown until it is heard again.
        if (presence === 'offline') turn.apply(siteId, { type: 'edge-currency', edgeId, current: false });
        turn.afterCommit(() => {
          view.announcedPresence = presence;
        });
      },
      () => {
        announcing.delete(view.edgeId);
        if (view.presence !== told) announce(view);
      },
    );
  };

  return {
    start() {
      every(ports.clock, settings.tickIntervalMs, tick);
      every(linkClock, settings.edges.stateIntervalMs, parts.receiver.sweepPresence);
      every(linkClock, settings.retention.intervalMs, () => {
        retention.begin();
        credentialsDue = true;
        parts.kick();
      });
      for (const siteId of memory.sites.keys()) parts.occupancy.onSite(siteId);
    },
    stop() {
      for (const cancel of timers) cancel();
      timers.clear();
      retention.stop();
      parts.occupancy.stop();
    },
    async step() {
      if (credentialsDue) {
        credentialsDue = false;
        forgetCredentials();
        return true;
      }
      const step = retention.step();
      if (step?.keepsTurnsOut === true) await step.ended;
      return step !== null;
    },
    onCommit: retention.onCommit,
    announce,
  };
}
