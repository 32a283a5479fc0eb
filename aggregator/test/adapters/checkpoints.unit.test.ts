import { describe, expect, it } from '@jest/globals';
import { createCheckpoints } from '../../src/adapters/store/sqlite/checkpoints.js';
import type { Connection } from '../../src/adapters/store/sqlite/connection.js';
import { StoreError } from '../../src/app/ports.js';

const megabyte = 1024 * 1024;
const enoughBytes = 24 * megabyte;

interface Moved {
  readonly through: 'writer' | 'beside';
  readonly pages: number;
}

/** A log, and what is committed while it is moved. `readMark`: an old moment that is read; nothing after it can be moved. */
function setUp(
  log: { logPages: number; movedPages: number; readMark?: number },
  committedMeanwhile: number[] = [],
  fileBytes = 0,
) {
  const moved: Moved[] = [];
  const warnings: string[] = [];
  const limits: number[] = [];
  let { logPages, movedPages } = log;
  const connectionOf = (through: Moved['through']): Connection =>
    ({
      async all() {
        await Promise.resolve();
        const end = Math.min(logPages, log.readMark ?? Infinity);
        moved.push({ through, pages: Math.max(0, end - movedPages) });
        movedPages = Math.max(movedPages, end);
        if (through === 'beside') logPages += committedMeanwhile.shift() ?? 0;
        return [{ busy: 0, log: logPages, checkpointed: movedPages }];
      },
      async exec(sql: string) {
        await Promise.resolve();
        limits.push(Number(/journal_size_limit = (\d+)/.exec(sql)?.[1]));
      },
    }) as unknown as Connection;
  const checkpoints = createCheckpoints({
    writer: connectionOf('writer'),
    beside: connectionOf('beside'),
    logBytes: () => Promise.resolve(fileBytes),
    path: 'gatehouse.db',
    logger: { ...silent, warn: (_fields: unknown, message: string) => warnings.push(message) } as never,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 40; turn += 1) await Promise.resolve();
  };
  return { checkpoints, moved, limits, warnings, settle };
}

const silent = { debug: () => undefined, info: () => undefined, error: () => undefined };

describe('the write-ahead log', () => {
  it('is moved beside the commits after every 24 megabytes, once at a time', async () => {
    const { checkpoints, moved, settle } = setUp({ logPages: 600, movedPages: 0 });
    checkpoints.onWritten(enoughBytes - 1);
    await settle();
    expect(moved).toEqual([]);
    checkpoints.onWritten(1);
    checkpoints.onWritten(enoughBytes);
    await settle();
    expect(moved).toEqual([{ through: 'beside', pages: 600 }]);
    checkpoints.onWritten(0);
    await settle();
    expect(moved).toHaveLength(2);
  });

  it('begins anew when it is long, with a small rest between two commits', async () => {
    const { checkpoints, moved, settle } = setUp({ logPages: 16_000, movedPages: 15_000 }, [300]);
    checkpoints.onWritten(enoughBytes);
    await settle();
    expect(moved).toEqual([
      { through: 'beside', pages: 1_000 },
      { through: 'writer', pages: 300 },
    ]);
  });

  it('is moved beside again until the rest is small', async () => {
    const { checkpoints, moved, settle } = setUp({ logPages: 300_000, movedPages: 0 }, [25_000, 2_000, 200]);
    checkpoints.onWritten(enoughBytes);
    await settle();
    expect(moved).toEqual([
      { through: 'beside', pages: 300_000 },
      { through: 'beside', pages: 25_000 },
      { through: 'beside', pages: 2_000 },
      { through: 'writer', pages: 200 },
    ]);
  });

  it.each([
    [1_200 * megabyte, 1_192 * megabyte],
    [70 * megabyte, 64 * megabyte],
    [10 * megabyte, 64 * megabyte],
  ])('gives the room of a long log back to the disk in small cuts: of %d bytes %d stay', async (fileBytes, kept) => {
    const { checkpoints, limits, settle } = setUp({ logPages: 16_000, movedPages: 16_000 }, [], fileBytes);
    checkpoints.onWritten(enoughBytes);
    await settle();
    expect(limits).toEqual([kept]);
  });

  it('makes no commit wait for what cannot be moved, because an old moment is read', async () => {
    const { checkpoints, moved, settle } = setUp({ logPages: 300_000, movedPages: 1_000, readMark: 1_000 }, [900, 900]);
    checkpoints.onWritten(enoughBytes);
    await settle();
    expect(moved.filter(({ through }) => through === 'writer')).toEqual([]);
    expect(moved.every(({ pages }) => pages === 0)).toBe(true);
  });

  it('makes commits wait, and says so, where a disk never catches up', async () => {
    const { checkpoints, moved, warnings, settle } = setUp(
      { logPages: 50_000, movedPages: 0 },
      [40_000, 40_000, 40_000],
    );
    checkpoints.onWritten(enoughBytes);
    await settle();
    expect(moved.at(-1)).toEqual({ through: 'writer', pages: 40_000 });
    expect(warnings).toEqual(['the disk is slow: commits wait for the write-ahead log']);
  });

  it('says when it cannot be moved, tries again, and is quiet when the store was closed', async () => {
    const warnings: string[] = [];
    let code: 'io' | 'closed' = 'io';
    const fail = () => Promise.reject(new StoreError(code, 'no'));
    const failing = { all: fail, exec: fail } as unknown as Connection;
    const logger = { ...silent, warn: (_fields: unknown, message: string) => warnings.push(message) } as never;
    const checkpoints = createCheckpoints({
      writer: failing,
      beside: failing,
      logBytes: () => Promise.resolve(0),
      path: 'gatehouse.db',
      logger,
    });
    checkpoints.onWritten(enoughBytes);
    await new Promise((resolve) => setImmediate(resolve));
    code = 'closed';
    checkpoints.onWritten(enoughBytes);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual(['checkpoint: no']);
  });
});
