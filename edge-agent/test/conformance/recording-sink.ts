/** What every place for a recording keeps to. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RecordingSink } from '../../src/index.js';

export interface SinkUnderTest {
  readonly sink: RecordingSink;
  /** Once everything that was taken is there. */
  current(): Promise<string>;
  former(): Promise<string | undefined>;
  /** Another run at the same place. */
  again(): RecordingSink;
  remove(): Promise<void>;
}

export function describeRecordingSink(name: string, create: () => Promise<SinkUnderTest>): void {
  describe(`a place for a recording: ${name}`, () => {
    let place: SinkUnderTest;
    beforeEach(async () => {
      place = await create();
    });
    afterEach(async () => {
      await place.sink.stop();
      await place.remove();
    });

    it('keeps what is appended, in order', async () => {
      expect(await place.sink.start()).toBe(0);
      expect(['one\n', 'two\n', 'three\n'].map((line) => place.sink.append(line))).toEqual([true, true, true]);
      await place.sink.stop();
      expect(await place.current()).toBe('one\ntwo\nthree\n');
      expect(await place.former()).toBeUndefined();
    });

    it('keeps the file before the present one, and none before that', async () => {
      await place.sink.start();
      for (const line of ['one\n', 'two\n', 'three\n']) {
        place.sink.append(line);
        place.sink.nextFile();
      }
      place.sink.append('four\n');
      await place.sink.stop();
      expect(await place.current()).toBe('four\n');
      expect(await place.former()).toBe('three\n');
    });

    it('goes on where the run before it ended, and says how much is there', async () => {
      await place.sink.start();
      place.sink.append('née\n');
      await place.sink.stop();
      const next = place.again();
      expect(await next.start()).toBe(5);
      next.append('two\n');
      await next.stop();
      expect(await place.current()).toBe('née\ntwo\n');
    });

    it('takes nothing before its start and after its stop', async () => {
      expect(place.sink.append('early\n')).toBe(false);
      await place.sink.start();
      await place.sink.stop();
      await place.sink.stop();
      expect(place.sink.append('late\n')).toBe(false);
    });
  });
}
