import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { edgeTopic } from '@gatehouse/shared';
import { createMemoryHub, createMemoryLink, topicMatches } from '../../src/adapters/broker/memory/index.js';
import type { HubEnd } from '../../src/adapters/broker/memory/index.js';
import { describeCentreLink } from '../conformance/centre-link.js';
import type { Received, TestEnd } from '../conformance/centre-link.js';
import { until } from '../conformance/waiting.js';

describeCentreLink('memory', () => {
  const hub = createMemoryHub();
  const link = createMemoryLink(hub);
  const endOf = (clientId: string, will?: string): TestEnd => {
    const received: Received[] = [];
    const end: HubEnd = hub.connect({
      clientId,
      onMessage: (message) => received.push(message),
      ...(will === undefined
        ? {}
        : { will: { topic: edgeTopic('site-a', clientId, 'state'), payload: will, retain: true } }),
    });
    return {
      received,
      publish: (topic, payload, options) => {
        end.publish(topic, payload, options);
        return Promise.resolve();
      },
      subscribe: (filter) => {
        end.subscribe(filter);
        return Promise.resolve();
      },
      close: () => {
        end.close();
        return Promise.resolve();
      },
      lose: () => {
        end.lose();
      },
      get isConnected() {
        return end.isConnected;
      },
    };
  };
  return Promise.resolve({
    link,
    connectEdge: (edgeId, will) => Promise.resolve(endOf(edgeId, will)),
    connectAuditor: () => Promise.resolve(endOf('auditor')),
    canDisconnect: true,
    dispose: () => link.stop(),
  });
});

describe('the hub in memory', () => {
  it('connects the link again when it comes up', async () => {
    const hub = createMemoryHub();
    const link = createMemoryLink(hub);
    const heard: string[] = [];
    await link.start(({ topic }) => heard.push(topic));
    hub.setDown(true);
    expect(link.status().connected).toBe(false);
    expect(() => hub.connect({ clientId: 'edge-1', onMessage: () => undefined })).toThrow('down');
    await expect(link.publish('gatehouse/v1/a/occupancy', 'x', { retain: true })).rejects.toThrow('not connected');
    hub.setDown(false);
    expect(link.status().connected).toBe(true);
    hub
      .connect({ clientId: 'edge-1', onMessage: () => undefined })
      .publish(edgeTopic('a', 'edge-1', 'events'), 'x', { retain: false });
    await until('the message', () => heard.length === 1);
  });

  it('loses and delays what the test wants lost and delayed', async () => {
    const due: (() => void)[] = [];
    const hub = createMemoryHub({
      wallMs: () => 0,
      monoMs: () => 0,
      setTimer: (_delayMs, callback) => {
        due.push(callback);
        return () => undefined;
      },
    });
    const heard: string[] = [];
    const end = hub.connect({
      clientId: 'one',
      onMessage: ({ payload }) => heard.push(new TextDecoder().decode(payload)),
    });
    end.subscribe('t');
    hub.setTransfer(({ payload }) => {
      if (payload.length === 1) return null;
      return { delayMs: payload.length === 2 ? 10 : 0 };
    });
    for (const payload of ['1', '22', '333']) end.publish('t', payload, { retain: false });
    await until('what comes at once', () => heard.length === 1);
    for (const callback of due) callback();
    expect(heard).toEqual(['333', '22']);
  });

  it('ends an end whose client id connects again', () => {
    const hub = createMemoryHub();
    const lost: string[] = [];
    const first = hub.connect({ clientId: 'one', onMessage: () => undefined, onLost: () => lost.push('first') });
    const second = hub.connect({ clientId: 'one', onMessage: () => undefined });
    expect([first.isConnected, second.isConnected, lost]).toEqual([false, true, ['first']]);
  });
});

describe('topic filters', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/b/c', false],
    ['a/+', 'a', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['+/b', 'a/b', true],
    ['#', 'a/b', true],
    ['#', '$SYS/a', false],
    ['a/b/c', 'a/b', false],
  ])('%s on %s: %s', (filter, topic, matches) => {
    expect(topicMatches(filter, topic)).toBe(matches);
  });

  it('match their own topic, and with any level replaced by +', () => {
    const level = fc.stringMatching(/^[a-z0-9]{1,5}$/);
    fc.assert(
      fc.property(fc.array(level, { minLength: 1, maxLength: 6 }), fc.nat(5), (levels, at) => {
        const topic = levels.join('/');
        const wild = levels.map((part, index) => (index === at % levels.length ? '+' : part)).join('/');
        expect(topicMatches(topic, topic)).toBe(true);
        expect(topicMatches(wild, topic)).toBe(true);
        expect(topicMatches(`${topic}/x`, topic)).toBe(false);
      }),
    );
  });
});
