/** How a broker is reached: in the clear, or through TLS. */
import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';

export function openSocket(url: string, tls: ConnectionOptions): Socket {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const secure = protocol === 'mqtts:';
  const target = { host, port: Number(port === '' ? (secure ? 8883 : 1883) : port) };
  // An address is no server name (RFC 6066, section 3); the certificate is then checked against the address.
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = secure ? connectTls({ ...target, ...name, ...tls }) : connectPlain(target);
  // Without this, small packets wait for the acknowledgement of the ones before: tens of milliseconds a decision.
  socket.setNoDelay(true);
  return socket;
}
