import { createMemoryRecording } from '../../src/index.js';
import { describeRecordingSink } from '../conformance/recording-sink.js';

describeRecordingSink('in memory', () => {
  const recording = createMemoryRecording();
  return Promise.resolve({
    sink: recording.sink,
    current: () => Promise.resolve(recording.current),
    former: () => Promise.resolve(recording.former),
    again: () => recording.sink,
    remove: () => Promise.resolve(),
  });
});
