/**
 * Deletes what has been kept long enough, and texts that nothing refers to any more. One small step at a time: a step is made as large as
 * takes about as long as a commit, and steps take only a share of the time. Turns go on beside them, but for texts, which no turn may meet
 * while they go: whoever waits at a gate waits for one such step at most.
 */
import type { CancelTimer, Clock, Logger } from '@gatehouse/shared';
import { createAuditCutter } from './audit-cut.js';
import type { AggregatorStore, PrunableKind } from './ports.js';
import type { AggregatorSettings } from './settings.js';
import { createStepPace } from './step-pace.js';
import type { StepPace } from './step-pace.js';
import type { AuditCut } from './turn/audit-chain.js';

export interface Retention {
  /** A new round is due; what is still to be done of the one before goes on in it. */
  begin(): void;
  /** Begins one step of the round; null when there is none to begin now. */
  step(): RetentionStep | null;
  /** A turn's commit took so long. */
  readonly onCommit: (durationMs: number) => void;
  stop(): void;
}

export interface RetentionStep {
  /** No turn may run until it has ended. */
  readonly keepsTurnsOut: boolean;
  /** Never rejects. */
  readonly ended: Promise<void>;
}

export interface RetentionPorts {
  readonly store: Pick<AggregatorStore, 'prune' | 'pruneCredentials' | 'findOldAudit' | 'pruneAudit'>;
  /** The time of records. */
  readonly clock: Clock;
  /** The time that passes here. */
  readonly linkClock: Clock;
  readonly logger: Logger;
  /** Asked before a credential is deleted: forgets it, unless what is in memory needs it. */
  readonly letCredentialGo: (credentialId: string) => boolean;
  /** Writes in the audit log which of its entries go; calls `onEnd` once, with whether that is durable. */
  readonly recordCut: (cut: AuditCut, onEnd: (isStored: boolean) => void) => void;
  /** There is a step to do again. */
  readonly onReady: () => void;
}

/** What a round consists of. */
interface Task {
  readonly name: string;
  readonly pace: StepPace;
  readonly stepsPerInterval: number;
  readonly keepsTurnsOut: boolean;
  stepsLeft: number;
  /** Deletes, or looks at, up to `pace.rows` rows; answers how many, and whether there may be more. */
  readonly step: (rows: number) => Promise<{ readonly rows: number; readonly isMore: boolean }>;
}

const dayMs = 86_400_000;
/** Of the average of commits that the newest one makes. */
const newestWeight = 0.1;
/** A step has the flush that every commit has, and half as much again for what it deletes. */
const commitsPerStep = 1.5;

export function createRetention(settings: AggregatorSettings['retention'], ports: RetentionPorts): Retention {
  const { linkClock } = ports;
  const tasks = createTasks(settings, ports, (task) => {
    enter(task);
    ports.onReady();
  });
  let round: Task[] = [];
  let usualCommitMs = 0;
  let endRest: CancelTimer | null = null;
  let isUnderWay = false;

  const enter = (task: Task): void => {
    if (!round.includes(task)) round.push(task);
  };

  /** Steps take `timeSharePercent` of the time; the rest of it belongs to turns, also to those that are about to come. */
  const restAfter = (durationMs: number): void => {
    const restMs = durationMs * (100 / settings.timeSharePercent - 1);
    if (round.length === 0) return;
    if (restMs <= 0) {
      ports.onReady();
      return;
    }
    endRest = linkClock.setTimer(restMs, () => {
      endRest = null;
      ports.onReady();
    });
  };

  const carryOut = async (task: Task): Promise<void> => {
    const startedMs = linkClock.monoMs();
    try {
      const { rows, isMore } = await task.step(task.pace.rows);
      const targetMs = Math.max(settings.stepMs, commitsPerStep * usualCommitMs);
      task.pace.onStep(rows, linkClock.monoMs() - startedMs, targetMs);
      task.stepsLeft -= 1;
      if (isMore && task.stepsLeft > 0) enter(task);
    } catch (error) {
      ports.logger.warn({ kind: task.name, err: error }, 'old rows could not be deleted; tried again next time');
      round = [];
    }
    isUnderWay = false;
    restAfter(linkClock.monoMs() - startedMs);
  };

  return {
    begin() {
      for (const task of tasks) {
        task.stepsLeft = task.stepsPerInterval;
        enter(task);
      }
    },
    step() {
      const task = round[0];
      if (task === undefined || endRest !== null || isUnderWay) return null;
      // Those that have more to do take turns: one that never comes to its end keeps none of the others waiting.
      round.shift();
      isUnderWay = true;
      return { keepsTurnsOut: task.keepsTurnsOut, ended: carryOut(task) };
    },
    onCommit(durationMs) {
      usualCommitMs += newestWeight * (durationMs - usualCommitMs);
    },
    stop() {
      round = [];
      endRest?.();
    },
  };
}

function createTasks(
  settings: AggregatorSettings['retention'],
  ports: RetentionPorts,
  isReady: (task: Task) => void,
): readonly Task[] {
  const { store, clock } = ports;
  const until = (days: number): number => Math.floor(clock.wallMs() - days * dayMs);
  const task = (name: string, step: Task['step']): Task => ({
    name,
    step,
    pace: createStepPace(settings.rowsPerStep),
    stepsPerInterval: Number.POSITIVE_INFINITY,
    keepsTurnsOut: false,
    stepsLeft: 0,
  });

  const old = keptDays(settings).map(([kind, days]) =>
    task(kind, async (maxRows) => {
      const rows = await store.prune(kind, until(days), maxRows);
      return { rows, isMore: rows >= maxRows };
    }),
  );

  const cutter = createAuditCutter({
    store,
    record: ports.recordCut,
    onReady: () => {
      isReady(audit);
    },
  });
  const audit = task('audit', (maxRows) => cutter.step(until(settings.auditDays), maxRows));

  /** Where the walk through the credentials goes on, in this round or the next; null: at the first. */
  let lastCredentialId: string | null = null;
  const credentials: Task = {
    name: 'credentials',
    async step(maxRows) {
      const { lastId } = await store.pruneCredentials(lastCredentialId, maxRows, ports.letCredentialGo);
      lastCredentialId = lastId;
      return { rows: lastId === null ? 0 : maxRows, isMore: lastId !== null };
    },
    pace: createStepPace(settings.credentialsPerStep),
    stepsPerInterval: settings.stepsPerInterval,
    keepsTurnsOut: true,
    stepsLeft: 0,
  };
  return [...old, audit, credentials];
}

function keptDays(settings: AggregatorSettings['retention']): readonly (readonly [PrunableKind, number])[] {
  return [
    ['sessions', settings.sessionsDays],
    ['events', settings.eventsDays],
    ['arrivals', settings.arrivalsDays],
    ['reviews', settings.reviewsDays],
    ['quarantine', settings.quarantineDays],
    ['notices', settings.noticesDays],
    ['commands', settings.commandsDays],
    ['idempotency', settings.idempotencyDays],
  ];
}
