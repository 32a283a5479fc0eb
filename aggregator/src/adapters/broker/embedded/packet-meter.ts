/**
 * Follows the fixed headers of an MQTT stream, so that a packet that is too long is known by its first five bytes, before anything
 * of it is kept. Looks at nothing else.
 */

export interface PacketBounds {
  /** Of the first packet, which must be CONNECT. */
  readonly maxConnectBytes: number;
  readonly maxPacketBytes: number;
}

export type MeterVerdict =
  /** How many packets began in what was measured. */
  { readonly ok: true; readonly packets: number } | { readonly ok: false; readonly reason: MeterRefusal };

export type MeterRefusal = 'not-mqtt' | 'packet-too-long';

export interface PacketMeter {
  /** Call with everything that is read, in order. After a refusal it must not be called again. */
  measure(chunk: Uint8Array): MeterVerdict;
}

const connectType = 1;
const maxLengthBytes = 4;

export function createPacketMeter(bounds: PacketBounds): PacketMeter {
  return new Meter(bounds);
}

/** A class, because there is one for every connection. */
class Meter implements PacketMeter {
  readonly #bounds: PacketBounds;
  #place: 'type' | 'length' | 'body' = 'type';
  #isFirst = true;
  #length = 0;
  #lengthBytes = 0;
  #bodyBytesLeft = 0;

  constructor(bounds: PacketBounds) {
    this.#bounds = bounds;
  }

  measure(chunk: Uint8Array): MeterVerdict {
    let packets = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#place === 'body') {
        const taken = Math.min(this.#bodyBytesLeft, chunk.length - at);
        at += taken;
        this.#bodyBytesLeft -= taken;
        if (this.#bodyBytesLeft === 0) this.#place = 'type';
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (this.#place === 'type') {
        const type = byte >> 4;
        if (type === 0 || type === 15 || this.#isFirst !== (type === connectType)) {
          return { ok: false, reason: 'not-mqtt' };
        }
        packets += 1;
        this.#place = 'length';
        this.#length = 0;
        this.#lengthBytes = 0;
        continue;
      }
      this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes;
      this.#lengthBytes += 1;
      const isLast = (byte & 0x80) === 0;
      if (!isLast && this.#lengthBytes === maxLengthBytes) return { ok: false, reason: 'not-mqtt' };
      if (!isLast) continue;
      if (this.#length > (this.#isFirst ? this.#bounds.maxConnectBytes : this.#bounds.maxPacketBytes)) {
        return { ok: false, reason: 'packet-too-long' };
      }
      this.#isFirst = false;
      this.#bodyBytesLeft = this.#length;
      this.#place = this.#length === 0 ? 'type' : 'body';
    }
    return { ok: true, packets };
  }
}
