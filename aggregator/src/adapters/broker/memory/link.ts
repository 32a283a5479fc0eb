/** The aggregator's end of a broker in memory. */
import { centreFilters } from '@gatehouse/shared';
import type { CentreLink } from '../../../app/ports.js';
import type { HubEnd, MemoryHub } from './hub.js';

const clientId = 'aggregator';

/** Connects when started, and again by itself as soon as a hub that was down is up. */
export function createMemoryLink(hub: MemoryHub): CentreLink {
  let end: HubEnd | null = null;
  let forgetHub: () => void = () => undefined;

  return {
    async start(onMessage) {
      await Promise.resolve();
      const connect = (): void => {
        end = hub.connect({ clientId, onMessage });
        for (const filter of centreFilters) end.subscribe(filter);
      };
      connect();
      forgetHub = hub.onUp(connect);
    },
    async publish(topic, payload, { retain }) {
      await Promise.resolve();
      if (end === null) throw new Error('the link is stopped');
      end.publish(topic, payload, { retain });
    },
    async disconnect(edgeId) {
      await Promise.resolve();
      hub.disconnect(edgeId);
    },
    async stop() {
      await Promise.resolve();
      forgetHub();
      end?.close();
      end = null;
    },
    status: () => ({
      connected: end?.isConnected ?? false,
      clients: hub.clientIds.filter((id) => id !== clientId).length,
    }),
  };
}
