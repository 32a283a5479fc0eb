import { edgeTopic, silentLogger } from '@gatehouse/shared';
import type { Clock } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import { connectAsync } from 'mqtt';
import type { MqttClient } from 'mqtt';
import { brokerSettingsSchema, createMqttLink } from '../../../src/adapters/mqtt-link/index.js';
import type { EdgeLink } from '../../../src/app/ports.js';

export const edge = { siteId: 'north', edgeId: 'edge-1', username: 'edge-1', password: 'secret' } as const;
export const centre = { username: 'centre', password: 'centre-secret' } as const;

export function linkTo(
  port: number,
  settings: Record<string, unknown> = {},
  identity: object = {},
  clock: Clock = systemClock,
): EdgeLink {
  return createMqttLink({
    ...edge,
    ...identity,
    url: `mqtt://127.0.0.1:${String(port)}`,
    settings: brokerSettingsSchema.parse({
      reconnectMinMs: 10,
      reconnectMaxMs: 50,
      ...settings,
    }),
    clock,
    random: systemRandom,
    logger: silentLogger,
  });
}

/** A client that plays the aggregator at a broker on this port. */
export async function centreAt(port: number): Promise<{ received: string[]; client: MqttClient }> {
  const client = await connectAsync(`mqtt://127.0.0.1:${String(port)}`, { ...centre, protocolVersion: 4 });
  const received: string[] = [];
  client.on('message', (topic, payload) => received.push(`${topic.split('/').at(-1) ?? ''} ${payload.toString()}`));
  await client.subscribeAsync(['state', 'events'].map((name) => edgeTopic(edge.siteId, edge.edgeId, name as 'state')));
  return { received, client };
}

/** What a newcomer is told. */
export async function retainedStateAt(port: number): Promise<string | undefined> {
  const client = await connectAsync(`mqtt://127.0.0.1:${String(port)}`, { ...centre, protocolVersion: 4 });
  const found = new Promise<string | undefined>((resolve) => {
    client.on('message', (_topic, payload) => {
      resolve(payload.toString());
    });
    setTimeout(() => {
      resolve(undefined);
    }, 2_000).unref();
  });
  await client.subscribeAsync(edgeTopic(edge.siteId, edge.edgeId, 'state'));
  const state = await found;
  await client.endAsync();
  return state;
}
