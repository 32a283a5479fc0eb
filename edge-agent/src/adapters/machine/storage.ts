/** Directories and disks of this machine, as the doctor asks for them. */
import { open, readFile, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { readVolume } from '@gatehouse/shared/node';
import type { FileSeen } from '../../doctor/identity.js';
import type { Mount, StorageWorld } from '../../doctor/storage.js';

const flushes = 15;
const flushBytes = 4_096;
const flushBoundMs = 2_000;
const probeName = '.doctor';

export const machineStorage: StorageWorld = { writeProblem, readVolume, mountOf, timeFlushesMs };

async function writeProblem(directory: string): Promise<string | undefined> {
  const path = join(directory, `${probeName}-${String(process.pid)}`);
  try {
    const file = await open(path, 'wx', 0o600);
    await file.close();
    await rm(path);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

/** Each write is flushed as the outbox's are; the file is made once and removed. */
async function timeFlushesMs(directory: string): Promise<number[]> {
  const path = join(directory, `${probeName}-${String(process.pid)}`);
  const file = await open(path, 'wx', 0o600);
  try {
    const timesMs: number[] = [];
    const block = Buffer.alloc(flushBytes, 0x5a);
    const startMs = performance.now();
    while (timesMs.length < flushes && performance.now() - startMs < flushBoundMs) {
      const beforeMs = performance.now();
      await file.write(block, 0, flushBytes, timesMs.length * flushBytes);
      await file.datasync();
      timesMs.push(performance.now() - beforeMs);
    }
    return timesMs;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/** Fields of /proc/self/mountinfo: proc(5). */
async function mountOf(directory: string): Promise<Mount | undefined> {
  try {
    const path = await realpath(directory);
    let best:
      { readonly point: string; readonly number: string; readonly type: string; readonly device: string } | undefined;
    for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).split('\n')) {
      const [before = '', after = ''] = line.split(' - ');
      const [, , number = '', , point = ''] = before.split(' ').map(unescape);
      const [type = '', device = ''] = after.split(' ').map(unescape);
      const holds = point !== '' && (path === point || path.startsWith(point === '/' ? '/' : `${point}/`));
      // Of several on one place the last one shows.
      if (holds && point.length >= (best?.point.length ?? 0)) best = { point, number, type, device };
    }
    if (best === undefined) return undefined;
    const isRotational = await isRotationalOf(best.number);
    return { fileSystem: best.type, device: best.device, ...(isRotational === undefined ? {} : { isRotational }) };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function unescape(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_all, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}

/** A partition has no queue of its own. */
async function isRotationalOf(number: string): Promise<boolean | undefined> {
  for (const place of ['queue', '../queue']) {
    const text = await textOf(`/sys/dev/block/${number}/${place}/rotational`);
    if (text !== undefined) return text.trim() === '1';
  }
  return undefined;
}

/** undefined when it cannot be read. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}

export async function seeFile(path: string): Promise<FileSeen> {
  try {
    const { mode } = await stat(path);
    return { text: await readFile(path, 'utf8'), mode };
  } catch (error) {
    return { problem: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
