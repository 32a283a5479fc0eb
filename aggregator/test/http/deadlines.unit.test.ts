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
    const place = deadlines.enter('a');
    clock.advance(timeoutMs - 1);
    deadlines.leave('a', place);
    clock.advance(10 * timeoutMs);
    expect(expired).toEqual([]);
  });

  it('tell what was not answered, each when its own time is over, and once', () => {
    const { clock, deadlines, expired } = begin();
    const placeOfA = deadlines.enter('a');
    clock.advance(400);
    const placeOfB = deadlines.enter('b');
    deadlines.enter('c');
    clock.advance(599);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(['a']);
    deadlines.leave('b', placeOfB);
    clock.advance(400);
    expect(expired).toEqual(['a', 'c']);
    deadlines.leave('a', placeOfA);
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

  it('are kept apart when one comes to the place of another that has left', () => {
    const { clock, deadlines, expired } = begin();
    const place = deadlines.enter('a');
    deadlines.leave('a', place);
    clock.advance(400);
    deadlines.enter('b');
    deadlines.leave('a', place);
    clock.advance(timeoutMs - 1);
    expect(expired).toEqual([]);
    clock.advance(1);
    expect(expired).toEqual(['b']);
  });

  it('expire in the order they came, whatever places they have', () => {
    const { clock, deadlines, expired } = begin();
    const places = ['a', 'b', 'c'].map((request) => deadlines.enter(request));
    deadlines.leave('a', places[0] ?? -1);
    deadlines.leave('b', places[1] ?? -1);
    // Within one millisecond, so that one timer finds them all: the second where `b` was, the third where `a` was.
    for (const request of ['d', 'e', 'f']) {
      clock.advance(0.2);
      deadlines.enter(request);
    }
    clock.advance(timeoutMs + 1);
    expect(expired).toEqual(['c', 'd', 'e', 'f']);
  });

  it('have as many places as ever ran at once', () => {
    const { deadlines } = begin();
    const used = new Set<number>();
    for (let round = 0; round < 1_000; round += 1) {
      const places = ['a', 'b', 'c'].map((request) => [request, deadlines.enter(request)] as const);
      for (const [request, place] of places) {
        used.add(place);
        deadlines.leave(request, place);
      }
    }
    expect(used.size).toBe(3);
  });

  it('are silent once they are stopped', () => {
    const { clock, deadlines, expired } = begin();
    deadlines.enter('a');
    deadlines.stop();
    clock.advance(2 * timeoutMs);
    expect(expired).toEqual([]);
  });
});
