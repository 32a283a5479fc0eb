/** The near end of the floor under a decision: commits one row, asks over MQTT, and has the reply when the far end has committed, too. */
import path from 'node:path';
import { connectAsync } from 'mqtt';
import { serve } from '../serve.js';
import { openOneRowTable } from '../decision/one-row-table.js';
import { replyTopic, requestTopic } from '../decision/request-floor.js';
import type { RequestFloorRow } from '../decision/request-floor.js';
import { pauseByChance } from '../decision/rhythm.js';

export interface RequestFloorClientOptions {
  readonly directory: string;
  readonly port: number;
  readonly row: RequestFloorRow;
  readonly request: string;
}

export function run(): void {
  serve(async ({ directory, port, row, request }: RequestFloorClientOptions) => {
    const table = await openOneRowTable(path.join(directory, 'near.sqlite'));
    const client = await connectAsync(`mqtt://127.0.0.1:${String(port)}`, { protocolVersion: 4 });
    // MQTT.js leaves the algorithm of Nagle on.
    (client.stream as unknown as { setNoDelay(noDelay: boolean): void }).setNoDelay(true);
    let replied = (): void => undefined;
    client.on('message', () => {
      replied();
    });
    // Whoever waits for a reply would wait for ever.
    const onClose = (): never => {
      throw new Error('the far end is gone');
    };
    client.on('close', onClose);
    await client.subscribeAsync(replyTopic, { qos: 1 });
    const once = async (): Promise<number> => {
      const startedMs = performance.now();
      const reply = new Promise<void>((resolve) => {
        replied = resolve;
      });
      await table.commit(row.hash, row.json);
      client.publish(requestTopic, request, { qos: 1 });
      await reply;
      return performance.now() - startedMs;
    };
    return {
      async requests(count: number): Promise<number[]> {
        const tookMs: number[] = [];
        for (let index = 0; index < count; index += 1) {
          await pauseByChance();
          tookMs.push(await once());
        }
        return tookMs;
      },
      async stop() {
        client.off('close', onClose);
        await client.endAsync(true);
        await table.close();
      },
    };
  });
}
