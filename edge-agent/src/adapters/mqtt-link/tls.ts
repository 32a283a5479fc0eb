/** The edge's side of TLS: its files, and what a failed handshake means for an installer. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { messageOf } from '@gatehouse/shared/edge';
import type { BrokerSettings } from './settings.js';

/**
 * `settingsKey`: where these settings stand, for messages.
 * @throws Error naming the key of the file that cannot be read, or does not hold what it should.
 */
export async function readTls(
  { tls }: Pick<BrokerSettings, 'tls'>,
  settingsKey = 'broker',
): Promise<ConnectionOptions> {
  const load = async (key: 'caFile' | 'certFile' | 'keyFile', check: (pem: Buffer) => void) => {
    const path = tls[key];
    if (path === undefined) return undefined;
    try {
      const pem = await readFile(path);
      check(pem);
      return pem;
    } catch (error) {
      throw new Error(`${settingsKey}.tls.${key}: ${path} cannot be used: ${messageOf(error)}`, { cause: error });
    }
  };
  // Otherwise a file of authorities that holds none is taken, and every broker is then a stranger.
  const ca = await load('caFile', (pem) => new X509Certificate(pem));
  const cert = await load('certFile', (pem) => createSecureContext({ cert: pem }));
  const key = await load('keyFile', (pem) =>
    createSecureContext(cert === undefined ? { key: pem } : { cert, key: pem }),
  );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
  };
}

const untrusted = 'the broker’s certificate is not trusted: broker.tls.caFile must hold the authority that signed it';
const notAccepted = 'the broker does not accept this edge’s certificate: look at broker.tls.certFile';
const noCertificate = 'the broker asks for a certificate: set broker.tls.certFile and broker.tls.keyFile';
const wrongClock =
  'the broker’s certificate is not valid at this time: look at the clock of this machine, then at its dates';

/** By the codes of Node.js (`tls`, X509 certificate error codes) and OpenSSL's alerts (RFC 8446, section 6.2). */
const explanations: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  CERT_SIGNATURE_FAILURE: untrusted,
  CERT_HAS_EXPIRED: wrongClock,
  CERT_NOT_YET_VALID: wrongClock,
  ERR_TLS_CERT_ALTNAME_INVALID:
    'the broker’s certificate is for another name: connect by a name it carries, or set broker.tls.servername',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: noCertificate,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: noCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: notAccepted,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: notAccepted,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: notAccepted,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: notAccepted,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: notAccepted,
};

/** A sentence for a failed handshake, with the library's own words; undefined for anything else. */
export function tlsProblemOf(problem: Error | undefined, settingsKey = 'broker'): string | undefined {
  if (problem === undefined) return undefined;
  const code: unknown = (problem as { readonly code?: unknown }).code;
  const words = problem.message.trim();
  if (code === 'EPROTO' && words.includes('wrong version number')) {
    return `the broker does not speak TLS at this port: look at ${settingsKey}.url (${words})`;
  }
  if (typeof code !== 'string' || !Object.hasOwn(explanations, code)) return undefined;
  return `${(explanations[code] ?? '').replaceAll('broker.tls.', `${settingsKey}.tls.`)} (${words})`;
}
