/** What every link to the edges must do, whichever broker is behind it. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { edgeTopic, occupancyTopic } from '@gatehouse/shared';
import type { EdgeChannel } from '@gatehouse/shared';
import type { CentreLink } from '../../src/app/ports.js';
import { until } from './waiting.js';

export interface Received {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/** An edge's, or a reader's, end of the broker. */
export interface TestEnd {
  readonly received: readonly Received[];
  publish(topic: string, payload: string | Uint8Array, options: { readonly retain: boolean }): Promise<void>;
  subscribe(filter: string): Promise<void>;
  /** Ends the connection in order. */
  close(): Promise<void>;
  /** Ends it as a broken network does. */
  lose(): void;
  readonly isConnected: boolean;
}

export interface LinkUnderTest {
  /** Not started. */
  readonly link: CentreLink;
  /** Connects as the edge `edgeId` of `site-a`, with a retained last will on its state topic. */
  connectEdge(edgeId: 'edge-1' | 'edge-2', will: string): Promise<TestEnd>;
  /** Connects as one that may read all of `site-a`. */
  connectAuditor(): Promise<TestEnd>;
  /** Whether `disconnect` can do anything. */
  readonly canDisconnect: boolean;
  dispose(): Promise<void>;
}

const topicOf = (edgeId: string, channel: EdgeChannel): string => edgeTopic('site-a', edgeId, channel);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

