/** Aedes and nothing else. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
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
    const server = createServer({ noDelay: true }, (socket) => {
      broker.handle(socket);
    });
    await new Promise<void>((resolve) => {
      server.listen({ host: '127.0.0.1', port: 0 }, resolve);
    });
    return {
      port: () => (server.address() as AddressInfo).port,
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
        broker.close();
      },
    };
  });
}
