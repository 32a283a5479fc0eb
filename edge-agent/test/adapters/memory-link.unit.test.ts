import { describe, expect, it } from '@jest/globals';
import { createMemoryEdgeLink } from '../../src/adapters/memory/index.js';
import { describeEdgeLink, diaryHandlers } from '../conformance/edge-link.js';
import { createManualClock } from './support/manual-clock.js';

describeEdgeLink('memory', () => {
  const link = createMemoryEdgeLink();
  return Promise.resolve({
    link,
    received: () => link.peer.published.map(({ channel, payload }) => `${channel} ${payload}`),
    retainedState: () => Promise.resolve(link.peer.retainedState),
    deliver: (channel, payload) => {
      link.peer.deliver(channel, payload);
      return Promise.resolve();
    },
    breakConnection: () => {
      link.peer.disconnect('pulled');
      return Promise.resolve();
    },
    dispose: () => Promise.resolve(),
  });
});

describe('the memory link', () => {
  it('takes its latency each way, and loses what is under way when it breaks', () => {
    const clock = createManualClock();
    const link = createMemoryEdgeLink({ clock, latencyMs: 20, autoConnect: false });
    const diary = { entries: [] as string[] };
    void link.start(diaryHandlers(diary), '{}');
    link.peer.connect();
    clock.advance(20);
    link.peer.deliver('acks', 'one');
    clock.advance(19);
    expect(diary.entries).toEqual(['up']);
    clock.advance(1);
    expect(diary.entries).toEqual(['up', 'acks one']);
    link.peer.deliver('acks', 'two');
    link.peer.disconnect('pulled');
    clock.advance(100);
    expect(diary.entries).toEqual(['up', 'acks one', 'down']);
    expect(link.peer.deliver('acks', 'three')).toBe(false);
  });
});
