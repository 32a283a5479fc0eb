import { describe, expect, it } from '@jest/globals';
import type { PublishPacket } from 'aedes';
import fc from 'fast-check';
import { createBrokerMemory } from '../../src/adapters/broker/embedded/broker-memory.js';
import type { BrokerMemory } from '../../src/adapters/broker/embedded/broker-memory.js';

const message = (topic: string, text = topic): PublishPacket => ({
  cmd: 'publish',
  topic,
  payload: Buffer.from(text),
  qos: 1,
  retain: true,
  dup: false,
});

async function retainedOf(memory: BrokerMemory, ...filters: string[]): Promise<string[]> {
  const texts: string[] = [];
  for await (const { payload } of memory.createRetainedStreamCombi(filters)) texts.push(String(payload));
  return texts.sort();
}

describe('retained messages', () => {
  it('are found by their topic, by wildcards, and not by what is merely like it', async () => {
    const memory = createBrokerMemory();
    for (const topic of ['a', 'a/b', 'a/b/c', 'a/x/c', 'a//c', '$own/a', 'b'])
      await memory.storeRetained(message(topic));
    expect(await retainedOf(memory, 'a/b')).toEqual(['a/b']);
    expect(await retainedOf(memory, 'a/none')).toEqual([]);
    expect(await retainedOf(memory, 'a/+/c')).toEqual(['a//c', 'a/b/c', 'a/x/c']);
    expect(await retainedOf(memory, 'a/#')).toEqual(['a', 'a//c', 'a/b', 'a/b/c', 'a/x/c']);
    expect(await retainedOf(memory, '+')).toEqual(['a', 'b']);
    expect(await retainedOf(memory, '#')).toEqual(['a', 'a//c', 'a/b', 'a/b/c', 'a/x/c', 'b']);
    expect(await retainedOf(memory, '$own/+')).toEqual(['$own/a']);
    expect(await retainedOf(memory, 'b', 'a')).toEqual(['a', 'b']);
  });

  it('are replaced by the next one, and removed by an empty one', async () => {
    const memory = createBrokerMemory();
    await memory.storeRetained(message('a', 'first'));
    await memory.storeRetained(message('a', 'second'));
    expect(await retainedOf(memory, 'a')).toEqual(['second']);
    await memory.storeRetained(message('a', ''));
    expect(await retainedOf(memory, 'a', '#')).toEqual([]);
  });

  it('are kept as they came, whatever becomes of the bytes they came in', async () => {
    const memory = createBrokerMemory();
    const packet = message('a', 'text');
    await memory.storeRetained(packet);
    (packet.payload as Buffer).fill(0);
    expect(await retainedOf(memory, 'a')).toEqual(['text']);
  });

  it('are the same for a filter with wildcards as for all the topics that it stands for', async () => {
    const level = fc.constantFrom('a', 'b', '', 'site');
    const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
    const wanted = fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 });
    const filter = fc
      .tuple(wanted, fc.boolean())
      .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(topic, { maxLength: 12 }), filter, async (topics, asked) => {
        const memory = createBrokerMemory();
        for (const each of topics) await memory.storeRetained(message(each, `:${each}`));
        const pattern = asked.replace(/\/#$/, '(/.*)?').replace(/^#$/, '.*').replaceAll('+', '[^/]*');
        const expected = topics.filter((each) => new RegExp(`^${pattern}$`).test(each));
        expect(await retainedOf(memory, asked)).toEqual(expected.map((each) => `:${each}`).sort());
      }),
    );
  });
});

describe('messages that are half received', () => {
  it('are there until they are taken or their client goes', async () => {
    const memory = createBrokerMemory();
    const client = { id: 'edge' };
    const packet = { ...message('a'), messageId: 7 };
    await expect(memory.incomingGetPacket(client, packet)).rejects.toThrow('no such packet');
    await memory.incomingStorePacket(client, packet);
    expect(await memory.incomingGetPacket(client, { messageId: 7 })).toMatchObject({ topic: 'a' });
    await expect(memory.incomingGetPacket({ id: 'other' }, packet)).rejects.toThrow('no such packet');
    await memory.incomingDelPacket(client, packet);
    await expect(memory.incomingDelPacket(client, packet)).rejects.toThrow('no such packet');
    await memory.incomingStorePacket(client, packet);
    await memory.cleanIncoming(client);
    await expect(memory.incomingGetPacket(client, packet)).rejects.toThrow('no such packet');
  });
});

describe('last wills', () => {
  it('are those of clients that are there, until they are published', async () => {
    const memory = createBrokerMemory();
    await memory.setup({ id: 'this' });
    await memory.putWill({ id: 'edge' }, message('a'));
    const found: unknown[] = [];
    for await (const will of memory.streamWill({ other: 1 })) found.push(will);
    expect(found).toMatchObject([{ topic: 'a', clientId: 'edge', brokerId: 'this' }]);
    for await (const will of memory.streamWill({ this: 1 })) found.push(will);
    expect(found).toHaveLength(1);
    expect(await memory.delWill({ id: 'edge' })).toMatchObject({ topic: 'a' });
    expect(await memory.delWill({ id: 'edge' })).toBeUndefined();
  });
});
