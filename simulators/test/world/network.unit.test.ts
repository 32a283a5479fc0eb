import { beforeEach, describe, expect, it } from '@jest/globals';
import { createSeededRandom } from '../../src/random.js';
import type { Happening } from '../../src/world/happenings.js';
import { createNetwork, topicMatches } from '../../src/world/network/network.js';
import type { Client, Network } from '../../src/world/network/network.js';
import type { PathFaults } from '../../src/world/network/path.js';
import { createTimeline } from '../../src/world/timeline.js';
import type { Timeline } from '../../src/world/timeline.js';

interface Diary {
  readonly client: Client;
  readonly entries: string[];
  readonly messages: () => string[];
}

describe('the network of a world', () => {
  let timeline: Timeline;
  let network: Network;
  let told: Happening[];
  let one: Diary;
  let centre: Diary;

  const connect = (
    machine: string,
    filters: readonly string[],
    options: { clientId?: string; password?: string } = {},
  ): Diary => {
    const entries: string[] = [];
    const { clientId = machine, password = 'right' } = options;
    const client = network.connect({
      machine,
      clientId,
      password,
      filters,
      will: { topic: `state/${clientId}`, payload: `gone ${machine}` },
      onUp: () => entries.push('up'),
      onDown: (reason, wasRefused) => entries.push(wasRefused ? 'refused' : `down: ${reason}`),
      onMessage: (topic, payload) => entries.push(`${topic} ${Buffer.from(payload).toString()}`),
    });
    return { client, entries, messages: () => entries.filter((entry) => entry.includes('/')) };
  };
  const goOn = (durationMs: number): Promise<void> => timeline.run(timeline.nowMs + durationMs);
  const worsen = (machine: string, by: Partial<PathFaults>): void => {
    network.change(machine, (faults) => Object.assign(faults, by));
  };
  /** Publishes without waiting; answers what became of it by the time it is asked. */
  const publish = (client: Client, payload: string, retain = false): { outcome: string } => {
    const result = { outcome: 'open' };
    client.publish('events/one', payload, retain, 10_000).then(
      () => (result.outcome = 'taken'),
      (error: unknown) => (result.outcome = String(error)),
    );
    return result;
  };

  beforeEach(async () => {
    timeline = createTimeline();
    told = [];
    network = createNetwork({
      timeline,
      random: createSeededRandom('network test'),
      tell: (happening) => told.push(happening),
      latencyMs: () => 5,
      admits: (_clientId, password) => password === 'right',
    });
    centre = connect('centre', ['state/+', 'events/+']);
    one = connect('one', ['acks/one']);
    await goOn(100);
  });

  it('delivers in order, and answers each publish', async () => {
    const results = ['a', 'b', 'c'].map((payload) => publish(one.client, payload));
    await goOn(100);
    expect(centre.messages()).toEqual(['events/one a', 'events/one b', 'events/one c']);
    expect(results.map(({ outcome }) => outcome)).toEqual(['taken', 'taken', 'taken']);
    expect(told.map(({ type }) => type).filter((type) => type === 'published')).toHaveLength(3);
  });

  it('gives a newcomer what is retained, and refuses a wrong password', async () => {
    publish(one.client, 'kept', true);
    await goOn(100);
    const late = connect('late', ['events/+']);
    const wrong = connect('wrong', ['events/+'], { password: 'wrong' });
    await goOn(100);
    expect(late.entries).toEqual(['up', 'events/one kept']);
    expect(wrong.entries).toEqual(['refused']);
  });

  it('lets the newer of two clients of one name stay, and publishes the will of the other', async () => {
    const clone = connect('one~2', ['acks/one'], { clientId: 'one' });
    await goOn(100);
    expect(clone.entries).toEqual(['up']);
    expect(one.entries.at(-1)).toMatch(/^down: another client took over/);
    expect(centre.messages()).toEqual(['state/one gone one']);
  });

  it('publishes no will for who says goodbye, and one for who dies', async () => {
    one.client.close();
    await goOn(100);
    expect(centre.messages()).toEqual([]);
    const two = connect('two', []);
    await goOn(100);
    two.client.die(true);
    await goOn(100);
    expect(centre.messages()).toEqual(['state/two gone two']);
  });

  it('notices who dies unseen only when the keepalive has run out', async () => {
    one.client.die(false);
    await goOn(20_000);
    expect(centre.messages()).toEqual([]);
    await goOn(5_000);
    expect(centre.messages()).toEqual(['state/one gone one']);
  });

  it('delays messages and keeps their order', async () => {
    worsen('one', { delayMs: 1_000 });
    const payloads = Array.from({ length: 20 }, (_, index) => String(index));
    payloads.forEach((payload) => publish(one.client, payload));
    await goOn(50);
    expect(centre.messages().length).toBeLessThan(20);
    await goOn(30_000);
    expect(centre.messages()).toEqual(payloads.map((payload) => `events/one ${payload}`));
    expect(network.counts.delayed).toBeGreaterThan(0);
  });

  it('loses messages, and the publisher is told nothing but that no answer came', async () => {
    worsen('one', { lossRate: 1 });
    const result = publish(one.client, 'lost');
    await goOn(9_000);
    expect(result.outcome).toBe('open');
    await goOn(2_000);
    expect(result.outcome).toMatch(/in time/);
    expect(centre.messages()).toEqual([]);
    expect(network.counts.lost).toBe(1);
  });

  it('may deliver what the publisher believes lost', async () => {
    worsen('one', { lossRate: 0.5 });
    const results = Array.from({ length: 40 }, (_, index) => publish(one.client, String(index)));
    await goOn(20_000);
    const taken = results.filter(({ outcome }) => outcome === 'taken').length;
    expect(centre.messages().length).toBeGreaterThan(taken);
  });

  it('duplicates messages, and says which is the second', async () => {
    worsen('one', { duplicateRate: 1 });
    publish(one.client, 'twice');
    await goOn(10_000);
    expect(centre.messages()).toEqual(['events/one twice', 'events/one twice']);
    const copies = told.flatMap((happening) => (happening.type === 'delivered' ? [happening.copy] : []));
    expect(copies).toEqual([1, 2]);
  });

  it('reorders messages', async () => {
    worsen('one', { reorderRate: 0.5 });
    const payloads = Array.from({ length: 30 }, (_, index) => String(index));
    payloads.forEach((payload) => publish(one.client, payload));
    await goOn(10_000);
    const arrived = centre.messages().map((entry) => entry.split(' ')[1]);
    expect([...arrived].sort()).toEqual([...payloads].sort());
    expect(arrived).not.toEqual(payloads);
  });

  it('cuts a connection at both ends, and lets nobody connect until it is healed', async () => {
    worsen('one', { cut: 1 });
    await goOn(100);
    expect(one.entries.at(-1)).toMatch(/^down: .*reset/);
    expect(centre.messages()).toEqual(['state/one gone one']);
    const again = connect('one', []);
    await goOn(100);
    expect(again.entries).toEqual(['down: the broker cannot be reached']);
    network.healAll();
    const healed = connect('one', []);
    await goOn(100);
    expect(healed.entries).toEqual(['up']);
  });

  it('lets a half-open connection look alive to its client until the keepalive has run out', async () => {
    worsen('one', { heldUp: 1, heldDown: 1 });
    const result = publish(one.client, 'into the void');
    await goOn(9_000);
    expect(one.client.isUp).toBe(true);
    await goOn(20_000);
    expect(one.client.isUp).toBe(false);
    expect(result.outcome).not.toBe('open');
    expect(centre.messages()).toEqual(['state/one gone one']);
    network.healAll();
    await goOn(60_000);
    expect(centre.messages()).toEqual(['state/one gone one']);
  });

  it('delivers late what a dead path swallowed, when the path comes back before anybody gave up', async () => {
    worsen('one', { heldUp: 1 });
    publish(one.client, 'late');
    await goOn(8_000);
    expect(centre.messages()).toEqual([]);
    worsen('one', { heldUp: 0 });
    await goOn(100);
    expect(centre.messages()).toEqual(['events/one late']);
    expect(one.client.isUp).toBe(true);
  });

  it('gives up at the client when only the way to it is dead, and lets the broker know', async () => {
    worsen('one', { heldDown: 1 });
    await goOn(30_000);
    expect(one.client.isUp).toBe(false);
    expect(centre.messages()).toEqual(['state/one gone one']);
  });

  it('forgets connections when the broker goes down, and what is retained when it loses that', async () => {
    publish(one.client, 'kept', true);
    await goOn(100);
    network.setBroker(false, true);
    await goOn(100);
    expect(one.entries.at(-1)).toBe('down: the broker went away');
    network.setBroker(true, true);
    const kept = connect('reader', ['events/+']);
    await goOn(100);
    expect(kept.entries).toEqual(['up', 'events/one kept']);
    network.setBroker(false, false);
    network.setBroker(true, true);
    const empty = connect('reader', ['events/+']);
    await goOn(100);
    expect(empty.entries).toEqual(['up']);
  });

  it('ends the connection of who is thrown out', async () => {
    network.kick('one');
    await goOn(100);
    expect(one.entries.at(-1)).toBe('down: the broker closed the connection');
  });

  it('leaves no publish without an end', async () => {
    worsen('one', { lossRate: 0.3, duplicateRate: 0.3, reorderRate: 0.3, delayMs: 500 });
    const results = Array.from({ length: 100 }, (_, index) => publish(one.client, String(index)));
    await goOn(5);
    worsen('one', { heldDown: 1 });
    await goOn(60_000);
    expect(results.filter(({ outcome }) => outcome === 'open')).toEqual([]);
    expect(network.unsettled).toBe(0);
  });
});

describe('topics', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/+/c', 'a/b/c', true],
    ['a/+/c', 'a/b/d', false],
    ['a/+', 'a/b/c', false],
  ])('%s matches %s: %s', (filter, topic, expected) => {
    expect(topicMatches(filter, topic)).toBe(expected);
  });
});
