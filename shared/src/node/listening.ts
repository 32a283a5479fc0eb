/** What every listener says of its address: whether it may be plaintext, why it cannot be had, and how it is reached. */
import { isIP, isIPv6 } from 'node:net';
import { ConfigurationError } from './configuration.js';

/** Whether only this machine can reach it. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

/** A ConfigurationError that names `KEY.port` or `KEY.host` for what a person can mend; any other error as it is. */
export function listeningError(
  error: unknown,
  { key, host, port }: { readonly key: string; readonly host: string; readonly port: number },
): unknown {
  switch ((error as { readonly code?: unknown }).code) {
    case 'EADDRINUSE':
      return new ConfigurationError([`${key}.port: ${String(port)} on ${host} is in use by another program`]);
    case 'EACCES':
      return new ConfigurationError([`${key}.port: ${String(port)} may not be used by this user`]);
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new ConfigurationError([`${key}.host: ${host} is not an address of this machine`]);
    default:
      return error;
  }
}

/** How a listener at `host` is reached from this machine, also one that listens on every address. */
export function listenerUrl(scheme: string, host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `${scheme}://${isIPv6(reached) ? `[${reached}]` : reached}:${String(port)}`;
}
