import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { maxRecordingLineChars } from '@gatehouse/edge-agent';
import { readLaneRecording } from '../../src/lane-replay/read-recording.js';

const header = {
  type: 'lane-recording',
  version: 1,
  origin: 'hand-made',
  agentVersion: '0.1.0',
  gates: [{ gateId: 'entry-1', direction: 'entry' }],
};
const edge = { type: 'edge', gateId: 'entry-1', atMs: 5, input: 'arming', active: true };

describe('reading a recording', () => {
  let directory = '';
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'lane-recording-'));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  const reading = (...lines: (object | string)[]) => {
    const path = join(directory, 'recording.jsonl');
    writeFileSync(path, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
    return readLaneRecording(path);
  };

  it('fills in the settings of the lane that the header leaves out', async () => {
    const { runs, cutOff } = await reading(header, edge);
    expect(runs[0]?.header.gates[0]?.lane.loopGapMs).toBe(4_000);
    expect(runs[0]?.lines).toEqual([edge]);
    expect(cutOff).toBe(false);
  });

  it('begins another run with each header', async () => {
    const { runs } = await reading(header, edge, header, edge, edge);
    expect(runs.map((run) => run.lines.length)).toEqual([1, 2]);
  });

  it('leaves out a last line that was cut off, and says so', async () => {
    const { runs, cutOff } = await reading(header, edge, '{"type":"ed');
    expect(runs[0]?.lines).toEqual([edge]);
    expect(cutOff).toBe(true);
  });

  it.each([
    ['is broken in the middle', [header, '{"type":"ed', edge], 'line 2: is not JSON'],
    ['has no header', [edge], 'begins with its header'],
    [
      'names a gate that the header has not',
      [header, { ...edge, gateId: 'exit-1' }],
      'line 2: the header has no gate exit-1',
    ],
    ['names an input that lanes have not', [header, { ...edge, input: 'loop-7' }], 'line 2: input'],
    ['is of a later version', [{ ...header, version: 2 }], 'line 1: version'],
    ['has a line too long', [header, `{"a":"${'x'.repeat(maxRecordingLineChars)}"}`], 'longer than a line may be'],
    ['is empty', [''], 'is empty'],
  ])('refuses a file that %s', async (_what, lines, message) => {
    await expect(reading(...lines)).rejects.toThrow(message);
  });
});
