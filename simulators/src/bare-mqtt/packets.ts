/** Packets of MQTT 3.1.1 by hand: nothing is checked, so that wrong ones can be made as well as right ones. */
import { Buffer } from 'node:buffer';

export interface Packet {
  /** CONNECT is 1, PUBLISH 3, PUBACK 4 … */
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

/** The fixed header and the body. */
export function packetOf(type: number, flags: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([(type << 4) | flags]), lengthOf(body.length), body]);
}

function lengthOf(length: number): Buffer {
  const bytes: number[] = [];
  let left = length;
  do {
    const low = left % 128;
    left = Math.floor(left / 128);
    bytes.push(left > 0 ? low | 0x80 : low);
  } while (left > 0);
  return Buffer.from(bytes);
}

/** A string as the protocol writes it: two bytes of length, then UTF-8. */
export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string).subarray(0, 65_535);
  return Buffer.concat([word(bytes.length), bytes]);
}

/** Two bytes, the higher first. */
export function word(value: number): Buffer {
  return Buffer.from([(value >> 8) & 0xff, value & 0xff]);
}

export interface ConnectOptions {
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly keepaliveSeconds?: number;
  /** Last will: QoS 1, retained. */
  readonly will?: { readonly topic: string; readonly payload: Buffer };
}

export function connectPacket({ clientId, username, password, keepaliveSeconds = 60, will }: ConnectOptions): Buffer {
  const flags = will === undefined ? 0xc2 : 0xee;
  const head = Buffer.concat([text('MQTT'), Buffer.from([4, flags]), word(keepaliveSeconds)]);
  const last = will === undefined ? [] : [text(will.topic), text(will.payload)];
  return packetOf(1, 0, head, text(clientId), ...last, text(username), text(password));
}

/** QoS 1. */
export function publishPacket(topic: string, payload: Uint8Array, packetId: number, retain = false): Buffer {
  return packetOf(3, retain ? 0b0011 : 0b0010, text(topic), word(packetId), Buffer.from(payload));
}

export function subscribePacket(filters: readonly string[], packetId: number): Buffer {
  return packetOf(8, 0b0010, word(packetId), ...filters.flatMap((filter) => [text(filter), Buffer.from([1])]));
}

export function pubackPacket(packetId: number): Buffer {
  return packetOf(4, 0, word(packetId));
}

export const pingPacket = packetOf(12, 0);
export const disconnectPacket = packetOf(14, 0);

/** Topic, packet id (0 at QoS 0) and payload of a PUBLISH. */
export function readPublish({ flags, body }: Packet): { topic: string; packetId: number; payload: Buffer } {
  const end = 2 + body.readUInt16BE(0);
  const hasId = (flags & 0b0110) !== 0;
  return {
    topic: body.toString('utf8', 2, end),
    packetId: hasId ? body.readUInt16BE(end) : 0,
    payload: body.subarray(end + (hasId ? 2 : 0)),
  };
}

/** Cuts a stream into packets. */
export function createPacketReader(onPacket: (packet: Packet) => void): (chunk: Buffer) => void {
  let waiting: Buffer = Buffer.alloc(0);
  const next = (): Packet | undefined => {
    let length = 0;
    for (let index = 1; index < Math.min(waiting.length, 5); index += 1) {
      const byte = waiting[index] ?? 0;
      length += (byte & 0x7f) * 128 ** (index - 1);
      if ((byte & 0x80) !== 0) continue;
      const end = index + 1 + length;
      if (waiting.length < end) return undefined;
      const head = waiting[0] ?? 0;
      const packet = { type: head >> 4, flags: head & 0x0f, body: waiting.subarray(index + 1, end) };
      waiting = waiting.subarray(end);
      return packet;
    }
    return undefined;
  };
  return (chunk) => {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    for (let packet = next(); packet !== undefined; packet = next()) onPacket(packet);
  };
}
