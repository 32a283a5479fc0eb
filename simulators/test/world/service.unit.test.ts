import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Happening } from '../../src/world/happenings.js';
import { createService } from '../../src/world/processes/service.js';
import type { Service } from '../../src/world/processes/service.js';
import type { ArmableWatch } from '../../src/world/processes/step-watch.js';
import { watchedPublish } from '../../src/world/processes/step-watch.js';
import { createTimeline } from '../../src/world/timeline.js';
import type { Timeline } from '../../src/world/timeline.js';

describe('a process of the world', () => {
  let timeline: Timeline;
  let told: string[];
  let service: Service;
  let watches: ArmableWatch[];
  let onStart: () => Promise<void>;
  let onStop: () => Promise<void>;

  beforeEach(() => {
    timeline = createTimeline();
    told = [];
    watches = [];
    onStart = () => Promise.resolve();
    onStop = () => Promise.resolve();
    service = createService({
      machine: 'edge-1',
      timeline,
      time: { wallOffsetMs: 0, rate: 1 },
      tell: (happening: Happening) => told.push(`${happening.type} ${String(timeline.nowMs)}`),
      assemble: (_life, watch) => {
        watches.push(watch);
        return { start: () => onStart(), stop: () => onStop() };
      },
    });
  });
  const goOn = (durationMs: number): Promise<void> => timeline.run(timeline.nowMs + durationMs);

  it('comes back as long after a crash as it was told', async () => {
    service.start();
    await goOn(100);
    service.crash('killed', 500);
    service.crash('killed again while it is off', 1);
    await goOn(1_000);
    expect(told).toEqual(['started 0', 'crashed 100', 'started 600']);
    expect(service.isRunning).toBe(true);
  });

  it('dies at the step it was told', async () => {
    service.start();
    await goOn(100);
    service.crashAtStep({ stepsLeft: 2, when: 'after' }, 50);
    const done: string[] = [];
    const [watch] = watches;
    if (watch === undefined) throw new Error('there is no life');
    const publish = watchedPublish(watch, (text: string) => {
      done.push(text);
      return Promise.resolve();
    });
    await publish('one');
    void publish('two').then(() => done.push('answered'));
    await goOn(100);
    expect(done).toEqual(['one', 'two']);
    expect(told).toEqual(['started 0', 'crashed 100', 'started 150']);
  });

  it('tries again when it cannot start, and can be made to die during its start', async () => {
    let attempts = 0;
    onStart = () => {
      attempts += 1;
      return attempts < 3 ? Promise.reject(new Error('not yet')) : Promise.resolve();
    };
    service.start();
    await goOn(10_000);
    expect(attempts).toBe(3);
    expect(service.isRunning).toBe(true);
    service.crashNextStart({ stepsLeft: 1, when: 'before' });
    service.crash('so that it starts', 10);
    await goOn(100);
    expect(watches.at(-1)?.step('open')).toBe('before');
  });

  it('stops in order and comes back, and is killed when it does not stop', async () => {
    service.start();
    await goOn(10);
    service.restart('asked', 100);
    await goOn(200);
    expect(told).toEqual(['started 0', 'stopped 10', 'started 110']);
    onStop = () => new Promise(() => undefined);
    service.restart('asked', 100);
    await goOn(60_000);
    expect(told.slice(3).map((line) => line.split(' ')[0])).toEqual(['crashed', 'started']);
  });

  it('stays off when it is turned off, until all is well again', async () => {
    service.start();
    await goOn(10);
    service.turnOff('taken away');
    await goOn(100_000);
    expect(service.isOn).toBe(false);
    service.calm();
    await goOn(10);
    expect(service.isRunning).toBe(true);
  });
});
