/**
 * What stands between a socket and the broker, which has no such bounds of its own: packet length, rate of what comes in, bytes
 * that wait to go out. To the broker it is a stream that always takes what is written, so that one slow reader never holds up
 * the others; the reader is cut off instead.
 */
import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import type { CancelTimer, Clock } from '@gatehouse/shared';
import type { EdgeLane } from './edge-lane.js';
import { createPacketMeter } from './packet-meter.js';
import type { MeterRefusal } from './packet-meter.js';
import { createRateBound } from './rate-bound.js';
import type { BrokerLimits } from './settings.js';

export type GuardRefusal = MeterRefusal | 'slow-reader' | 'authentication-timeout' | 'too-many-unauthenticated';

export interface GuardOptions {
  readonly socket: Socket;
  readonly limits: BrokerLimits;
  readonly clock: Clock;
  readonly onRefused: (reason: GuardRefusal) => void;
}

/** Time for a last packet (such as a refusal) to leave before the socket is destroyed, ms. */
const farewellMs = 1_000;

interface Written {
  readonly chunk: Buffer;
}

export class GuardedConnection extends Duplex {
  readonly #options: GuardOptions;
  readonly #meter;
  readonly #packetRate;
  readonly #byteRate;
  #cancelAuthentication: CancelTimer;
  #cancelHold: CancelTimer | null = null;
  #isRefused = false;
  #lane: EdgeLane | null = null;
  /** What goes out with whatever is sent next. */
  #receipts: Uint8Array[] = [];
  #isCorked = false;
  /** When anything was read last. */
  lastHeardMonoMs: number;

  constructor(options: GuardOptions) {
    const { socket, limits, clock } = options;
    super({ allowHalfOpen: false, writableHighWaterMark: limits.maxQueuedBytesPerClient });
    this.#options = options;
    this.lastHeardMonoMs = clock.monoMs();
    this.#meter = createPacketMeter(limits);
    this.#packetRate = createRateBound(limits.maxPacketsPerSecond, clock);
    this.#byteRate = createRateBound(limits.maxBytesPerSecond, clock);
    this.#cancelAuthentication = clock.setTimer(limits.authenticationTimeoutMs, () => {
      this.#refuse('authentication-timeout');
    });
    socket.on('data', (chunk: Buffer) => {
      this.#onData(chunk);
    });
    socket.on('end', () => this.push(null));
    socket.on('error', () => this.destroy());
    socket.on('close', () => this.destroy());
    socket.pause();
  }

  /** The client has shown its credential: the time-out is over. */
  authenticated(): void {
    this.#cancelAuthentication();
  }

  /** Somebody else gets its place among those that have shown no credential. */
  turnOut(): void {
    this.#refuse('too-many-unauthenticated');
  }

  /** From now on everything is read by the lane first. */
  openLane(lane: EdgeLane): void {
    this.#lane = lane;
  }

  /** For the broker to read. */
  pass(bytes: Buffer): void {
    if (this.#isRefused || this.destroyed) return;
    if (!this.push(bytes)) this.#options.socket.pause();
  }

  /** Writes past the broker, as soon as what runs is done. */
  sendPacket(bytes: Uint8Array): void {
    this.#sendReceipts();
    this.#sendCorked(bytes);
  }

  /**
   * Receipts prove nothing and nobody waits for them: they leave with what is sent next, or with `flushReceipts`. Answers whether
   * these are the first that wait.
   */
  sendLater(receipts: Uint8Array): boolean {
    return this.#receipts.push(receipts) === 1;
  }

  flushReceipts(): void {
    if (this.#receipts.length > 0) this.#sendReceipts();
  }

  #sendReceipts(): void {
    for (const bytes of this.#receipts) this.#sendCorked(bytes);
    this.#receipts = [];
  }

  #sendCorked(bytes: Uint8Array): void {
    const { socket, limits } = this.#options;
    if (this.#isRefused || socket.destroyed || !socket.writable) return;
    if (!this.#isCorked) {
      this.#isCorked = true;
      socket.cork();
      // What is written in one go leaves together, and before the next turn begins: that may take longer than the way to the gate.
      if (corked.push(this) === 1) queueMicrotask(uncorkAll);
    }
    socket.write(bytes);
    if (socket.writableLength > limits.maxQueuedBytesPerClient) this.#refuse('slow-reader');
  }

  /** Ends what was begun with `sendPacket`. */
  uncorkSocket(): void {
    this.#isCorked = false;
    this.#options.socket.uncork();
  }

  #onData(chunk: Buffer): void {
    if (this.#isRefused || this.destroyed) return;
    this.lastHeardMonoMs = this.#options.clock.monoMs();
    const verdict = this.#meter.measure(chunk);
    if (!verdict.ok) {
      this.#refuse(verdict.reason);
      return;
    }
    const waitMs = Math.max(this.#packetRate.take(verdict.packets), this.#byteRate.take(chunk.length));
    if (waitMs > 0) this.#hold(waitMs);
    if (this.#lane === null) this.pass(chunk);
    else this.#lane.read(chunk);
  }

  /** Reads nothing for a while; TCP tells the sender to wait. */
  #hold(waitMs: number): void {
    this.#cancelHold?.();
    this.#options.socket.pause();
    this.#cancelHold = this.#options.clock.setTimer(waitMs, () => {
      this.#cancelHold = null;
      this.#options.socket.resume();
    });
  }

  #refuse(reason: GuardRefusal): void {
    if (this.#isRefused || this.destroyed) return;
    this.#isRefused = true;
    this.#options.onRefused(reason);
    this.#options.socket.destroy();
    this.destroy();
  }

  override _read(): void {
    if (this.#cancelHold === null) this.#options.socket.resume();
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
    const { socket, limits } = this.#options;
    if (socket.destroyed || !socket.writable) return;
    socket.cork();
    for (const { chunk } of chunks) socket.write(chunk);
    socket.uncork();
    if (socket.writableLength > limits.maxQueuedBytesPerClient) this.#refuse('slow-reader');
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#options.socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { socket, clock } = this.#options;
    this.#cancelAuthentication();
    this.#cancelHold?.();
    if (!socket.destroyed) {
      socket.end();
      // What still comes is read and dropped, so that the end of the other side is seen.
      socket.resume();
      const cancel = clock.setTimer(farewellMs, () => {
        socket.destroy();
      });
      socket.once('close', cancel);
    }
    done(error);
  }
}

/** Connections to which something was written in the present task. */
let corked: GuardedConnection[] = [];

function uncorkAll(): void {
  const connections = corked;
  corked = [];
  for (const connection of connections) connection.uncorkSocket();
}
