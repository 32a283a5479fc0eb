/** The headers of every answer are those that helmet would send with it. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import helmet from 'helmet';
import { helmetOptions, securityHeaders } from '../../src/http/security-headers.js';

let server: Server | undefined;
afterEach(() => {
  server?.close();
  server?.closeAllConnections();
});

/** What a server sends whose every request goes through helmet, without what any answer of Node.js has. */
async function headersSentByHelmet(tls: boolean): Promise<Record<string, string>> {
  const protect = helmet(helmetOptions(tls));
  server = createServer((request, response) => {
    protect(request, response, () => {
      response.end();
    });
  });
  const listening = server;
  await new Promise<void>((resolve) => {
    listening.listen(0, '127.0.0.1', resolve);
  });
  const { headers } = await fetch(`http://127.0.0.1:${String((listening.address() as AddressInfo).port)}`);
  const plain = new Set(['connection', 'content-length', 'date', 'keep-alive', 'transfer-encoding']);
  return Object.fromEntries([...headers].filter(([name]) => !plain.has(name)));
}

describe('the security headers', () => {
  it.each([false, true])('are what helmet sends with each answer; TLS: %s', async (tls) => {
    expect(securityHeaders(tls)).toEqual(await headersSentByHelmet(tls));
  });

  it('forbid everything that an answer of the API needs not', () => {
    expect(securityHeaders(false)).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    });
  });

  it('tell browsers to come back with TLS only where there is TLS', () => {
    expect(securityHeaders(false)).not.toHaveProperty('strict-transport-security');
    expect(securityHeaders(true)['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  });
});
