/** How long the oldest event that is not acknowledged has waited. */
import type { Clock, EdgeEvent, Logger } from '@gatehouse/shared/edge';
import type { OutboxEvent } from './ports.js';
import type { Recorder } from './recorder.js';

interface Birth {
  readonly epoch: string;
  readonly seq: number;
  readonly atMs: number;
  /** null for an event of an earlier boot, whose monotonic times compare with nothing of this one. */
  readonly monoMs: number | null;
}

/**
 * Answers the age in milliseconds by the lane's clock: null when everything is acknowledged, undefined while it is not known. The
 * oldest event of a long backlog is on the disk alone: it is looked up in the background, and known at the next question.
 */
export function createOutboxAge(parts: {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly bootId: string;
  readonly logger: Logger;
}): () => number | null | undefined {
  const { recorder, clock, bootId, logger } = parts;
  let oldest: Birth | undefined;
  let looking = false;

  const birthOf = (epoch: string, { seq, json }: OutboxEvent): Birth => {
    const event = JSON.parse(json) as EdgeEvent;
    return { epoch, seq, atMs: event.atMs, monoMs: event.bootId === bootId ? event.monoMs : null };
  };

  const lookUp = (epoch: string, seq: number): void => {
    if (looking) return;
    looking = true;
    recorder
      .read(seq, 1, 1)
      .then(([event]) => {
        if (event !== undefined && recorder.view.epoch === epoch) oldest = birthOf(epoch, event);
      })
      .catch((error: unknown) => {
        logger.debug({ error: String(error), seq }, 'the age of the outbox could not be read');
      })
      .finally(() => {
        looking = false;
      });
  };

  return () => {
    const { epoch, acked, next, oldest: oldestKept } = recorder.view;
    if (acked >= next - 1) return null;
    const seq = Math.max(acked + 1, oldestKept);
    if (oldest?.epoch !== epoch || oldest.seq !== seq) {
      const inMemory = recorder.recent(seq)?.[0];
      if (inMemory === undefined) lookUp(epoch, seq);
      else oldest = birthOf(epoch, inMemory);
    }
    // While a backlog drains, the one that was the oldest at the last look stands for those that are hardly younger.
    if (oldest?.epoch !== epoch || oldest.seq > seq) return undefined;
    const ageMs = oldest.monoMs === null ? clock.wallMs() - oldest.atMs : clock.monoMs() - oldest.monoMs;
    return Math.max(0, Math.floor(ageMs));
  };
}
