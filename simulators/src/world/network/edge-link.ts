/** The link of an edge in the world: what the MQTT link does, over the world's network. */
import type { EdgeLink, EdgeLinkHandlers } from '@gatehouse/edge-agent';
import { centreToEdgeChannels, edgeTopic } from '@gatehouse/shared';
import type { CancelTimer, Random } from '@gatehouse/shared';
import type { MachineId } from '../happenings.js';
import type { Life } from '../processes/life.js';
import type { Client, Network } from './network.js';

export interface WorldEdgeLinkOptions {
  readonly network: Network;
  readonly life: Life;
  readonly random: Random;
  readonly machine: MachineId;
  readonly siteId: string;
  readonly edgeId: string;
  readonly password: () => string;
  /** Whether a process that dies is seen by the broker at once: the machine's kernel resets its connections. */
  readonly deathIsSeen: () => boolean;
}

const publishTimeoutMs = 10_000;
const reconnectMinMs = 500;
const reconnectMaxMs = 30_000;
const refusedRetryMs = 60_000;
const maxPublishesInFlight = 64;

export function createWorldEdgeLink(options: WorldEdgeLinkOptions): EdgeLink {
  const { network, life, random, siteId, edgeId } = options;
  const channels = new Map(centreToEdgeChannels.map((channel) => [edgeTopic(siteId, edgeId, channel), channel]));
  const stateTopic = edgeTopic(siteId, edgeId, 'state');
  let client: Client | undefined;
  let handlers: EdgeLinkHandlers | undefined;
  let will = '';
  let cancelRetry: CancelTimer = () => undefined;
  let waitBoundMs = reconnectMinMs;
  let inFlight = 0;

  const connect = (): void => {
    const attempt = network.connect({
      machine: options.machine,
      clientId: edgeId,
      password: options.password(),
      filters: [...channels.keys()],
      will: { topic: stateTopic, payload: will },
      onUp() {
        if (client !== attempt) return;
        waitBoundMs = reconnectMinMs;
        handlers?.onUp();
      },
      onDown(reason, wasRefused) {
        if (client !== attempt) return;
        client = undefined;
        const waitMs = wasRefused ? refusedRetryMs * (0.5 + random.next() / 2) : random.next() * waitBoundMs;
        waitBoundMs = Math.min(reconnectMaxMs, waitBoundMs * 2);
        cancelRetry = life.clock.setTimer(waitMs, connect);
        handlers?.onDown(reason);
      },
      onMessage(topic, payload) {
        const channel = channels.get(topic);
        if (channel !== undefined && client === attempt) handlers?.onMessage(channel, payload);
      },
    });
    client = attempt;
  };
  life.onEnd(() => {
    const dying = client;
    client = undefined;
    handlers = undefined;
    dying?.die(options.deathIsSeen());
  });

  return {
    start(newHandlers, newWill) {
      if (life.isOver) return new Promise(() => undefined);
      handlers = newHandlers;
      will = newWill;
      connect();
      return Promise.resolve();
    },
    async publish(channel, payload) {
      if (life.isOver) return new Promise(() => undefined);
      if (client?.isUp !== true) throw new Error('the link is down');
      if (inFlight >= maxPublishesInFlight) throw new Error('too many messages wait for the broker already');
      inFlight += 1;
      try {
        await client.publish(edgeTopic(siteId, edgeId, channel), payload, channel === 'state', publishTimeoutMs);
      } finally {
        inFlight -= 1;
      }
    },
    get isUp() {
      return client?.isUp === true;
    },
    async stop(farewell) {
      cancelRetry();
      const closing = client;
      handlers = undefined;
      if (closing?.isUp === true) await closing.publish(stateTopic, farewell, true, 1_000).catch(() => undefined);
      cancelRetry();
      client = undefined;
      closing?.close();
    },
  };
}
