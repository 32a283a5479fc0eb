/** The far end of the floor under a decision: Aedes with nothing around it, and a handler that commits one row and replies. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Aedes } from 'aedes';
import { serve } from '../serve.js';
import { openOneRowTable } from '../decision/one-row-table.js';
import { replyTopic, requestTopic } from '../decision/request-floor.js';
import type { RequestFloorRow } from '../decision/request-floor.js';

export interface RequestFloorServerOptions {
  readonly directory: string;
  readonly row: RequestFloorRow;
  readonly reply: string;
}

export function run(): void {
  serve(async ({ directory, row, reply }: RequestFloorServerOptions) => {
    const table = await openOneRowTable(path.join(directory, 'far.sqlite'));
    const broker = await Aedes.createBroker();
    const payload = Buffer.from(reply);
    const answer = (): void => {
      broker.publish(
        { cmd: 'publish', topic: replyTopic, payload, qos: 1, retain: false, dup: false },
        () => undefined,
      );
    };
    await new Promise<void>((resolve) => {
      broker.subscribe(
        requestTopic,
        (_packet, done) => {
          done();
          table.commit(row.hash, row.json).then(answer, failed);
        },
        resolve,
      );
    });
    const server = createServer({ noDelay: true }, (socket) => broker.handle(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      port: () => (server.address() as AddressInfo).port,
      async stop() {
        await new Promise<void>((resolve) => broker.close(resolve));
        server.close();
        await table.close();
      },
    };
  });
}

/** The one who asked would wait for ever. */
function failed(error: unknown): never {
  throw error;
}
