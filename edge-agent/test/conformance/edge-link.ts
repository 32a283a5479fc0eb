/** What every edge link must do, whatever broker is at the other end. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { CentreToEdgeChannel } from '@gatehouse/shared';
import type { EdgeLink } from '../../src/app/ports.js';
import { eventually } from '../adapters/support/eventually.js';

/** A broker with somebody at it who plays the aggregator. */
export interface EdgeLinkBench {
  readonly link: EdgeLink;
  /** What arrived at the centre, as `channel payload`, in order. */
  received(): readonly string[];
  /** What a newcomer would be told the state is. */
  retainedState(): Promise<string | undefined>;
  deliver(channel: CentreToEdgeChannel, payload: string): Promise<void>;
  /** Breaks the edge's connection as a pulled cable would; it may come back afterwards. */
  breakConnection(): Promise<void>;
  dispose(): Promise<void>;
}

export interface LinkDiary {
  readonly entries: string[];
}

export function diaryHandlers(diary: LinkDiary) {
  return {
    onUp: () => {
      diary.entries.push('up');
    },
    onDown: () => {
      diary.entries.push('down');
    },
    onMessage: (channel: CentreToEdgeChannel, payload: Uint8Array) => {
      diary.entries.push(`${channel} ${Buffer.from(payload).toString('utf8')}`);
    },
  };
}

export function describeEdgeLink(name: string, createBench: () => Promise<EdgeLinkBench>): void {
  describe(`${name} as an edge link`, () => {
    let bench: EdgeLinkBench;
    let diary: LinkDiary;
    const start = async () => {
      await bench.link.start(diaryHandlers(diary), '{"will":1}');
      await eventually(() => diary.entries.includes('up') && bench.link.isUp, 'the link is up');
    };

    beforeEach(async () => {
      bench = await createBench();
      diary = { entries: [] };
    });
    afterEach(async () => {
      await bench.link.stop('{"bye":0}');
      await bench.dispose();
    });

    it('comes up by itself, and hands messages to the broker in order', async () => {
      await start();
      await Promise.all([bench.link.publish('events', '{"n":1}'), bench.link.publish('events', '{"n":2}')]);
      await bench.link.publish('state', '{"s":"é"}');
      await eventually(() => bench.received().length >= 3, 'three messages arrived');
      expect(bench.received()).toEqual(['events {"n":1}', 'events {"n":2}', 'state {"s":"é"}']);
      expect(await bench.retainedState()).toBe('{"s":"é"}');
    });

    it('hands over what comes on each of its channels', async () => {
      await start();
      for (const channel of ['acks', 'decisions', 'commands', 'allowance', 'log-requests'] as const) {
        await bench.deliver(channel, `{"to":"${channel}"}`);
      }
      await eventually(() => diary.entries.length >= 6, 'five messages arrived');
      expect(diary.entries.slice(1).sort()).toEqual(
        ['acks', 'allowance', 'commands', 'decisions', 'log-requests'].map(
          (channel) => `${channel} {"to":"${channel}"}`,
        ),
      );
    });

    it('refuses to publish before it is up and after it is stopped', async () => {
      await expect(bench.link.publish('events', '{}')).rejects.toThrow(/down/);
      await start();
      await bench.link.stop('{"bye":1}');
      await bench.link.stop('{"bye":2}');
      expect(bench.link.isUp).toBe(false);
      await expect(bench.link.publish('events', '{}')).rejects.toThrow();
    });

    it('leaves its farewell, not its will, when it stops', async () => {
      await start();
      await bench.link.stop('{"bye":1}');
      await eventually(() => bench.received().includes('state {"bye":1}'), 'the farewell arrived');
      expect(await bench.retainedState()).toBe('{"bye":1}');
      expect(bench.received()).not.toContain('state {"will":1}');
    });

    it('leaves its will when the connection breaks, and rejects what was under way', async () => {
      await start();
      await bench.breakConnection();
      await eventually(() => diary.entries.includes('down'), 'the break was noticed');
      await eventually(() => bench.received().includes('state {"will":1}'), 'the will arrived');
    });
  });
}
