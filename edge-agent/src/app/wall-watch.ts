/** Notices when the wall clock jumps, by comparing it with the monotonic one. */
import type { Clock } from '@gatehouse/shared';

/** A wall clock that goes astray by more than this between two looks has jumped. */
const jumpMs = 5_000;

export function createWallWatch(
  clock: Clock,
  linkClock: Clock,
  intervalMs: number,
  onChange: (jumped: boolean, byMs: number) => void,
): { start(): void; stop(): void; readonly jumped: boolean } {
  let offsetMs = 0;
  let jumped = false;
  let cancel: () => void = () => undefined;
  const look = (): void => {
    const nowOffsetMs = clock.wallMs() - clock.monoMs();
    const byMs = nowOffsetMs - offsetMs;
    offsetMs = nowOffsetMs;
    const jumps = Math.abs(byMs) > jumpMs;
    if (jumps !== jumped) {
      jumped = jumps;
      onChange(jumped, byMs);
    }
    cancel = linkClock.setTimer(intervalMs, look);
  };
  return {
    start() {
      offsetMs = clock.wallMs() - clock.monoMs();
      cancel = linkClock.setTimer(intervalMs, look);
    },
    stop() {
      cancel();
    },
    get jumped() {
      return jumped;
    },
  };
}
