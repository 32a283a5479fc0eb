import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createVirtualClock, silentLogger } from '../src/index.js';
import type { Logger } from '../src/index.js';
import { certificateEndSeconds, createReading, readVolume } from '../src/node/index.js';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatehouse-reading-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe('a reading', () => {
  const around = () => {
    const warnings: string[] = [];
    const logger: Logger = { ...silentLogger, warn: (_fields, message) => void warnings.push(message) };
    return { clock: createVirtualClock({ wallMs: 0 }), logger, warnings };
  };

  it('that fails is left out and logged once, until it has worked again', async () => {
    const { warnings, ...parts } = around();
    let works = false;
    const reading = createReading('it', () => (works ? Promise.resolve(7) : Promise.reject(new Error('no'))), parts);
    expect([await reading(), await reading()]).toEqual([undefined, undefined]);
    expect(warnings).toEqual(['it could not be read']);
    works = true;
    expect(await reading()).toBe(7);
    works = false;
    expect(await reading()).toBeUndefined();
    expect(warnings).toHaveLength(2);
  });

  it('that hangs is given up after 2 s, and not begun again while it hangs', async () => {
    const { clock, logger } = around();
    let begun = 0;
    let answer: (value: number) => void = () => undefined;
    const read = (): Promise<number> => {
      begun += 1;
      return new Promise((resolve) => (answer = resolve));
    };
    const reading = createReading('it', read, { clock, logger });
    const first = reading();
    clock.advance(2_000);
    expect(await first).toBeUndefined();
    const second = reading();
    expect(begun).toBe(1);
    answer(5);
    expect(await second).toBe(5);
    const third = reading();
    expect(begun).toBe(2);
    answer(6);
    expect(await third).toBe(6);
  });

  it('of a volume tells its size and what is free for us', async () => {
    const { freeBytes, sizeBytes } = await readVolume(directory);
    expect(freeBytes).toBeGreaterThan(0);
    expect(sizeBytes).toBeGreaterThanOrEqual(freeBytes);
    await expect(readVolume(join(directory, 'nowhere'))).rejects.toThrow('ENOENT');
  });

  it('of a certificate tells when the first one in the file ends', async () => {
    const make = async (name: string, days: number): Promise<Buffer> => {
      const file = join(directory, `${name}.crt`);
      await promisify(execFile)('openssl', [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
        ...['-days', String(days), '-keyout', join(directory, `${name}.key`), '-out', file, '-subj', `/CN=${name}`],
      ]);
      return readFile(file);
    };
    const startedSeconds = Date.now() / 1000;
    const [leaf, issuer] = [await make('leaf', 10), await make('issuer', 1_000)];
    const days = (pem: Buffer): number => (certificateEndSeconds(pem) - startedSeconds) / 86_400;
    expect(days(leaf)).toBeCloseTo(10, 1);
    expect(days(issuer)).toBeCloseTo(1_000, 1);
    expect(certificateEndSeconds(Buffer.concat([leaf, issuer]))).toBe(certificateEndSeconds(leaf));
    expect(() => certificateEndSeconds(Buffer.from('none'))).toThrow();
  });
});
