import { createVirtualClock } from '@gatehouse/shared';
import { describe, expect, it } from '@jest/globals';
import { createDeadlines } from '../../src/http/deadlines.js';

const timeoutMs = 1_000;

function begin(onExpired: (request: string) => void = () => undefined) {
  const clock = createVirtualClock({ wallMs: 0 });
  const expired: string[] = [];
  const deadlines = createDeadlines<string>(clock, timeoutMs, (request) => {
    expired.push(request);
    onExpired(request);
  });
  return { clock, deadlines, expired };
}

describe('deadlines of requests', () => {
  it('pass over what was answered in time', () => {
    const { clock, deadlines, expired } = begin();
    deadlines.enter('a');
    clock.advance(timeoutMs - 1);
    deadlines.leave('a');
    clock.advance(10 * timeoutMs);
    expect(expired).toEqual([]);
  });

  it('tell what was not answered, each when its own time is over, and once', () => {
    const { clock, deadlines, expired } = begin();
    deadlines.enter('a');
    clock.advance(400);
    deadlines.enter('b');
    deadlines.enter('c');
    clock.advance(599);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(['a']);
    deadlines.leave('b');
    clock.advance(400);
    expect(expired).toEqual(['a', 'c']);
    deadlines.leave('a');
    clock.advance(10 * timeoutMs);
    expect(expired).toEqual(['a', 'c']);
  });

  it('go on with one that comes while another expires, and with later ones', () => {
    const { clock, deadlines, expired } = begin((request) => {
      if (request === 'a') deadlines.enter('b');
    });
    deadlines.enter('a');
    clock.advance(2 * timeoutMs);
    expect(expired).toEqual(['a', 'b']);
    clock.advance(5 * timeoutMs);
    deadlines.enter('c');
    clock.advance(timeoutMs);
    expect(expired).toEqual(['a', 'b', 'c']);
  });

  it('are silent once they are stopped', () => {
    const { clock, deadlines, expired } = begin();
    deadlines.enter('a');
    deadlines.stop();
    clock.advance(2 * timeoutMs);
    expect(expired).toEqual([]);
  });
});
