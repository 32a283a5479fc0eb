import { describe, expect, it } from '@jest/globals';
import { createMemoryRecording } from '../../src/adapters/memory/index.js';
import { createLaneRecording } from '../../src/app/lane-recording.js';
import { recordingLineSchema } from '../../src/app/recording-format.js';
import { newLane } from '../../src/domain/lane/state.js';
import { seededRandom } from './harness.js';

describe('a recorded read', () => {
  it('keeps its direction and which reads are of one vehicle, and tells neither plate nor name', async () => {
    const memory = createMemoryRecording();
    const { sink } = memory;
    const recording = createLaneRecording({ sink, maxBytes: 1024 * 1024, origin: 'recorded' }, [], seededRandom(1));
    await recording.start();
    const read = (value: string, trackId?: string) => {
      const credential = { kind: 'plate', value, source: 'cam', confidence: 0.9 } as const;
      const happening = { type: 'read', credential, readAtMs: 1, atMs: 2, direction: 'entry', trackId } as const;
      recording.happened('gate', happening, newLane(0));
    };
    read('KX719QD', 'cam/KX719QD');
    read('AB12CDE', 'cam/KX719QD');
    read('AB12CDE', 'cam/2');
    read('AB12CDE');
    const text = memory.current;
    expect(text).not.toMatch(/KX719QD|AB12CDE/);
    const lines = text.trim().split('\n').slice(1);
    const reads = lines.map((line) => recordingLineSchema.parse(JSON.parse(line)));
    const trackIds = reads.map((line) => ('trackId' in line ? line.trackId : undefined));
    expect(trackIds[0]).toBe(trackIds[1]);
    expect(new Set(trackIds).size).toBe(3);
    expect(reads).toMatchObject(Array(4).fill({ direction: 'entry' }));
  });
});
