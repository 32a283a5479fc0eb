/** Aedes and nothing else. */
import { Aedes } from 'aedes';
import { listenWith } from '../aedes-server.js';
import { serve } from '../serve.js';

export function run(): void {
  serve(async () => {
    const broker = await Aedes.createBroker();
    let received = 0;
    let onReceived = (): void => undefined;
    await new Promise<void>((resolve) => {
      broker.subscribe(
        'gatehouse/v1/+/+/events',
        (_packet, done) => {
          received += 1;
          done();
          onReceived();
        },
        resolve,
      );
    });
    const server = await listenWith(broker);
    return {
      port: () => server.port,
      received: () => received,
      /** Resolves when its handler has been called `count` times in all. */
      handled: (count: number) =>
        new Promise<void>((resolve) => {
          onReceived = () => {
            if (received >= count) resolve();
          };
          onReceived();
        }),
      stop: () => {
        server.close();
      },
    };
  });
}
