/** What every service manager does with what it is told. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { ServiceManager } from '../../src/app/ports.js';
import { eventually } from '../adapters/support/eventually.js';

export interface ServiceManagerUnderTest {
  readonly manager: ServiceManager;
  /** Everything that got through, oldest first. */
  received(): readonly string[];
  remove(): Promise<void>;
}

export function describeServiceManager(
  name: string,
  create: (watchdogMs: number | null) => Promise<ServiceManagerUnderTest>,
): void {
  describe(`a service manager (${name})`, () => {
    let made: ServiceManagerUnderTest;
    beforeEach(async () => {
      made = await create(30_000);
    });
    afterEach(() => made.remove());
    const all = async (count: number): Promise<readonly string[]> => {
      await eventually(() => made.received().length >= count, `${String(count)} notices came`);
      return made.received();
    };

    it('says how long it waits for a sign of life', async () => {
      expect(made.manager.watchdogMs).toBe(30_000);
      const other = await create(null);
      expect(other.manager.watchdogMs).toBeNull();
      await other.remove();
    });

    it('takes each notice in the words of sd_notify, in order', async () => {
      made.manager.tell({ startTakesMs: 1_500, status: 'starts' });
      expect(await all(1)).toEqual(['EXTEND_TIMEOUT_USEC=1500000\nSTATUS=starts']);
      made.manager.tell({ ready: true });
      expect((await all(2))[1]).toBe('READY=1');
      made.manager.tell({ alive: true, status: 'runs 2 gates' });
      expect((await all(3))[2]).toBe('WATCHDOG=1\nSTATUS=runs 2 gates');
      made.manager.tell({ stopping: true });
      expect((await all(4))[3]).toBe('STOPPING=1');
    });

    it('takes a status of one line, at most 200 characters of it', async () => {
      made.manager.tell({ status: `a\nWATCHDOG=1\r${'x'.repeat(300)}` });
      const [text = ''] = await all(1);
      expect(text).toBe(`STATUS=a WATCHDOG=1 ${'x'.repeat(200 - 'a WATCHDOG=1 '.length)}`);
    });

    it('is told nothing by a notice that says nothing', async () => {
      made.manager.tell({});
      made.manager.tell({ ready: true });
      expect(await all(1)).toEqual(['READY=1']);
    });
  });
}
