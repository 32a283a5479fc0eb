/** A broker of Aedes, with nothing of ours before it: floors are measured with it. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Aedes } from 'aedes';

export interface AedesServer {
  /** Of 127.0.0.1. */
  readonly port: number;
  /** The broker is closed, too. */
  close(): void;
}

export async function listenWith(broker: Aedes): Promise<AedesServer> {
  const server = createServer({ noDelay: true }, (socket) => {
    broker.handle(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen({ host: '127.0.0.1', port: 0 }, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close();
      broker.close();
    },
  };
}
