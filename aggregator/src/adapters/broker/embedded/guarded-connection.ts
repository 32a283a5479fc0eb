/**
 * What stands between a socket and the broker, which has no such bounds of its own: packet length, rate of what comes in, bytes
 * that wait to go out. To the broker it is a stream that always takes what is written, so that one slow reader never holds up
 * the others; the reader is cut off instead.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { Client } from 'aedes';
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { BrokerIdentity } from '../../../app/ports.js';
import { createEdgeLane } from './edge-lane.js';
import type { EdgeLane, EdgeLanePorts } from './edge-lane.js';
import { createPacketMeter } from './packet-meter.js';
import type { MeterRefusal } from './packet-meter.js';
import { createRateBound } from './rate-bound.js';
import type { BrokerLimits } from './settings.js';

export type GuardRefusal = MeterRefusal | 'slow-reader' | 'authentication-timeout' | 'too-many-unauthenticated';

/** What all connections of a broker share. */
export interface ConnectionKeeper {
  readonly limits: BrokerLimits;
  readonly clock: Clock;
  /** Whether nobody but the two ends reads what edges say. */
  readonly isPrivate: () => boolean;
  /** What an edge said past the broker; `payload` is valid during the call. */
  readonly onEvents: (topic: string, payload: Uint8Array) => void;
  /** A receipt waits at this connection, where none waited before. */
  readonly onReceipt: (connection: GuardedConnection) => void;
  /** An edge wants to read these filters; answers whether that was granted and answered past the broker. */
  readonly onSubscribe: (connection: GuardedConnection, packetId: number, filters: readonly string[]) => boolean;
  readonly onRefused: (reason: GuardRefusal, address: string) => void;
  /** It is over; called once. */
  readonly onClosed: (connection: GuardedConnection) => void;
}

/** Time for a last packet (such as a refusal) to leave before the socket is destroyed, ms. */
const farewellMs = 1_000;

interface Written {
  readonly chunk: Buffer;
}

/** Closures and listeners of its own would weigh as much as the rest of it: there are many. */
export class GuardedConnection extends Duplex implements EdgeLanePorts {
  /** Of the other end. */
  readonly address: string;
  /** The broker sets it. */
  client: Client | null = null;
  /** Who the other end has shown to be. */
  identity: BrokerIdentity | null = null;
  /** The short way of the events of an edge: closed until the edge is known. */
  readonly lane: EdgeLane;
  readonly #socket: Socket;
  readonly #keeper: ConnectionKeeper;
  readonly #meter;
  readonly #packetRate;
  readonly #byteRate;
  #cancelAuthentication: CancelTimer;
  #cancelHold: CancelTimer | null = null;
  #isRefused = false;
  /** Packet ids of messages that were taken and have no PUBACK yet. */
  #receipts: number[] = [];
  #isCorked = false;
  /** When anything was read last. */
  lastHeardMonoMs: number;
  /** When the first of the receipts that wait, if any, came to wait. */
  receiptsSinceMonoMs = 0;