export function describeCentreLink(name: string, create: () => Promise<LinkUnderTest>): void {
  describe(`${name}: a link to the edges`, () => {
    let test: LinkUnderTest;
    let received: Received[];
    beforeEach(async () => {
      test = await create();
      received = [];
      await test.link.start(({ topic, payload }) => {
        received.push({ topic, payload: payload.slice() });
      });
      await until('the link is connected', () => test.link.status().connected);
    });
    afterEach(() => test.dispose());

    it('hears state, events and log of every edge, bytes unchanged', async () => {
      const one = await test.connectEdge('edge-1', '{}');
      const two = await test.connectEdge('edge-2', '{}');
      const odd = Uint8Array.from([0xff, 0xfe, 0, 1, 2, 0x80]);
      const large = new Uint8Array(120 * 1024).fill(0x61);
      await one.publish(topicOf('edge-1', 'state'), '{"presence":"online"}', { retain: true });
      await two.publish(topicOf('edge-2', 'events'), odd, { retain: false });
      await one.publish(topicOf('edge-1', 'events'), large, { retain: false });
      await two.publish(topicOf('edge-2', 'log'), '{"lines":[]}', { retain: false });
      await until('four messages', () => received.length === 4);
      const byTopic = new Map(received.map(({ topic, payload }) => [topic, payload]));
      expect(text(byTopic.get(topicOf('edge-1', 'state')) ?? odd)).toBe('{"presence":"online"}');
      expect([...(byTopic.get(topicOf('edge-2', 'events')) ?? [])]).toEqual([...odd]);
      expect(byTopic.get(topicOf('edge-1', 'events'))).toHaveLength(large.length);
      expect(text(byTopic.get(topicOf('edge-2', 'log')) ?? odd)).toBe('{"lines":[]}');
    });

    it('hears the messages of one edge in their order', async () => {
      const edge = await test.connectEdge('edge-1', '{}');
      const sent = Array.from({ length: 300 }, (_, index) => String(index));
      await Promise.all(sent.map((payload) => edge.publish(topicOf('edge-1', 'events'), payload, { retain: false })));
      await until('all messages', () => received.length >= sent.length);
      expect(received.map(({ payload }) => text(payload))).toEqual(sent);
    });

    it('hears the last will of an edge that is lost, and none of one that leaves', async () => {
      const leaving = await test.connectEdge('edge-1', '{"presence":"offline","edge":1}');
      const lost = await test.connectEdge('edge-2', '{"presence":"offline","edge":2}');
      await leaving.close();
      lost.lose();
      await until('the will', () => received.length > 0);
      const again = await test.connectEdge('edge-1', '{}');
      await again.publish(topicOf('edge-1', 'events'), 'after', { retain: false });
      await until('the message after', () => received.some(({ payload }) => text(payload) === 'after'));
      expect(received.map(({ payload }) => text(payload))).toEqual(['{"presence":"offline","edge":2}', 'after']);
    });

    it('reaches an edge on its five channels, in order, and no other edge', async () => {
      const one = await test.connectEdge('edge-1', '{}');
      const two = await test.connectEdge('edge-2', '{}');
      for (const channel of ['acks', 'decisions', 'commands', 'allowance', 'log-requests'] as const) {
        await one.subscribe(topicOf('edge-1', channel));
        await two.subscribe(topicOf('edge-2', channel));
      }
      const sent = Array.from({ length: 200 }, (_, index) => String(index));
      await Promise.all(
        sent.map((payload) => test.link.publish(topicOf('edge-1', 'acks'), payload, { retain: false })),
      );
      await test.link.publish(topicOf('edge-1', 'decisions'), 'd', { retain: false });
      await test.link.publish(topicOf('edge-1', 'log-requests'), 'l', { retain: false });
      await test.link.publish(topicOf('edge-2', 'commands'), 'c', { retain: false });
      await until('all messages', () => one.received.length === 202 && two.received.length === 1);
      expect(one.received.map(({ payload }) => text(payload))).toEqual([...sent, 'd', 'l']);
      expect(two.received.map(({ topic }) => topic)).toEqual([topicOf('edge-2', 'commands')]);
    });

    it('leaves a retained message for who subscribes later, and no other', async () => {
      await test.link.publish(occupancyTopic('site-a'), '{"free":1}', { retain: true });
      await test.link.publish(occupancyTopic('site-a'), '{"free":2}', { retain: true });
      await test.link.publish(topicOf('edge-1', 'acks'), 'gone', { retain: false });
      const auditor = await test.connectAuditor();
      await auditor.subscribe('gatehouse/v1/site-a/#');
      await until('the retained message', () => auditor.received.length > 0);
      await test.link.publish(topicOf('edge-1', 'acks'), 'last', { retain: false });
      await until('the last message', () => auditor.received.length > 1);
      expect(auditor.received.map(({ payload }) => text(payload))).toEqual(['{"free":2}', 'last']);
    });

    it('loses nothing of what is published at once, retained or not', async () => {
      const auditor = await test.connectAuditor();
      await auditor.subscribe('gatehouse/v1/site-a/#');
      const edge = await test.connectEdge('edge-1', '{}');
      const work: Promise<void>[] = [];
      for (let index = 0; index < 50; index += 1) {
        work.push(test.link.publish(topicOf('edge-1', 'acks'), `a${String(index)}`, { retain: false }));
        work.push(test.link.publish(occupancyTopic('site-a'), `o${String(index)}`, { retain: true }));
        work.push(edge.publish(topicOf('edge-1', 'state'), `s${String(index)}`, { retain: true }));
        work.push(edge.publish(topicOf('edge-1', 'events'), `e${String(index)}`, { retain: false }));
      }
      await Promise.all(work);
      await until('200 messages', () => auditor.received.length >= 200);
      expect(new Set(auditor.received.map(({ payload }) => text(payload))).size).toBe(200);
      await until('100 messages', () => received.length >= 100);
    });

    it('disconnects an edge where the broker is its own', async () => {
      const edge = await test.connectEdge('edge-1', '{"presence":"offline"}');
      await test.link.disconnect('edge-2');
      await test.link.disconnect('edge-1');
      if (test.canDisconnect) {
        await until('the edge is disconnected', () => !edge.isConnected);
        await until('the will', () => received.length === 1);
      } else {
        await edge.publish(topicOf('edge-1', 'events'), 'still there', { retain: false });
        await until('the message', () => received.length === 1);
      }
    });

    it('refuses to publish once stopped, and may be stopped twice', async () => {
      await test.link.stop();
      await test.link.stop();
      expect(test.link.status().connected).toBe(false);
      await expect(test.link.publish(topicOf('edge-1', 'acks'), 'x', { retain: false })).rejects.toThrow(Error);
    });
  });
}
