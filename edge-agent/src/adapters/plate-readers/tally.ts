/** Counts what each camera sent, and tells the log of refusals without letting a camera fill it. */
import type { Clock, Logger } from '@gatehouse/shared/edge';

export interface CameraCounts {
  reads: number;
  ignored: number;
  refused: number;
}

export interface ReaderTally {
  /** Since the start, by camera, and by source for what concerns no camera. Requests that name none are counted under null. */
  readonly counts: ReadonlyMap<string | null, Readonly<CameraCounts>>;
  read(cameraId: string): void;
  ignored(cameraId: string): void;
  /** `rule`: which field, and what it should have been; no plate and no secret. */
  refused(cameraId: string | null, rule: string): void;
}

const minMsBetweenLines = 60_000;

export function createReaderTally(cameraIds: readonly string[], around: { clock: Clock; logger: Logger }): ReaderTally {
  const { clock, logger } = around;
  const counts = new Map<string | null, CameraCounts>(
    [null, ...cameraIds].map((cameraId) => [cameraId, { reads: 0, ignored: 0, refused: 0 }]),
  );
  const toldAtMs = new Map<string | null, number>();
  const of = (cameraId: string | null) => {
    const name = counts.has(cameraId) ? cameraId : null;
    return { name, count: counts.get(name) ?? { reads: 0, ignored: 0, refused: 0 } };
  };
  return {
    counts,
    read(cameraId) {
      of(cameraId).count.reads += 1;
    },
    ignored(cameraId) {
      of(cameraId).count.ignored += 1;
    },
    refused(cameraId, rule) {
      const { name, count } = of(cameraId);
      count.refused += 1;
      const nowMs = clock.monoMs();
      if (nowMs - (toldAtMs.get(name) ?? -Infinity) < minMsBetweenLines) return;
      toldAtMs.set(name, nowMs);
      logger.warn({ cameraId: name, rule, refused: count.refused }, 'what a plate reader sent was refused');
    },
  };
}
