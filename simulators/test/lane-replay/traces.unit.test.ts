/** The library of traces: what must come out of each is taken from the rules of a lane, not from what the program did. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { LaneEvent } from '@gatehouse/edge-agent';
import { readLaneRecording } from '../../src/lane-replay/read-recording.js';
import { replayLane } from '../../src/lane-replay/replay-lane.js';
import type { LaneReplayOptions } from '../../src/lane-replay/replay-lane.js';
import { timelineLine } from '../../src/lane-replay/timeline.js';

const traces = fileURLToPath(new URL('traces/', import.meta.url));

async function replayed(name: string, options: LaneReplayOptions = {}) {
  const { runs } = await readLaneRecording(`${traces}${name}.jsonl`);
  const [run] = runs;
  if (run === undefined) throw new Error(`${name} holds no run`);
  const { moments } = replayLane(run, 'entry-1', options);
  return {
    header: run.header,
    lines: moments.map(timelineLine),
    events: moments.flatMap((moment) => (moment.what === 'event' ? [told(moment.event)] : [])),
    requests: moments.flatMap((moment) =>
      moment.what === 'effect' && moment.effect.type.startsWith('request-') ? [moment.effect.type.slice(8)] : [],
    ),
  };
}

/** Kind, flags or reason or fault. */
function told(event: LaneEvent): string {
  switch (event.kind) {
    case 'vehicle-passed':
      return [event.kind, ...event.flags].join(' ');
    case 'arrival-void':
      return `${event.kind} ${event.reason}`;
    case 'fault-raised':
    case 'fault-cleared':
      return `${event.kind} ${event.fault}`;
    default:
      return event.kind;
  }
}

const expected: Readonly<Record<string, { readonly events: readonly string[]; readonly requests: readonly string[] }>> =
  {
    motorcycle: { events: ['vehicle-arrived', 'vehicle-passed loops-apart'], requests: ['open', 'close'] },
    'van-with-trailer': { events: ['vehicle-arrived', 'vehicle-passed long-vehicle'], requests: ['open', 'close'] },
    'van-with-trailer-gap-at-arming': {
      events: ['vehicle-arrived', 'vehicle-passed suspected-tailgate'],
      requests: ['open', 'close'],
    },
    pedestrian: { events: ['vehicle-arrived', 'vehicle-passed'], requests: ['open', 'close', 'open', 'close'] },
    'two-cars-bumper-to-bumper': {
      events: ['vehicle-arrived', 'vehicle-passed', 'vehicle-arrived', 'arrival-void left', 'vehicle-tailgated'],
      requests: ['open', 'close'],
    },
    'car-that-reverses': { events: ['vehicle-arrived', 'vehicle-backed-out'], requests: ['open', 'close'] },
    'loop-cross-talk-arming': {
      events: [
        ...Array.from({ length: 10 }, () => ['vehicle-arrived', 'arrival-void left']).flat(),
        'fault-raised loop-chatter',
        'fault-cleared loop-chatter',
      ],
      requests: [],
    },
    'loop-cross-talk-safety': { events: ['vehicle-arrived', 'arrival-void left'], requests: [] },
    'reads-of-one-vehicle': { events: ['vehicle-arrived', 'vehicle-passed'], requests: ['open', 'close'] },
  };

describe('the library of traces', () => {
  it('has an expectation for each trace, and a trace for each expectation', () => {
    expect(readdirSync(traces).sort()).toEqual(
      Object.keys(expected)
        .map((name) => `${name}.jsonl`)
        .sort(),
    );
  });

  it.each(Object.keys(expected))('%s comes out as the rules say', async (name) => {
    const { header, events, requests } = await replayed(name);
    expect(header.origin).toBe('hand-made');
    expect({ events, requests }).toEqual(expected[name]);
  });

  it('never asks the barrier to close while something is under the arm', async () => {
    const { runs } = await readLaneRecording(`${traces}pedestrian.jsonl`);
    const under = new Set<string>();
    for (const moment of runs.flatMap((run) => replayLane(run, 'entry-1').moments)) {
      if (moment.what === 'happening' && moment.happening.type === 'edge') {
        const { input, active } = moment.happening;
        if (active) under.add(input);
        else under.delete(input);
      }
      if (moment.what === 'effect' && moment.effect.type === 'request-close') {
        expect(['safety', 'photocell'].filter((input) => under.has(input))).toEqual([]);
      }
    }
  });

  it('votes three unsure reads to the plate that most of them saw', async () => {
    const { lines } = await replayed('reads-of-one-vehicle');
    expect(lines.filter((line) => line.includes('vehicle-arrived'))).toEqual([expect.stringContaining('K7Q2M9')]);
  });
});

describe('trying other settings', () => {
  it('given a gap shorter than the motorcycle takes between the loops, it does not pass', async () => {
    const { events } = await replayed('motorcycle', { lane: { loopGapMs: 500 } });
    expect(events).not.toContain('vehicle-passed loops-apart');
    expect(events[1]).toBe('vehicle-backed-out');
  });

  it('given every arrival turned away, the recorded answers are left out', async () => {
    const { requests } = await replayed('loop-cross-talk-safety', { answer: 'deny' });
    expect(requests).toEqual([]);
    const admitted = await replayed('loop-cross-talk-safety', { answer: 'admit' });
    expect(admitted.requests[0]).toBe('open');
  });
});

describe('the timeline', () => {
  it('tells inputs, answers, states, events and requests, in seconds from the first line', async () => {
    const { lines } = await replayed('motorcycle');
    expect(lines.filter((line) => !line.includes('lamp'))).toEqual([
      '     0.000 s  start    mode automatic; wired: arming, safety, limit-open, limit-closed; active: limit-closed',
      '     0.000 s  state      arm: unknown → closed',
      '     1.000 s  input    arming on',
      '     1.000 s  state      vehicle: none → on arming loop, waiting',
      '     1.000 s  asks         who may decide about arrival 1',
      '     1.000 s  EVENT        vehicle-arrived: arrivalId 1, direction entry',
      '     1.200 s  answer   arrival 1: admit (decision)',
      '     1.200 s  state      vehicle: on arming loop, waiting → on arming loop, admitted',
      '     1.200 s  asks         the sign to be empty',
      '     1.200 s  asks         the barrier to open',
      '     1.250 s  input    limit-closed off',
      '     1.250 s  state      arm: closed → opening',
      '     2.250 s  input    limit-open on',
      '     2.250 s  state      arm: opening → open',
      '     2.900 s  input    arming off',
      '     2.900 s  state      vehicle: on arming loop, admitted → between loops, admitted',
      '     3.600 s  input    safety on',
      '     3.600 s  state      vehicle: between loops, admitted → on safety loop, admitted',
      '     3.900 s  input    safety off',
      '     3.900 s  state      vehicle: on safety loop, admitted → none',
      '     3.900 s  EVENT        vehicle-passed: direction entry, flags ["loops-apart"], arrivalId 1, slotId a1, basis decision',
      '     4.900 s  asks         the barrier to close',
      '     4.950 s  input    limit-open off',
      '     4.950 s  state      arm: open → closing',
      '     5.950 s  input    limit-closed on',
      '     5.950 s  state      arm: closing → closed',
    ]);
  });
});
