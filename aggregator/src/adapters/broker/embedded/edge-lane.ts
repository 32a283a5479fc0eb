/**
 * The short way of an edge's events, past the broker's own: a PUBLISH to the one topic of theirs that nobody but the aggregator reads
 * is taken out of the stream whole, and answered. So is a SUBSCRIBE to what the edge alone is told. Everything else goes to the broker
 * as it came. The receipts of what was sent to the edge end here, because nothing waits for them.
 */

export interface EdgeLanePorts {
  /** Whether nobody but the two ends reads what edges say; else everything goes to the broker. */
  isPrivate(): boolean;
  /** `payload` is valid during the call. */
  onEvents(topic: string, payload: Uint8Array): void;
  /** A message that was taken wants its PUBACK. */
  acknowledge(packetId: number): void;
  /** The edge wants to read these, each with QoS 1 or 2. Answers whether that was granted, and the edge told. */
  subscribe(packetId: number, filters: readonly string[]): boolean;
  /** What is for the broker, in order. Comes after the PUBACKs of all that was read before it. */
  pass(bytes: Buffer): void;
}

export interface EdgeLane {
  /** Call with everything that is read, from the first byte on, after it was measured: packets have bounded lengths. */
  read(chunk: Buffer): void;
  /**
   * Nothing is taken before this.
   *
   * @param topic of the events of this edge: characters of ASCII, as all topics of edges are
   * @param client nothing is taken once it is closed
   */
  open(topic: string, client: { readonly closed: boolean }): void;
  /** The broker has dispatched a PUBLISH of QoS 1 that it was passed. */
  onDispatched(): void;
}

const publish = 0x32;
const publishAgain = 0x3a;
const puback = 0x40;
const subscribe = 0x82;
const suback = 0x90;
const maxHeaderBytes = 5;
/** Type and QoS of a PUBLISH; the other bits say whether it is retained, and whether it is sent again. */
const typeAndQos = 0xf6;
/** Of one SUBSCRIBE: more than an edge has topics. */
const maxFilters = 16;

export function createEdgeLane(ports: EdgeLanePorts): EdgeLane {
  return new Lane(ports);
}

/** A class, because there is one for every connection. */
class Lane implements EdgeLane {
  readonly #ports: EdgeLanePorts;
  #topic = '';
  #client: { readonly closed: boolean } | null = null;
  /**
   * PUBLISHes of QoS 1 that went to the broker and were not dispatched yet. While there are any, none is taken: neither the messages
   * nor their PUBACKs overtake each other (MQTT 3.1.1, 4.6).
   */
  #withBroker = 0;
  /** The beginning of a packet that is not whole yet. */
  #waiting: Buffer[] | null = null;
  #waitingBytes = 0;
  /** How many bytes it takes to get on with what waits. */
  #neededBytes = 0;

  constructor(ports: EdgeLanePorts) {
    this.#ports = ports;
  }

  open(topic: string, client: { readonly closed: boolean }): void {
    this.#topic = topic;
    this.#client = client;
  }

  onDispatched(): void {
    if (this.#withBroker > 0) this.#withBroker -= 1;
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
      if (this.#isTaken(bytes, at, body, end)) {
        passUntil(at);
        unpassed = end;
      } else if (((bytes[at] ?? 0) & typeAndQos) === publish) {
        this.#withBroker += 1;
      }
      at = end;
    }
    passUntil(at);
    this.#waitingBytes = bytes.length - at;
    this.#waiting = this.#waitingBytes > 0 ? [bytes.subarray(at)] : null;
  }

  /** Takes the packet if it is one for the lane; `body` is where its body begins. */
  #isTaken(bytes: Buffer, start: number, body: number, end: number): boolean {
    const client = this.#client;
    if (client === null) return false;
    const head = bytes[start] ?? 0;
    if (head === puback) return end - body === 2;
    if (head === subscribe) return !client.closed && this.#isSubscribed(bytes, body, end);
    if (head !== publish && head !== publishAgain) return false;
    const topic = this.#topic;
    const at = body + 2 + topic.length;
    if (at + 2 > end || bytes.readUInt16BE(body) !== topic.length || !isAt(topic, bytes, body + 2)) return false;
    const packetId = bytes.readUInt16BE(at);
    if (packetId === 0 || this.#withBroker > 0 || client.closed || !this.#ports.isPrivate()) return false;
    this.#ports.acknowledge(packetId);
    this.#ports.onEvents(topic, bytes.subarray(at + 2, end));
    return true;
  }

  #isSubscribed(bytes: Buffer, body: number, end: number): boolean {
    const packetId = end - body > 2 ? bytes.readUInt16BE(body) : 0;
    const filters = packetId === 0 ? null : filtersOf(bytes, body + 2, end);
    return filters !== null && this.#ports.subscribe(packetId, filters);
  }
}

/** The filters of the SUBSCRIBE whose payload begins at `at`; null if it is not one of few filters, each with QoS 1 or 2. */
function filtersOf(bytes: Buffer, at: number, end: number): string[] | null {
  const filters: string[] = [];
  let next = at;
  while (next < end) {
    const qosAt = next + 2 + (next + 2 <= end ? bytes.readUInt16BE(next) : end);
    const qos = qosAt < end ? bytes[qosAt] : undefined;
    if ((qos !== 1 && qos !== 2) || filters.length === maxFilters) return null;
    filters.push(bytes.toString('latin1', next + 2, qosAt));
    next = qosAt + 1;
  }
  return filters.length === 0 ? null : filters;
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

/** Grants so many filters QoS 1. `count`: at most 16. */
export function subackBytes(packetId: number, count: number): Buffer {
  const bytes = Buffer.alloc(4 + count, 1);
  bytes[0] = suback;
  bytes[1] = 2 + count;
  bytes.writeUInt16BE(packetId, 2);
  return bytes;
}
