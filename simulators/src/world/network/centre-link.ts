/** The aggregator's link in the world: to a broker of its own process, or to one elsewhere. */
import type { CentreLink, IncomingMessage } from '@gatehouse/aggregator';
import { centreFilters } from '@gatehouse/shared';
import type { CancelTimer, Random } from '@gatehouse/shared';
import type { Life } from '../processes/life.js';
import type { Client, Network } from './network.js';

export interface WorldCentreLinkOptions {
  readonly network: Network;
  readonly life: Life;
  readonly random: Random;
  /** The broker runs in the aggregator's process, and lives and dies with it. */
  readonly embedded: boolean;
  readonly deathIsSeen: () => boolean;
}

export const centreMachine = 'aggregator';
/** Only the aggregator knows it. */
export const centrePassword = 'centre';

const publishTimeoutMs = 10_000;
const reconnectMinMs = 500;
const reconnectMaxMs = 30_000;
const firstConnectionMs = 5_000;

export function createWorldCentreLink(options: WorldCentreLinkOptions): CentreLink {
  const { network, life, random } = options;
  let client: Client | undefined;
  let onMessage: (message: IncomingMessage) => void = () => undefined;
  let cancelRetry: CancelTimer = () => undefined;
  let announceUp: () => void = () => undefined;
  let waitBoundMs = reconnectMinMs;
  let stopped = false;

  const connect = (): void => {
    const attempt = network.connect({
      machine: centreMachine,
      clientId: centreMachine,
      password: centrePassword,
      filters: centreFilters,
      will: null,
      onUp() {
        if (client !== attempt) return;
        waitBoundMs = reconnectMinMs;
        announceUp();
      },
      onDown() {
        if (client !== attempt || stopped) return;
        client = undefined;
        cancelRetry = life.clock.setTimer(random.next() * waitBoundMs, connect);
        waitBoundMs = Math.min(reconnectMaxMs, waitBoundMs * 2);
      },
      onMessage(topic, payload) {
        if (client === attempt) onMessage({ topic, payload });
      },
    });
    client = attempt;
  };
  life.onEnd(() => {
    const dying = client;
    client = undefined;
    dying?.die(options.deathIsSeen());
  });

  return {
    start(handler) {
      onMessage = handler;
      return new Promise((resolve) => {
        const cancel = life.clock.setTimer(firstConnectionMs, resolve);
        announceUp = () => {
          cancel();
          resolve();
        };
        connect();
      });
    },
    async publish(topic, payload, { retain }) {
      if (life.isOver) return new Promise(() => undefined);
      if (client?.isUp !== true) throw new Error('not connected to the broker');
      await client.publish(topic, payload, retain, publishTimeoutMs);
    },
    disconnect(edgeOrKeyId) {
      if (options.embedded && !life.isOver) network.kick(edgeOrKeyId);
      return Promise.resolve();
    },
    stop() {
      stopped = true;
      cancelRetry();
      client?.close();
      client = undefined;
      return Promise.resolve();
    },
    status: () => ({ connected: client?.isUp === true, clients: null }),
  };
}
