/** The inputs of one gate while it is tested: their levels, when they changed, and waiting for them. */
import type { Clock } from '@gatehouse/shared/edge';
import type { BarrierListener, LaneInput } from '../app/ports.js';

/** `late`: not within the time. `trouble`: the driver cannot go on. `ended`: somebody asked for the end. */
export type Waited = 'met' | 'late' | 'trouble' | 'ended';

export interface LaneWatch {
  readonly listener: BarrierListener;
  begin(levels: ReadonlyMap<LaneInput, boolean>): void;
  isWired(input: LaneInput): boolean;
  isActive(input: LaneInput): boolean;
  /** When it last changed, on the clock; undefined if it has not. */
  changedAtMs(input: LaneInput): number | undefined;
  /** What the driver last complained about. */
  readonly trouble: string | undefined;
  /** Looked at again whenever something changes. */
  until(condition: () => boolean, withinMs: number): Promise<Waited>;
}

export function createLaneWatch(clock: Clock, end: AbortSignal): LaneWatch {
  const levels = new Map<LaneInput, boolean>();
  const changes = new Map<LaneInput, number>();
  let trouble: string | undefined;
  let look: () => void = () => undefined;
  return {
    listener: {
      onInput({ input, active, monoMs }) {
        levels.set(input, active);
        changes.set(input, monoMs);
        look();
      },
      onTrouble(detail) {
        trouble = detail;
        look();
      },
      onTroubleOver() {
        trouble = undefined;
      },
    },
    begin(present) {
      // An edge that came meanwhile is newer.
      for (const [input, active] of present) if (!levels.has(input)) levels.set(input, active);
    },
    isWired: (input) => levels.has(input),
    isActive: (input) => levels.get(input) ?? false,
    changedAtMs: (input) => changes.get(input),
    get trouble() {
      return trouble;
    },
    until(condition, withinMs) {
      return new Promise((resolve) => {
        const finish = (waited: Waited): void => {
          cancelTimer();
          look = () => undefined;
          end.removeEventListener('abort', onEnd);
          resolve(waited);
        };
        const onEnd = (): void => {
          finish('ended');
        };
        const cancelTimer = clock.setTimer(withinMs, () => {
          finish('late');
        });
        end.addEventListener('abort', onEnd);
        look = () => {
          if (trouble !== undefined) finish('trouble');
          else if (condition()) finish('met');
        };
        if (end.aborted) finish('ended');
        else look();
      });
    },
  };
}
