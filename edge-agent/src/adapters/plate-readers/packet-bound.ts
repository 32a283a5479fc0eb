/** Keeps a broker from making the agent collect a packet of any length: the library has no bound of its own. */
import type { Socket } from 'node:net';

/**
 * Destroys the socket when a packet announces more than `maxPacketBytes`. To be called before the socket is read from; takes nothing
 * from its other readers. Fixed header: MQTT 3.1.1, section 2.2.
 */
export function boundPackets(socket: Socket, maxPacketBytes: number): void {
  let bytesToSkip = 0;
  /** Of the length that is being read; null between packets. */
  let length: { bytes: number; shift: number } | null = null;
  socket.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      if (bytesToSkip > 0) {
        const skipped = Math.min(bytesToSkip, chunk.length - at);
        bytesToSkip -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (length === null) {
        length = { bytes: 0, shift: 0 };
        continue;
      }
      length.bytes += (byte & 0x7f) * 2 ** length.shift;
      length.shift += 7;
      if ((byte & 0x80) !== 0 && length.shift < 28) continue;
      if (length.bytes > maxPacketBytes) {
        socket.destroy(
          new Error(
            `it sends a packet of ${String(length.bytes)} bytes: ${String(maxPacketBytes)} are taken at the most`,
          ),
        );
        return;
      }
      bytesToSkip = length.bytes;
      length = null;
    }
  });
}
