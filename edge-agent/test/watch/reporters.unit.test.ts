import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { openScreen } from '../../src/adapters/terminal/index.js';
import type { LaneInput } from '../../src/app/ports.js';
import type { ChangeView } from '../../src/watch/contract.js';
import { createOwnLines } from '../../src/watch/own-lines.js';
import type { WireListener } from '../../src/watch/own-lines.js';
import { createJsonReporter, createLineReporter, createPictureReporter } from '../../src/watch/reporters.js';

const change = (cursor: number): ChangeView => ({
  ...{ cursor, atMs: Date.UTC(2026, 0, 1, 12, 0, cursor), gateId: 'entry-1', line: 'arming', value: 'active' },
  ...{ lastedMs: 100, isBounce: false },
});

function ownGate(more: { fails?: boolean } = {}) {
  const told: { listener?: WireListener; stops: number } = { stops: 0 };
  const wires = {
    start(listener: WireListener) {
      told.listener = listener;
      if (more.fails === true) return Promise.reject(new Error('the line is in use'));
      return Promise.resolve(new Map<LaneInput, boolean>([['arming', false]]));
    },
    stop() {
      told.stops += 1;
      return Promise.resolve();
    },
  };
  return { told, gate: { gateId: 'entry-1', direction: 'entry', debounceMsOf: () => 30, wires } };
}

function printed() {
  const out: string[] = [];
  const reader = { isSlow: false };
  const options = {
    ...{ tells: 'the lines', gates: () => [], wiringOf: () => '', isSlow: () => reader.isSlow },
    print: (text: string) => {
      out.push(text);
    },
  };
  return { out, options, reader };
}

describe('a watch that opens the inputs by itself', () => {
  it('tells every change with the wall time it happened at, and counts the bounces', async () => {
    const clock = createVirtualClock({ wallMs: 1_000_000 });
    const { told, gate } = ownGate();
    const lines = createOwnLines('the lines', [gate], clock);
    const changes: ChangeView[] = [];
    await lines.start({ onChange: (one) => changes.push(one), onTrouble: () => undefined });
    clock.advance(5_000);
    told.listener?.onRaw('arming', true, 4_990);
    told.listener?.onRaw('arming', false, 4_995);
    told.listener?.onRaw('arming', false, 4_996);
    expect(changes).toMatchObject([
      { cursor: 1, atMs: 1_004_990, value: 'active', lastedMs: null, isBounce: false },
      { cursor: 2, atMs: 1_004_995, value: 'clear', lastedMs: 5, isBounce: true },
    ]);
    expect(lines.gates()).toMatchObject([
      { gateId: 'entry-1', lane: null, outputs: [], inputs: [{ active: false, forMs: 5, changes: 2, bounces: 1 }] },
    ]);
  });

  it('gives back what it has opened when a line cannot be had', async () => {
    const first = ownGate();
    const second = ownGate({ fails: true });
    const clock = createVirtualClock({ wallMs: 0 });
    const lines = createOwnLines('the lines', [first.gate, { ...second.gate, gateId: 'exit-1' }], clock);
    const listener = { onChange: () => undefined, onTrouble: () => undefined };
    await expect(lines.start(listener)).rejects.toThrow('the line is in use');
    expect([first.told.stops, second.told.stops]).toEqual([1, 1]);
  });
});

describe('what a watch prints', () => {
  it('without a terminal: the picture, a line for every change, the picture', () => {
    const { out, options } = printed();
    const reporter = createLineReporter(options);
    reporter.begin();
    reporter.change(change(1));
    reporter.trouble('the agent does not answer');
    reporter.trouble('the agent does not answer');
    reporter.trouble(null);
    reporter.end();
    expect(out).toEqual([
      'the lines',
      '12:00:01.000  entry-1  arming active  after 100 ms',
      'the agent does not answer',
      'the agent answers again',
      'the lines',
    ]);
  });

  it('as JSON: one object a line', () => {
    const { out, options } = printed();
    const reporter = createJsonReporter(options);
    reporter.begin();
    reporter.change(change(1));
    reporter.trouble('away');
    reporter.trouble(null);
    reporter.end();
    expect(out.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
      ...['watching', 'change', 'trouble', 'trouble', 'ended'],
    ]);
  });

  it.each([
    [createLineReporter, '2 changes are left out: they came faster than they were read'],
    [createJsonReporter, '{"event":"left-out","changes":2}'],
  ])('leaves changes out while nobody reads, and says how many', (create, says) => {
    const { out, options, reader } = printed();
    const reporter = create(options);
    reader.isSlow = true;
    reporter.change(change(1));
    reporter.change(change(2));
    expect(out).toEqual([]);
    reader.isSlow = false;
    reporter.change(change(3));
    reporter.change(change(4));
    expect(out).toHaveLength(3);
    expect(out[0]).toBe(says);
  });

  it('on a terminal: a picture five times a second with the newest six changes, and the last one when it has left', () => {
    const { out, options } = printed();
    const clock = createVirtualClock({ wallMs: 0 });
    const same = (text: string): string => text;
    const frames: (readonly string[])[] = [];
    let hasLeft = false;
    const reporter = createPictureReporter({
      ...options,
      clock,
      paint: { strong: same, good: same, bad: same, dim: same },
      frame: () => ({ columns: 80, rows: 24 }),
      draw: (lines) => frames.push(lines),
      leave: () => {
        hasLeft = true;
      },
    });
    reporter.begin();
    clock.advance(1_000);
    expect(frames).toHaveLength(6);
    for (let cursor = 1; cursor <= 7; cursor += 1) reporter.change(change(cursor));
    clock.advance(200);
    const shown = frames.at(-1)?.filter((line) => line.includes('arming')) ?? [];
    expect(shown).toHaveLength(6);
    expect(shown[0]).toContain('12:00:02');
    reporter.end();
    expect({ hasLeft, out }).toEqual({ hasLeft: true, out: ['the lines'] });
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('the screen', () => {
  it('takes the second screen and gives the first one back, once', () => {
    let written = '';
    const screen = openScreen({ write: (text) => (written += text) });
    screen.draw(['a', 'b']);
    screen.close();
    screen.close();
    screen.draw(['after']);
    expect(written).toBe('\u001b[?1049h\u001b[?25l\u001b[Ha\u001b[K\r\nb\u001b[K\u001b[J\u001b[?25h\u001b[?1049l');
  });
});
