/**
 * The MQTT link passes the suite of every edge link with a broker that is not ours.
 * @needs mosquitto
 */
import { describe, expect, it } from '@jest/globals';
import { edgeTopic } from '@gatehouse/shared';
import type { EdgeChannel } from '@gatehouse/shared';
import { describeEdgeLink, diaryHandlers } from '../conformance/edge-link.js';
import { eventually } from './support/eventually.js';
import { centre, centreAt, edge, linkTo, retainedStateAt } from './support/link-to-broker.js';
import { startMosquitto } from './support/mosquitto.js';
import type { Mosquitto } from './support/mosquitto.js';

const needed = ['acks', 'decisions', 'commands', 'allowance'] as const;

const startBroker = (topics: readonly EdgeChannel[] = [...needed, 'log-requests']): Promise<Mosquitto> =>
  startMosquitto([
    { ...centre, rules: ['topic readwrite gatehouse/#'] },
    {
      ...edge,
      rules: [
        ...topics.map((name) => `topic read ${edgeTopic(edge.siteId, edge.edgeId, name)}`),
        ...(['state', 'events'] as const).map((name) => `topic write ${edgeTopic(edge.siteId, edge.edgeId, name)}`),
      ],
    },
  ]);

describeEdgeLink('MQTT over Mosquitto', async () => {
  const broker = await startBroker();
  const { received, client } = await centreAt(broker.port);
  return {
    link: linkTo(broker.port),
    received: () => received,
    retainedState: () => retainedStateAt(broker.port),
    deliver: async (channel, payload) => {
      await client.publishAsync(edgeTopic(edge.siteId, edge.edgeId, channel), payload, { qos: 1 });
    },
    // Another client with the edge's id: the broker breaks the first connection without a goodbye.
    breakConnection: async () => {
      const usurper = linkTo(broker.port);
      await usurper.start(diaryHandlers({ entries: [] }), '{"usurper":1}');
      await eventually(() => usurper.isUp, 'the usurper is up');
      await usurper.stop('{"usurper":0}');
    },
    dispose: async () => {
      await client.endAsync(true);
      await broker.stop();
    },
  };
});

describe('the MQTT link at Mosquitto', () => {
  it('works without the right to be asked for its log', async () => {
    const broker = await startBroker(needed);
    const { client } = await centreAt(broker.port);
    const link = linkTo(broker.port);
    const diary: { entries: string[] } = { entries: [] };
    await link.start(diaryHandlers(diary), '{}');
    await eventually(() => link.isUp, 'up');
    for (const channel of ['log-requests', 'acks'] as const) {
      await client.publishAsync(edgeTopic(edge.siteId, edge.edgeId, channel), '{}', { qos: 1 });
    }
    await eventually(() => diary.entries.includes('acks {}'), 'the acknowledgement');
    await link.publish('events', '{}');
    expect(diary.entries).toEqual(['up', 'acks {}']);
    await link.stop('{}');
    await client.endAsync(true);
    await broker.stop();
  });

  it('says that its credential is refused', async () => {
    const broker = await startBroker();
    const link = linkTo(broker.port, {}, { password: 'wrong' });
    const reasons: string[] = [];
    await link.start(
      {
        onUp: () => undefined,
        onMessage: () => undefined,
        onDown: (reason) => {
          reasons.push(reason);
        },
      },
      '{}',
    );
    await eventually(() => reasons.length > 0, 'refused');
    expect(reasons[0]).toContain('credential refused or revoked');
    await link.stop('{}');
    await broker.stop();
  });
});
