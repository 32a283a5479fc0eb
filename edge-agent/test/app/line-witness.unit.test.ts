import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { createLineWitness, maxRememberedChanges } from '../../src/app/line-witness.js';
import type { BarrierDriver, BarrierListener, LaneInput } from '../../src/app/ports.js';

function rig() {
  const clock = createVirtualClock({ wallMs: 1_000_000 });
  const witness = createLineWitness(clock);
  const asked: string[] = [];
  let listener: BarrierListener | undefined;
  const driver: BarrierDriver = {
    inputs: new Set<LaneInput>(['arming']),
    start(given) {
      listener = given;
      return Promise.resolve(new Map<LaneInput, boolean>([['arming', false]]));
    },
    requestOpen: () => asked.push('open'),
    requestClose: () => asked.push('close'),
    setHoldOpen: (on) => asked.push(`hold ${String(on)}`),
    setLamp: (lamp) => asked.push(lamp),
    showText: (text) => asked.push(text),
    stop: () => Promise.resolve(),
  };
  const heard: unknown[] = [];
  const seen = witness.seen('entry-1', driver);
  const start = () =>
    seen.start({
      onInput: (edge) => heard.push(edge),
      onTrouble: (detail) => heard.push(detail),
      onTroubleOver: () => heard.push('over'),
    });
  return { clock, witness, asked, heard, seen, start, driver: () => listener };
}

describe('the witness of a lane', () => {
  it('passes on everything, both ways', async () => {
    const { seen, start, asked, heard, driver } = rig();
    expect(await start()).toEqual(new Map([['arming', false]]));
    seen.requestOpen();
    seen.requestClose();
    seen.setHoldOpen(true);
    seen.setLamp('green');
    seen.showText('B12');
    const edge = { input: 'arming', active: true, monoMs: 0 } as const;
    driver()?.onInput(edge);
    driver()?.onTrouble('broken');
    driver()?.onTroubleOver();
    expect(asked).toEqual(['open', 'close', 'hold true', 'green', 'B12']);
    expect(heard).toEqual([edge, 'broken', 'over']);
    expect([...seen.inputs]).toEqual(['arming']);
  });

  it('tells levels with their age and count, what was asked for, and the trouble while there is some', async () => {
    const { clock, witness, seen, start, driver } = rig();
    await start();
    clock.advance(1_000);
    driver()?.onInput({ input: 'arming', active: true, monoMs: 900 });
    seen.requestOpen();
    seen.requestOpen();
    seen.setLamp('green');
    seen.setLamp('green');
    driver()?.onTrouble('broken');
    clock.advance(500);
    const { inputs, outputs, trouble } = witness.lines('entry-1');
    expect(inputs).toEqual([{ name: 'arming', active: true, forMs: 600, changes: 1, bounces: null }]);
    expect(outputs).toEqual([
      { name: 'open', value: 'asked', forMs: 500, times: 2 },
      { name: 'close', value: 'not asked', forMs: null, times: 0 },
      { name: 'hold-open', value: 'off', forMs: null, times: 0 },
      { name: 'lamp', value: 'green', forMs: 500, times: 1 },
    ]);
    expect(trouble).toBe('broken');
    driver()?.onTroubleOver();
    expect(witness.lines('entry-1').trouble).toBeNull();
  });

  it('tells what came of an input after it', async () => {
    const { witness, seen, driver, clock } = rig();
    await seen.start({
      onInput: () => {
        seen.requestOpen();
      },
      onTrouble: () => undefined,
      onTroubleOver: () => undefined,
    });
    driver()?.onInput({ input: 'arming', active: true, monoMs: clock.monoMs() });
    expect(witness.changesAfter(0).map(({ line }) => line)).toEqual(['arming', 'open']);
  });

  it('remembers a bounded number of changes, by cursor', async () => {
    const { witness, start, driver } = rig();
    await start();
    for (let count = 1; count <= maxRememberedChanges + 1; count += 1) {
      driver()?.onInput({ input: 'arming', active: count % 2 === 1, monoMs: 0 });
    }
    expect(witness.cursor).toBe(maxRememberedChanges + 1);
    expect(witness.changesAfter(0)).toHaveLength(maxRememberedChanges);
    expect(witness.changesAfter(0)[0]?.cursor).toBe(2);
    expect(witness.changesAfter(maxRememberedChanges)).toMatchObject([{ gateId: 'entry-1', line: 'arming' }]);
    expect(witness.changesAfter(maxRememberedChanges + 1)).toEqual([]);
  });
});
