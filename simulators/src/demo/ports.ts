/** Whether a port can be listened on, before a program is started that needs it. */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

const maxPort = 65_535;

/** Answers the port (the one chosen by the system for 0), or the reason why it cannot be had. */
export function tryPort(port: number): Promise<{ readonly port: number } | { readonly problem: string }> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const problem = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code ?? error.message})`;
      resolve({ problem });
    });
    server.listen(port, '127.0.0.1', () => {
      const { port: chosen } = server.address() as AddressInfo;
      server.close(() => {
        resolve({ port: chosen });
      });
    });
  });
}

/** `first` and those after it, each replaced by one of `others` where it cannot be had; `others` alone for 0. */
export async function portsFrom(first: number, others: readonly number[]): Promise<number[]> {
  return Promise.all(
    others.map(async (other, index) => {
      const port = first + index;
      if (first === 0 || port > maxPort) return other;
      const result = await tryPort(port);
      return 'port' in result ? result.port : other;
    }),
  );
}

/** Asks for several free ports at once, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(
        (server) =>
          new Promise<number>((resolve, reject) => {
            server.once('error', reject);
            server.listen(0, '127.0.0.1', () => {
              resolve((server.address() as AddressInfo).port);
            });
          }),
      ),
    );
  } finally {
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => {
              resolve();
            });
          }),
      ),
    );
  }
}
