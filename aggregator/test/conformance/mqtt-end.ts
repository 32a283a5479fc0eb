/** A test's end of a real broker, through MQTT.js. */
import { connectAsync } from 'mqtt';
import type { IClientOptions } from 'mqtt';
import type { Received, TestEnd } from './centre-link.js';

export async function connectEnd(
  url: string,
  options: IClientOptions & { readonly username: string; readonly password: string },
): Promise<TestEnd> {
  const client = await connectAsync(url, { clean: true, reconnectPeriod: 0, protocolVersion: 4, ...options }, false);
  (client.stream as { setNoDelay?: (noDelay: boolean) => void }).setNoDelay?.(true);
  const received: Received[] = [];
  client.on('message', (topic, payload) => received.push({ topic, payload }));
  client.on('error', () => undefined);
  return {
    received,
    async publish(topic, payload, { retain }) {
      const bytes = typeof payload === 'string' ? payload : Buffer.from(payload);
      await client.publishAsync(topic, bytes, { qos: 1, retain });
    },
    async subscribe(filter) {
      const granted = await client.subscribeAsync(filter, { qos: 1 });
      const refused = granted.filter((grant) => grant.qos >= 128);
      if (refused.length > 0) throw new Error(`refused: ${filter}`);
    },
    close: () => client.endAsync(),
    lose() {
      client.stream.destroy();
    },
    get isConnected() {
      return client.connected;
    },
  };
}
