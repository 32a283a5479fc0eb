import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { boundPackets } from '../../../src/adapters/plate-readers/packet-bound.js';

/** A PUBLISH packet whose remaining length is `bytes`. */
function packet(bytes: number): Buffer {
  const header = [0x30];
  for (let rest = bytes; ;) {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    header.push(rest > 0 ? low | 0x80 : low);
    if (rest === 0) break;
  }
  return Buffer.concat([Buffer.from(header), Buffer.alloc(bytes, 0xff)]);
}

async function brokenBy(chunks: readonly Buffer[], maxPacketBytes: number): Promise<string | null> {
  const stream = new PassThrough();
  let problem: string | null = null;
  stream.on('error', (error) => {
    problem = error.message;
  });
  boundPackets(stream as unknown as Socket, maxPacketBytes);
  for (const chunk of chunks) if (!stream.destroyed) stream.write(chunk);
  await new Promise((resolve) => setImmediate(resolve));
  return problem;
}

describe('the bound of a packet', () => {
  it('is held at its length: one byte more ends the connection before the packet is there', async () => {
    expect(await brokenBy([packet(1_000), packet(1_000)], 1_000)).toBeNull();
    expect(await brokenBy([packet(1_001).subarray(0, 3)], 1_000)).toBe(
      'it sends a packet of 1001 bytes: 1000 are taken at the most',
    );
  });

  it('finds the packets however the bytes are cut into chunks', async () => {
    const lengths = fc.array(fc.oneof(fc.nat(3), fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384)), {
      minLength: 1,
      maxLength: 8,
    });
    await fc.assert(
      fc.asyncProperty(lengths, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), async (all, cuts) => {
        const bytes = Buffer.concat(all.map(packet));
        const chunks: Buffer[] = [];
        for (let at = 0, cut = 0; at < bytes.length; cut += 1) {
          const size = cuts[cut % cuts.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const longest = Math.max(...all);
        expect(await brokenBy(chunks, longest)).toBeNull();
        if (longest > 0) expect(await brokenBy(chunks, longest - 1)).toContain(`a packet of ${String(longest)} bytes`);
      }),
    );
  });
});
