import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadGpioSystem } from '../../../src/adapters/gpio-barrier/character-device/system.js';
import type { GpioSystem } from '../../../src/adapters/gpio-barrier/character-device/system.js';
import { eventually } from '../support/eventually.js';

/** `ioctl` that answers how many bytes wait in a pipe, as an int of 32 bits. */
const bytesWaiting = 0x541b;
const getChipInfo = 0x8044b401;

/** A pipe stands in for the file of lines: it is read, waited for, and asked through `ioctl` in the same way. */
describe('the calls under the character device', () => {
  let directory: string;
  let path: string;
  let system: GpioSystem;
  let end: () => void = () => undefined;
  beforeEach(async () => {
    system = await loadGpioSystem();
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-gpio-'));
    path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
  });
  afterEach(async () => {
    // What is watched keeps a process alive.
    end();
    await rm(directory, { recursive: true, force: true });
  });

  it('let the kernel read and write a structure in place', () => {
    const file = system.open(path);
    writeSync(file, 'five!');
    const memory = new Uint8Array(16).fill(7);
    system.control(file, bytesWaiting, memory.subarray(4, 8));
    expect([...memory]).toEqual([7, 7, 7, 7, 5, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7]);
    system.close(file);
  });

  it('throw the code of the system', () => {
    const file = system.open(path);
    expect(
      codeOf(() => {
        system.control(file, getChipInfo, new Uint8Array(68));
      }),
    ).toBe('ENOTTY');
    system.close(file);
    expect(codeOf(() => system.open(join(directory, 'nothing')))).toBe('ENOENT');
  });

  it('tell what comes to be read, and that nothing will come any more', async () => {
    const writer = openSync(path, 'r+');
    const reader = openSync(path, 'r');
    const heard: string[] = [];
    end = system.watch(reader, (error) => {
      const into = new Uint8Array(16);
      if (error === null) heard.push(Buffer.from(into.subarray(0, system.read(reader, into))).toString());
      else {
        end();
        heard.push((error as NodeJS.ErrnoException).code ?? error.message);
      }
    });
    for (const text of ['one', 'two']) {
      writeSync(writer, text);
      await eventually(() => heard.at(-1) === text, `“${text}” is heard`);
    }
    closeSync(writer);
    await eventually(() => heard.length > 2, 'the end is heard');
    expect(heard).toEqual(['one', 'two', 'ENODEV']);
    end();
    closeSync(reader);
  });

  it('measure time on the monotonic clock', () => {
    const before = process.hrtime.bigint();
    const between = system.nowNs();
    expect(between >= before && between <= process.hrtime.bigint()).toBe(true);
  });
});

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return undefined;
}
