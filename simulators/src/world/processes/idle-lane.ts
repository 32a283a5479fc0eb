/** A lane where nothing ever happens: a barrier that is closed, and nobody before it. */
import type { AttachedLane } from '../street-port.js';

export function idleLane(): AttachedLane {
  return {
    driver: {
      inputs: new Set(['arming', 'safety', 'limit-open', 'limit-closed']),
      start: () =>
        Promise.resolve(
          new Map([
            ['arming', false],
            ['safety', false],
            ['limit-open', false],
            ['limit-closed', true],
          ] as const),
        ),
      requestOpen: () => undefined,
      requestClose: () => undefined,
      setHoldOpen: () => undefined,
      setLamp: () => undefined,
      showText: () => undefined,
      stop: () => Promise.resolve(),
    },
    reader: null,
    detach: () => undefined,
  };
}
