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
  let place: 'type' | 'length' | 'body' = 'type';
  let isFirst = true;
  let length = 0;
  let lengthBytes = 0;
  let bodyBytesLeft = 0;

  return {
    measure(chunk) {
      let packets = 0;
      let at = 0;
      while (at < chunk.length) {
        if (place === 'body') {
          const taken = Math.min(bodyBytesLeft, chunk.length - at);
          at += taken;
          bodyBytesLeft -= taken;
          if (bodyBytesLeft === 0) place = 'type';
          continue;
        }
        const byte = chunk[at] ?? 0;
        at += 1;
        if (place === 'type') {
          const type = byte >> 4;
          if (type === 0 || type === 15 || isFirst !== (type === connectType)) return { ok: false, reason: 'not-mqtt' };
          packets += 1;
          place = 'length';
          length = 0;
          lengthBytes = 0;
          continue;
        }
        length += (byte & 0x7f) * 128 ** lengthBytes;
        lengthBytes += 1;
        const isLast = (byte & 0x80) === 0;
        if (!isLast && lengthBytes === maxLengthBytes) return { ok: false, reason: 'not-mqtt' };
        if (!isLast) continue;
        if (length > (isFirst ? bounds.maxConnectBytes : bounds.maxPacketBytes)) {
          return { ok: false, reason: 'packet-too-long' };
        }
        isFirst = false;
        bodyBytesLeft = length;
        place = length === 0 ? 'type' : 'body';
      }
      return { ok: true, packets };
    },
  };
}
