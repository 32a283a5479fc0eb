/**
 * The loss counter: a small file whose space is taken when the outbox is made, so that counting works on a full disk. It holds
 * running totals in two places written in turn, each with its own digest: a torn write leaves the other one.
 */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { sha256 } from '@gatehouse/shared/node';
import { z } from 'zod';
import type { LossCount } from '../../app/ports.js';
import { applyLoss, noLoss } from '../outbox-rules.js';

/** A block of usual disks: the two places never share one. */
const placeBytes = 4_096;
const digestChars = 64;

const count = z.int().min(0);
const lossCountSchema = z.strictObject({ events: count, entries: count, exits: count });
const placeSchema = z.strictObject({
  generation: count,
  /** Everything ever lost. */
  total: lossCountSchema,
  /** What of it was accounted for by events, as far as this file has been told; the database knows better. */
  accounted: lossCountSchema,
});
type Place = z.infer<typeof placeSchema>;

export interface LossFile {
  /** Whether it was there before this start. */
  readonly existed: boolean;
  readonly total: LossCount;
  readonly accounted: LossCount;
  /** In place and flushed. */
  add(loss: LossCount): Promise<void>;
  setAccounted(accounted: LossCount): Promise<void>;
  close(): Promise<void>;
}

export async function openLossFile(path: string): Promise<LossFile> {
  const { file, existed } = await openOrCreate(path);
  let current: Place;
  try {
    current = await newest(file);
  } catch (error) {
    await file.close();
    throw error;
  }
  const write = async (next: Omit<Place, 'generation'>): Promise<void> => {
    const place: Place = { ...next, generation: current.generation + 1 };
    const json = JSON.stringify(place).padEnd(placeBytes - digestChars, ' ');
    await file.write(Buffer.from(json + sha256(json), 'latin1'), 0, placeBytes, (place.generation % 2) * placeBytes);
    await file.datasync();
    current = place;
  };
  return {
    existed,
    get total() {
      return current.total;
    },
    get accounted() {
      return current.accounted;
    },
    add: (loss) => write({ total: applyLoss(current.total, loss, 1), accounted: current.accounted }),
    setAccounted: (accounted) => write({ total: current.total, accounted }),
    close: () => file.close(),
  };
}

/** The counter as it stands, without changing the file; nothing when there is none. */
export async function readLosses(path: string): Promise<{ readonly total: LossCount; readonly accounted: LossCount }> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { total: noLoss, accounted: noLoss };
    throw error;
  }
  try {
    const { total, accounted } = await newest(file);
    return { total, accounted };
  } finally {
    await file.close();
  }
}

async function openOrCreate(path: string): Promise<{ readonly file: FileHandle; readonly existed: boolean }> {
  try {
    return { file: await open(path, 'r+'), existed: true };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const file = await open(path, 'w+', 0o640);
    await file.write(Buffer.alloc(2 * placeBytes, ' '), 0, 2 * placeBytes, 0);
    await file.sync();
    return { file, existed: false };
  }
}

async function newest(file: FileHandle): Promise<Place> {
  let found: Place = { generation: 0, total: noLoss, accounted: noLoss };
  for (const index of [0, 1]) {
    const buffer = Buffer.alloc(placeBytes);
    const { bytesRead } = await file.read(buffer, 0, placeBytes, index * placeBytes);
    const place = bytesRead === placeBytes ? parsePlace(buffer.toString('latin1')) : undefined;
    if (place !== undefined && place.generation > found.generation) found = place;
  }
  return found;
}

function parsePlace(text: string): Place | undefined {
  const json = text.slice(0, -digestChars);
  if (sha256(json) !== text.slice(-digestChars)) return undefined;
  const parsed = placeSchema.safeParse(JSON.parse(json));
  return parsed.success ? parsed.data : undefined;
}
