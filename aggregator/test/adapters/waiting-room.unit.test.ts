import { describe, expect, it } from '@jest/globals';
import { createWaitingRoom } from '../../src/adapters/broker/embedded/waiting-room.js';

describe('the waiting room of connections that have not shown a credential', () => {
  const open = (places: number) => {
    const turnedOut: string[] = [];
    const room = createWaitingRoom<string>(places, (name) => turnedOut.push(name));
    const come = (address: string, name: string): boolean => {
      const hasRoom = room.makeRoom(address);
      if (hasRoom) room.enter(address, name);
      return hasRoom;
    };
    return { room, come, turnedOut };
  };

  it('takes as many as it has places, and no more from the address that takes them all', () => {
    const { room, come, turnedOut } = open(2);
    expect([come('a', 'a1'), come('a', 'a2'), come('a', 'a3')]).toEqual([true, true, false]);
    expect(room.size).toBe(2);
    expect(turnedOut).toEqual([]);
  });

  it('turns out who has waited longest of the crowd, for somebody from elsewhere', () => {
    const { room, come, turnedOut } = open(4);
    for (const name of ['a1', 'a2', 'a3', 'a4']) come('a', name);
    expect([come('b', 'b1'), come('b', 'b2'), come('b', 'b3')]).toEqual([true, true, false]);
    expect(turnedOut).toEqual(['a1', 'a2']);
    expect(room.size).toBe(4);
  });

  it('has the place of who leaves, once', () => {
    const { room, come } = open(1);
    come('a', 'a1');
    room.leave('a', 'a1');
    room.leave('a', 'a1');
    expect(room.size).toBe(0);
    expect([come('a', 'a2'), come('a', 'a3')]).toEqual([true, false]);
  });
});
