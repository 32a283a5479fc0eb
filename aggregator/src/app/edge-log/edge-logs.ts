/**
 * The logs of edges, as far as they are known here: asks for them, takes what comes, and forgets it with the program. Nothing of
 * it is stored, decided by or waited for, but by a person who reads.
 */
import { logLineLevels, logReportSchema, parsePayload, wireLimits } from '@gatehouse/shared';
import type { Clock, LogLine, LogRequest } from '@gatehouse/shared';
import type { EdgeView } from '../ingest/edge-view.js';
import type { Received } from '../ingest/context.js';
import type { AggregatorObserver, DropReason } from '../observer.js';
import { createLogShelf } from './log-shelf.js';
import type { LogShelfSettings, ShelvedLine } from './log-shelf.js';

export interface EdgeLogs {
  /** An online state came; `isNewConnection` if it is the first one. Asks the edge to tell of what goes wrong, at times. */
  onState(view: EdgeView, isNewConnection: boolean): void;
  /** Answers why it is not taken, if it is not. */
  onReport(view: EdgeView, received: Received): DropReason | null;
  /** Asks the edge for all it has. Answers whether that came in time; at once when nobody could answer. */
  refresh(view: EdgeView): Promise<boolean>;
  /** Oldest first. */
  lines(edgeId: string): readonly ShelvedLine[];
}

export interface EdgeLogPorts {
  readonly linkClock: Clock;
  readonly observer: Pick<AggregatorObserver, 'onLogLines'>;
  readonly send: (view: EdgeView, request: LogRequest) => void;
}

/** How long a person waits for the edge. */
const answerTimeoutMs = 2_000;
/** An answer that is not older is up to date. */
const freshForMs = 1_000;
/** An edge that was asked forgets it when its connection ends, which is not always seen here. */
const askAgainMs = 10 * 60_000;
/** Reports of one edge in a minute; a well-behaved one sends six, and some more to people who read. */
const maxReportsPerMinute = 60;

interface Standing {
  /** When this connection was asked last, on the link's clock; null when it was not. */
  askedMs: number | null;
  answeredMs: number;
  waiting: { readonly answer: Promise<boolean>; readonly settle: (inTime: boolean) => void } | null;
  minute: number;
  reports: number;
}

export function createEdgeLogs(settings: LogShelfSettings, ports: EdgeLogPorts): EdgeLogs {
  const { linkClock, observer } = ports;
  const isOff = settings.logLines === 0;
  const shelf = createLogShelf(settings);
  /** Of the edges that are registered and were heard of. */
  const standings = new WeakMap<EdgeView, Standing>();

  const standingOf = (view: EdgeView): Standing => {
    const known = standings.get(view);
    if (known !== undefined) return known;
    const standing = { askedMs: null, answeredMs: -Infinity, waiting: null, minute: -1, reports: 0 };
    standings.set(view, standing);
    return standing;
  };

  const ask = (view: EdgeView, now: boolean): boolean => {
    const { instance } = view;
    if (isOff || instance === null || view.presence !== 'online') return false;
    standingOf(view).askedMs = linkClock.monoMs();
    ports.send(view, { instance, after: shelf.lastNumber(view.edgeId, instance), now });
    return true;
  };

  /** Too many of them cost no more than being counted. */
  const isTooMany = (standing: Standing): boolean => {
    const minute = Math.floor(linkClock.monoMs() / 60_000);
    if (standing.minute !== minute) Object.assign(standing, { minute, reports: 0 });
    standing.reports += 1;
    return standing.reports > maxReportsPerMinute;
  };

  const count = (view: EdgeView, added: readonly LogLine[]): void => {
    for (const level of logLineLevels) {
      const lines = added.filter((line) => line.level === level).length;
      if (lines > 0) observer.onLogLines(view.siteId, view.edgeId, level, lines);
    }
  };

  return {
    onState(view, isNewConnection) {
      const standing = standingOf(view);
      if (isNewConnection) {
        // Not now: there is more important work when edges come back.
        standing.askedMs = null;
      } else if (standing.askedMs === null || linkClock.monoMs() - standing.askedMs >= askAgainMs) ask(view, false);
    },
    onReport(view, received) {
      const standing = standingOf(view);
      if (isTooMany(standing)) return 'log-too-many';
      if (isOff || received.payloadBytes > wireLimits.maxLogReportBytes) return 'log-refused';
      const parsed = parsePayload(logReportSchema, received.payload);
      if (!parsed.ok || parsed.value.instance !== view.instance) return 'log-refused';
      count(view, shelf.put(view.edgeId, parsed.value, received.receivedAtMs));
      if (!parsed.value.more) {
        standing.answeredMs = received.receivedMonoMs;
        standing.waiting?.settle(true);
      }
      return null;
    },
    refresh(view) {
      const standing = standingOf(view);
      if (standing.waiting !== null) return standing.waiting.answer;
      if (view.presence === 'online' && linkClock.monoMs() - standing.answeredMs < freshForMs)
        return Promise.resolve(true);
      if (!ask(view, true)) return Promise.resolve(false);
      let resolve: (inTime: boolean) => void = () => undefined;
      const answer = new Promise<boolean>((settle) => {
        resolve = settle;
      });
      const settle = (inTime: boolean): void => {
        cancel();
        standing.waiting = null;
        resolve(inTime);
      };
      const cancel = linkClock.setTimer(answerTimeoutMs, () => {
        settle(false);
      });
      standing.waiting = { answer, settle };
      return answer;
    },
    lines: (edgeId) => shelf.lines(edgeId),
  };
}
