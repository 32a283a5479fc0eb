import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { silentLogger } from '@gatehouse/shared';
import { systemClock } from '@gatehouse/shared/node';
import { createRecordingFile, maxPendingChars } from '../../src/adapters/input-recording/recording-file.js';
import { describeRecordingSink } from '../conformance/recording-sink.js';

const temporary = () => mkdtemp(join(tmpdir(), 'recording-'));
const create = (file: string, warn: (message: string) => void = () => undefined) =>
  createRecordingFile({
    file,
    clock: systemClock,
    logger: {
      ...silentLogger,
      warn: (_fields, message) => {
        warn(message);
      },
    },
  });

describeRecordingSink('on disk', async () => {
  const directory = await temporary();
  const file = join(directory, 'below', 'inputs.jsonl');
  return {
    sink: create(file),
    current: () => readFile(file, 'utf8'),
    former: () => readFile(`${file}.1`, 'utf8').catch(() => undefined),
    again: () => create(file),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
});

describe('a recording on disk', () => {
  it('is not for everybody to read', async () => {
    const directory = await temporary();
    const sink = create(join(directory, 'inputs.jsonl'));
    await sink.start();
    await sink.stop();
    expect((await stat(join(directory, 'inputs.jsonl'))).mode & 0o007).toBe(0);
    await rm(directory, { recursive: true });
  });

  it('lets no more wait than it may, and takes lines again when they are written', async () => {
    const directory = await temporary();
    const sink = create(join(directory, 'inputs.jsonl'));
    await sink.start();
    expect(sink.append('x'.repeat(maxPendingChars))).toBe(true);
    expect(sink.append('y')).toBe(false);
    await sink.stop();
    expect((await stat(join(directory, 'inputs.jsonl'))).size).toBe(maxPendingChars);
    await rm(directory, { recursive: true });
  });

  it('that cannot be written is given up with one warning, and harms nobody', async () => {
    const directory = await temporary();
    const warnings: string[] = [];
    // A directory is where the file should be.
    const sink = create(directory, (message) => warnings.push(message));
    expect(await sink.start()).toBe(0);
    expect(sink.append('one\n')).toBe(false);
    await sink.stop();
    expect(warnings).toEqual(['the recording cannot be written; it ends here']);
    await rm(directory, { recursive: true });
  });
});