  constructor(socket: Socket, keeper: ConnectionKeeper) {
    const { limits, clock } = keeper;
    super({ allowHalfOpen: false, writableHighWaterMark: limits.maxQueuedBytesPerClient });
    this.address = socket.remoteAddress ?? '';
    this.#socket = socket;
    this.#keeper = keeper;
    this.lastHeardMonoMs = clock.monoMs();
    this.#meter = createPacketMeter(limits);
    this.#packetRate = createRateBound(limits.maxPacketsPerSecond, clock);
    this.#byteRate = createRateBound(limits.maxBytesPerSecond, clock);
    this.lane = createEdgeLane(this);
    this.#cancelAuthentication = clock.setTimer(limits.authenticationTimeoutMs, () => {
      this.#refuse('authentication-timeout');
    });
    (socket as GuardedSocket)[guard] = this;
    socket.on('data', readChunk).on('end', readEnd).on('error', endConnection).on('close', endConnection);
    socket.pause();
  }

  /** The client has shown its credential: the time-out is over. */
  authenticated(identity: BrokerIdentity): void {
    this.identity = identity;
    this.#cancelAuthentication();
    this.#cancelAuthentication = nothingToCancel;
  }

  isPrivate(): boolean {
    return this.#keeper.isPrivate();
  }

  onEvents(topic: string, payload: Uint8Array): void {
    this.#keeper.onEvents(topic, payload);
  }

  subscribe(packetId: number, filters: readonly string[]): boolean {
    return this.#keeper.onSubscribe(this, packetId, filters);
  }

  /** Somebody else gets its place among those that have shown no credential. */
  turnOut(): void {
    this.#refuse('too-many-unauthenticated');
  }

  /** Writes past the broker, as soon as what runs is done. */
  sendPacket(bytes: Uint8Array): void {
    this.flushReceipts();
    this.#sendCorked(bytes);
  }

  /**
   * Receipts prove nothing and nobody waits for them: they leave with what is sent next, before anything more is passed to the broker,
   * or with `flushReceipts`.
   */
  acknowledge(packetId: number): void {
    if (this.#receipts.push(packetId) > 1) return;
    this.receiptsSinceMonoMs = this.lastHeardMonoMs;
    this.#keeper.onReceipt(this);
  }

  get hasReceipts(): boolean {
    return this.#receipts.length > 0;
  }

  flushReceipts(): void {
    if (this.#receipts.length === 0) return;
    const packets = pubackBytes(this.#receipts);
    this.#receipts = [];
    this.#sendCorked(packets);
  }

  #sendCorked(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (this.#isRefused || socket.destroyed || !socket.writable) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      // What is written in one go leaves together, and before the next turn begins: that may take longer than the way to the gate.
      if (corked.push(this) === 1) queueMicrotask(uncorkAll);
    }
    socket.write(bytes);
    this.#boundQueue();
  }

  /** Ends what was begun with `sendPacket`. */
  uncorkSocket(): void {
    this.#isCorked = false;
    this.#socket.uncork();
  }

  /** What the socket has read. */
  onData(chunk: Buffer): void {
    if (this.#isRefused || this.destroyed) return;
    this.lastHeardMonoMs = this.#keeper.clock.monoMs();
    const verdict = this.#meter.measure(chunk);
    if (!verdict.ok) {
      this.#refuse(verdict.reason);
      return;
    }
    const waitMs = Math.max(this.#packetRate.take(verdict.packets), this.#byteRate.take(chunk.length));
    if (waitMs > 0) this.#hold(waitMs);
    this.lane.read(chunk);
  }

  /** For the broker to read. Its answers come after ours to what was read before. */
  pass(bytes: Buffer): void {
    if (this.#isRefused || this.destroyed) return;
    this.flushReceipts();
    if (!this.push(bytes)) this.#socket.pause();
  }

  /** Reads nothing for a while; TCP tells the sender to wait. */
  #hold(waitMs: number): void {
    this.#cancelHold?.();
    this.#socket.pause();
    this.#cancelHold = this.#keeper.clock.setTimer(waitMs, () => {
      this.#cancelHold = null;
      this.#socket.resume();
    });
  }

  #refuse(reason: GuardRefusal): void {
    if (this.#isRefused || this.destroyed) return;
    this.#isRefused = true;
    this.#keeper.onRefused(reason, this.address);
    this.#socket.destroy();
    this.destroy();
  }

  override _read(): void {
    if (this.#cancelHold === null) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send([{ chunk }]);
    done();
  }

  override _writev(chunks: Written[], done: (error?: Error | null) => void): void {
    this.#send(chunks);
    done();
  }

  #send(chunks: readonly Written[]): void {
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) return;
    socket.cork();
    for (const { chunk } of chunks) socket.write(chunk);
    socket.uncork();
    this.#boundQueue();
  }

  #boundQueue(): void {
    if (this.#socket.writableLength > this.#keeper.limits.maxQueuedBytesPerClient) this.#refuse('slow-reader');
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const socket = this.#socket;
    this.#cancelAuthentication();
    this.#cancelHold?.();
    this.#keeper.onClosed(this);
    if (!socket.destroyed) {
      socket.end();
      // What still comes is read and dropped, so that the end of the other side is seen.
      socket.resume();
      const cancel = this.#keeper.clock.setTimer(farewellMs, () => {
        socket.destroy();
      });
      socket.once('close', cancel);
    }
    done(error);
  }
}

const guard = Symbol('guard');
type GuardedSocket = Socket & { [guard]?: GuardedConnection };

function readChunk(this: GuardedSocket, chunk: Buffer): void {
  this[guard]?.onData(chunk);
}
function readEnd(this: GuardedSocket): void {
  this[guard]?.push(null);
}
function endConnection(this: GuardedSocket): void {
  this[guard]?.destroy();
}
function nothingToCancel(): void {
  // It was cancelled.
}

/** Connections to which something was written in the present task. */
let corked: GuardedConnection[] = [];

function uncorkAll(): void {
  const connections = corked;
  corked = [];
  for (const connection of connections) connection.uncorkSocket();
}

function pubackBytes(packetIds: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(4 * packetIds.length);
  let at = 0;
  // Type, length, packet id.
  for (const packetId of packetIds) at = bytes.writeUInt32BE(0x4002_0000 + packetId, at);
  return bytes;
}
