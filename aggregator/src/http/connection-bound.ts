/** One address cannot take every connection there is. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { HttpServices } from './services.js';

/** Ends connections beyond `maxConnectionsPerAddress`, before TLS, and counts them with those that Node ends. */
export function boundConnections(
  server: Server,
  { settings, metrics }: Pick<HttpServices, 'settings' | 'metrics'>,
): void {
  const perAddress = new Map<string, number>();
  server.on('drop', () => {
    metrics.onConnectionRefused('too-many');
  });
  if (settings.trustProxy) return;
  server.prependListener('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const open = perAddress.get(address) ?? 0;
    if (open >= settings.maxConnectionsPerAddress) {
      metrics.onConnectionRefused('too-many-from-address');
      socket.destroy();
      return;
    }
    perAddress.set(address, open + 1);
    socket.once('close', () => {
      const left = (perAddress.get(address) ?? 1) - 1;
      if (left === 0) perAddress.delete(address);
      else perAddress.set(address, left);
    });
  });
}
