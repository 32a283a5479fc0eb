import { describe, expect, it } from '@jest/globals';
import type { GateView } from '../../src/watch/contract.js';
import { describeChange, drawPicture, spanInWords } from '../../src/watch/render.js';
import type { Paint, Picture } from '../../src/watch/render.js';

const same = (text: string): string => text;
const plain: Paint = { strong: same, good: same, bad: same, dim: same };
const large = { columns: 200, rows: 100 };

const gate: GateView = {
  gateId: 'entry-1',
  direction: 'entry',
  lane: {
    ...{ barrier: 'open', mode: 'automatic', vehicle: 'both', arrival: 'admitted', faults: [] },
    passages: { entry: 3, exit: 0 },
  },
  inputs: [
    { name: 'arming', active: true, forMs: 2_100, changes: 7, bounces: 2 },
    { name: 'safety', active: false, forMs: 61_000, changes: 0, bounces: null },
  ],
  outputs: [{ name: 'open', value: 'asked', forMs: 900, times: 4 }],
  trouble: null,
};
const picture = (more: Partial<Picture> = {}): Picture => ({
  ...{ source: 'the lines', trouble: null, gates: [gate], recent: [] },
  ...more,
});
const draw = (what: Picture, frame = large, paint = plain) =>
  drawPicture(what, frame, paint, (_gateId, kind, name) => (kind === 'inputs' && name === 'arming' ? 'BCM 17' : ''));

describe('the picture of the lanes', () => {
  it('shows lane, inputs and outputs with their times, counts and wiring', () => {
    expect(draw(picture())).toEqual([
      'the lines',
      '',
      'entry-1 (entry)   arm open, automatic, a vehicle on both loops, admitted; passed 3 in, 0 out',
      '  input         level           for  changes  bounces',
      '  arming        ACTIVE        2.1 s        7        2  BCM 17',
      '  safety        clear     1 min 1 s        0',
      '  output        asked           for    times',
      '  open          asked        900 ms        4',
    ]);
  });

  it('says of lines without an agent that outputs are not touched', () => {
    const lines = draw(picture({ gates: [{ ...gate, lane: null, outputs: [] }] }));
    expect(lines[2]).toBe('entry-1 (entry)   no agent runs: outputs are not touched');
    expect(lines.join('\n')).not.toContain('output ');
  });

  it('shows faults, trouble of a driver, trouble of the source and the newest changes', () => {
    const lane = gate.lane && { ...gate.lane, faults: ['loop-stuck', 'driver-failed'] };
    const text = draw(
      picture({
        ...{ trouble: 'the agent does not answer', recent: ['12:00:00.000  entry-1  arming active'] },
        gates: [{ ...gate, lane, trouble: 'outputs.open (BCM 12): the line is in use' }],
      }),
    );
    expect(text[1]).toBe('the agent does not answer');
    expect(text).toContain('  faults: loop-stuck, driver-failed');
    expect(text).toContain('  outputs.open (BCM 12): the line is in use');
    expect(text.at(-1)).toBe('12:00:00.000  entry-1  arming active');
  });

  it('never leaves its frame, and says how much of it does not fit', () => {
    const gates = Array.from({ length: 8 }, (_value, index) => ({ ...gate, gateId: `gate-${String(index)}` }));
    const whole = draw(picture({ gates }));
    const lines = draw(picture({ gates }), { columns: 20, rows: 10 });
    expect(lines).toHaveLength(10);
    expect(lines.every((line) => line.length <= 20)).toBe(true);
    expect(draw(picture({ gates }), { columns: 200, rows: 10 }).at(-1)).toBe(
      `… ${String(whole.length - 9)} more lines: make the window larger`,
    );
    expect(draw(picture({ gates }), { columns: 200, rows: whole.length })).toEqual(whole);
  });

  it('counts no colour as width, and lets nothing that it is told command the terminal', () => {
    const paint: Paint = { ...plain, good: (text) => `<green>${text}</green>` };
    const active = draw(picture(), { columns: 10, rows: 50 }, paint).find((line) => line.includes('arming'));
    expect(active).toBe('<green>  arming  </green>');
    expect(draw(picture({ trouble: 'a\u001b[2Jb' }))[1]).toBe('a [2Jb');
  });
});

describe('a change in words', () => {
  const change = {
    cursor: 1,
    atMs: 0,
    gateId: 'entry-1',
    line: 'arming',
    value: 'active',
    lastedMs: 8,
    isBounce: true,
  };

  it('says what came after how long, and whether it was a bounce', () => {
    expect(describeChange(change)).toBe('entry-1  arming active  after 8 ms, a bounce');
    expect(describeChange({ ...change, lastedMs: null, isBounce: false })).toBe('entry-1  arming active');
  });

  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1.0 s'],
    [59_940, '59.9 s'],
    [60_000, '1 min 0 s'],
    [3_599_999, '59 min 59 s'],
    [3_600_000, '1 h 0 min'],
  ])('says %i ms as %s', (ms, words) => {
    expect(spanInWords(ms)).toBe(words);
  });
});
