import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { ConfigurationError, isLoopbackHost, listenerUrl, listeningError } from '../src/node/index.js';

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.1.1', false],
    ['127.0.0.1.example.org', false],
    ['127.0.0.999', false],
    ['1270.0.0.1', false],
    ['', false],
  ])('%s is loopback: %s', (host, is) => {
    expect(isLoopbackHost(host)).toBe(is);
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:80'],
    ['0.0.0.0', 'http://localhost:80'],
    ['::', 'http://localhost:80'],
    ['::1', 'http://[::1]:80'],
  ])('%s is reached at %s', (host, url) => {
    expect(listenerUrl('http', host, 80)).toBe(url);
  });
});

describe('an address that cannot be had', () => {
  const refusalOf = (host: string, port: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const server = createServer();
      server.once('error', resolve);
      server.listen(port, host, () => {
        server.close(reject);
      });
    });

  it('is told by the key that a person can change', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const inUse = listeningError(await refusalOf('127.0.0.1', port), { key: 'http', host: '127.0.0.1', port });
    await new Promise((resolve) => taken.close(resolve));
    expect(inUse).toBeInstanceOf(ConfigurationError);
    expect(String(inUse)).toContain(`http.port: ${String(port)} on 127.0.0.1 is in use by another program`);
    const at = { key: 'page', host: '192.0.2.1', port: 80 };
    expect(String(listeningError(await refusalOf('192.0.2.1', 80), at))).toContain(
      'page.host: 192.0.2.1 is not an address',
    );
    const denied = Object.assign(new Error('denied'), { code: 'EACCES' });
    expect(String(listeningError(denied, at))).toContain('page.port: 80 may not be used by this user');
  });

  it('is the error itself where nobody can mend it', () => {
    const error = new Error('odd');
    expect(listeningError(error, { key: 'http', host: 'h', port: 1 })).toBe(error);
  });
});
