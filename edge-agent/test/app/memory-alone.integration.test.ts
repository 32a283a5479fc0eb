/** Weeks without an aggregator take room on the disk, and none in memory. */
import { describe, expect, it } from '@jest/globals';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { OutboxSnapshot, OutboxStore } from '../../src/index.js';
import { createHarness, sha256 } from './harness.js';

/** A disk that takes everything and is never looked at again. */
function endlessDisk(): OutboxStore & { events: number; bytes: number } {
  const nothing = Promise.resolve();
  const disk = {
    events: 0,
    bytes: 0,
    open: (epoch: string): Promise<OutboxSnapshot> =>
      Promise.resolve({
        ...{ epoch, oldest: 1, next: 1, acked: 0, ackedAtMs: 0, lastHash: sha256(epoch), bytes: 0, notes: new Map() },
        ...{ lost: { events: 0, entries: 0, exits: 0 }, damaged: null },
      }),
    append: ({ events }: { readonly events: readonly { readonly json: string }[] }) => {
      disk.events += events.length;
      for (const { json } of events) disk.bytes += json.length;
      return nothing;
    },
    read: () => Promise.resolve([]),
    hashAt: () => Promise.resolve(null),
    acknowledge: () => nothing,
    rewind: () => nothing,
    trim: () => Promise.resolve(1),
    beginEpoch: () => nothing,
    countLoss: () => nothing,
    close: () => nothing,
  };
  return disk;
}

describe('an edge that is alone for long', () => {
  it('keeps none of what lies in its outbox in memory', async () => {
    setFlagsFromString('--expose_gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const heapBytes = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const disk = endlessDisk();
    const edge = createHarness({ outbox: disk, connected: false });
    await edge.start();
    const drive = async (vehicles: number): Promise<void> => {
      for (let vehicle = 0; vehicle < vehicles; vehicle += 1) {
        await edge.edge('exit-1', 'arming', true);
        await edge.advance(1_500);
        await edge.driveThrough('exit-1');
        await edge.advance(3_000);
      }
      edge.barrier('exit-1').requests.length = 0;
      edge.barrier('exit-1').texts.length = 0;
    };
    // More than what it keeps for sending.
    await drive(800);
    const [heapBefore, bytesBefore] = [heapBytes(), disk.bytes];
    await drive(1_600);
    const grownBytes = heapBytes() - heapBefore;
    const writtenBytes = disk.bytes - bytesBefore;
    expect(disk.events).toBe(3 * 2_400);
    expect(writtenBytes).toBeGreaterThan(900_000);
    expect(grownBytes).toBeLessThan(writtenBytes / 2);
    await edge.agent.stop();
  });
});
