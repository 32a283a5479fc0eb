import { Socket } from 'node:net';
import { Buffer } from 'node:buffer';
import { describe, expect, it } from '@jest/globals';
import { createVirtualClock } from '@gatehouse/shared';
import { GuardedConnection } from '../../src/adapters/broker/embedded/guarded-connection.js';
import { brokerLimitsSchema } from '../../src/adapters/broker/embedded/settings.js';

/** Notes what leaves, and in how many pieces it is handed over. */
class NotingSocket extends Socket {
  readonly pieces: string[] = [];

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.pieces.push(chunk.toString());
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.pieces.push(chunks.map(({ chunk }) => chunk.toString()).join(''));
    done();
  }
}

function connect(): { socket: NotingSocket; connection: GuardedConnection } {
  const socket = new NotingSocket();
  const connection = new GuardedConnection(socket, {
    limits: brokerLimitsSchema.parse({}),
    clock: createVirtualClock({ wallMs: 0 }),
    isPrivate: () => true,
    onEvents: () => undefined,
    onReceipt: () => undefined,
    onSubscribe: () => false,
    onRefused: () => undefined,
    onClosed: () => undefined,
  });
  return { socket, connection };
}

describe('what is sent past the broker', () => {
  it('leaves in one piece, before what was to be done after the work that sent it', async () => {
    const { socket, connection } = connect();
    let hadLeft: string[] = [];
    // As a turn does: the next one begins in the queue of promises, which goes before that of ticks.
    await Promise.resolve().then(() => {
      connection.sendPacket(Buffer.from('decision '));
      connection.sendPacket(Buffer.from('ack'));
      return Promise.resolve().then(() => {
        hadLeft = [...socket.pieces];
      });
    });
    expect(hadLeft).toEqual(['decision ack']);
    connection.destroy();
    socket.destroy();
  });

  it('takes along the receipts that wait', async () => {
    const { socket, connection } = connect();
    connection.acknowledge(0x4142);
    connection.acknowledge(0x4344);
    connection.sendPacket(Buffer.from('decision'));
    await Promise.resolve();
    expect(socket.pieces).toEqual(['@\u0002AB@\u0002CDdecision']);
    connection.destroy();
    socket.destroy();
  });
});
