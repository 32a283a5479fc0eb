/** Notices when the wall clock jumps, by comparing it with the monotonic one. */
import type { Clock, EdgeEvent } from '@gatehouse/shared/edge';
import type { EventStamp } from './draft.js';
import { createRepetition } from './repetition.js';
import type { Repetition } from './repetition.js';

/** A wall clock that goes astray by more than this between two looks has jumped. */
const jumpMs = 5_000;

export interface WallWatch extends Repetition {
  /** At the last look, compared with the one before. */
  readonly jumped: boolean;
}

/** `onChange` is told when a jump was seen, and when the next look saw none, with what makes the event. */
export function createWallWatch(
  { clock, linkClock }: { readonly clock: Clock; readonly linkClock: Clock },
  intervalMs: number,
  onChange: (toEvent: (stamp: EventStamp) => EdgeEvent) => void,
): WallWatch {
  let offsetMs = 0;
  let jumped = false;
  const looking = createRepetition(linkClock, intervalMs, () => {
    const nowOffsetMs = clock.wallMs() - clock.monoMs();
    const byMs = nowOffsetMs - offsetMs;
    offsetMs = nowOffsetMs;
    if (Math.abs(byMs) > jumpMs === jumped) return;
    jumped = !jumped;
    onChange((stamp) => eventOf(jumped, byMs, stamp));
  });
  return {
    start() {
      offsetMs = clock.wallMs() - clock.monoMs();
      looking.start();
    },
    stop() {
      looking.stop();
    },
    get jumped() {
      return jumped;
    },
  };
}

function eventOf(jumped: boolean, byMs: number, stamp: EventStamp): EdgeEvent {
  const common = { ...stamp, gateId: null, fault: 'clock-jumped' as const };
  return jumped
    ? { kind: 'fault-raised', ...common, detail: `by ${String(Math.round(byMs))} ms` }
    : { kind: 'fault-cleared', ...common };
}
