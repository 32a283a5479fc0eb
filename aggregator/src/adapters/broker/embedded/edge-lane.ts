/**
 * The short way of an edge's events, past the broker's own: a PUBLISH to the one topic of theirs that nobody but the aggregator reads
 * is taken out of the stream whole, and answered. Everything else goes to the broker as it came. The receipts of what was sent to
 * the edge end here, because nothing waits for them.
 */

export interface EdgeLanePorts {
  /** Whether the lane may take this message; when not, it goes to the broker. */
  readonly mayTake: () => boolean;
  /** `payload` is valid during the call. */
  readonly onEvents: (payload: Uint8Array) => void;
  /** A PUBACK for each message that was taken, in order. */
  readonly acknowledge: (packets: Uint8Array) => void;
  /** What is for the broker, in order. */
  readonly pass: (bytes: Buffer) => void;
}

export interface EdgeLane {
  /** Call with everything that is read, in order, after it was measured: packets have bounded lengths. */
  read(chunk: Buffer): void;
}

const publish = 0x32;
const publishAgain = 0x3a;
const puback = 0x40;
const maxHeaderBytes = 5;

/** @param topic of the events of this edge: characters of ASCII, as all topics of edges are */
export function createEdgeLane(topic: string, ports: EdgeLanePorts): EdgeLane {
  return new Lane(topic, ports);
}

/** A class, because there is one for every connection. */
class Lane implements EdgeLane {
  readonly #topic: string;
  readonly #ports: EdgeLanePorts;
  /** The beginning of a packet that is not whole yet. */
  #waiting: Buffer[] | null = null;
  #waitingBytes = 0;
  /** How many bytes it takes to get on with what waits. */
  #neededBytes = 0;

  constructor(topic: string, ports: EdgeLanePorts) {
    this.#topic = topic;
    this.#ports = ports;
  }

  read(chunk: Buffer): void {
    if (this.#waiting === null) {
      this.#readWhole(chunk);
      return;
    }
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    // Put together once it is enough: a long packet that trickles in would otherwise be copied again and again.
    if (this.#waitingBytes >= this.#neededBytes) this.#readWhole(Buffer.concat(this.#waiting));
  }

  #readWhole(bytes: Buffer): void {
    const receipts: Buffer[] = [];
    let at = 0;
    /** From here on nothing was passed. */
    let unpassed = 0;
    const passUntil = (end: number): void => {
      if (end > unpassed) this.#ports.pass(bytes.subarray(unpassed, end));
    };
    while (at < bytes.length) {
      const { body, end } = extentOf(bytes, at);
      if (end > bytes.length) {
        this.#neededBytes = end - at;
        break;
      }
      if (this.#take(bytes, at, body, end, receipts)) {
        passUntil(at);
        unpassed = end;
      }
      at = end;
    }
    passUntil(at);
    if (receipts.length > 0) {
      this.#ports.acknowledge(receipts.length === 1 ? (receipts[0] ?? bytes) : Buffer.concat(receipts));
    }
    this.#waitingBytes = bytes.length - at;
    this.#waiting = this.#waitingBytes > 0 ? [bytes.subarray(at)] : null;
  }

  /** Answers whether the packet was taken; `body` is where its body begins. */
  #take(bytes: Buffer, start: number, body: number, end: number, receipts: Buffer[]): boolean {
    const head = bytes[start] ?? 0;
    if (head === puback) return end - body === 2;
    if (head !== publish && head !== publishAgain) return false;
    const topic = this.#topic;
    const at = body + 2 + topic.length;
    if (at + 2 > end || bytes.readUInt16BE(body) !== topic.length || !isAt(topic, bytes, body + 2)) return false;
    const packetId = bytes.readUInt16BE(at);
    if (packetId === 0 || !this.#ports.mayTake()) return false;
    receipts.push(Buffer.from([puback, 2, packetId >> 8, packetId & 0xff]));
    this.#ports.onEvents(bytes.subarray(at + 2, end));
    return true;
  }
}

/** Whether these characters of ASCII stand in the bytes from `at` on. */
function isAt(text: string, bytes: Buffer, at: number): boolean {
  // From the end: the topics of other edges begin alike.
  for (let index = text.length - 1; index >= 0; index -= 1) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

/** Where the body of the packet at `at` begins, and where it ends: beyond the bytes when they do not show its length yet. */
function extentOf(bytes: Buffer, at: number): { readonly body: number; readonly end: number } {
  let length = 0;
  for (let index = 1; index < maxHeaderBytes; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 128 ** (index - 1);
    if ((byte & 0x80) === 0) return { body: at + index + 1, end: at + index + 1 + length };
  }
  return { body: bytes.length, end: bytes.length + 1 };
}

/** A PUBLISH of QoS 1 that is not retained. */
export function publishBytes(topic: string, packetId: number, payload: string): Buffer {
  const topicBytes = Buffer.byteLength(topic, 'utf8');
  const payloadBytes = Buffer.byteLength(payload, 'utf8');
  const length = 2 + topicBytes + 2 + payloadBytes;
  const lengthBytes = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x20_0000 ? 3 : 4;
  const bytes = Buffer.allocUnsafe(1 + lengthBytes + length);
  bytes[0] = publish;
  let left = length;
  for (let at = 1; at <= lengthBytes; at += 1) {
    bytes[at] = (left & 0x7f) | (at < lengthBytes ? 0x80 : 0);
    left >>>= 7;
  }
  let at = 1 + lengthBytes;
  at = bytes.writeUInt16BE(topicBytes, at);
  at += bytes.write(topic, at, 'utf8');
  at = bytes.writeUInt16BE(packetId, at);
  bytes.write(payload, at, 'utf8');
  return bytes;
}
