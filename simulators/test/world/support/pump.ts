/** Lets virtual time run on by itself, for suites that simply wait for what they call. */
import { createTimeline } from '../../../src/world/timeline.js';
import type { Timeline } from '../../../src/world/timeline.js';

export interface PumpedTimeline {
  readonly timeline: Timeline;
  stop(): Promise<void>;
}

export function pumpedTimeline(): PumpedTimeline {
  const timeline = createTimeline();
  let isOn = true;
  const pump = async (): Promise<void> => {
    while (isOn) await timeline.run(timeline.nowMs + 10);
  };
  const pumping = pump();
  return {
    timeline,
    async stop() {
      isOn = false;
      await pumping;
    },
  };
}
