import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Aedes } from 'aedes';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createPlainServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:tls';
import type { TLSSocket, TlsOptions } from 'node:tls';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import { brokerSettingsSchema, createMqttLink } from '../../src/adapters/mqtt-link/index.js';
import type { EdgeLink } from '../../src/app/ports.js';
import { eventually } from './support/eventually.js';
import { edge } from './support/link-to-broker.js';

// Keys are made and sockets opened on a machine that may be busy; each wait has a shorter deadline of its own.
jest.setTimeout(60_000);

const openssl = (...args: string[]) => promisify(execFile)('openssl', args);

describe('the MQTT link over TLS', () => {
  let directory: string;
  let aedes: Aedes;
  let server: Server;
  let link: EdgeLink | undefined;
  let reasons: string[];
  let received: string[];
  /** The name each connection asked for; false for none. */
  let names: (string | false | null)[];
  const file = (name: string): string => join(directory, name);

  /** `NAME.crt` and `NAME.key`, signed by `authority`, or by itself. */
  const makeCertificate = async (name: string, altNames: string, authority?: string): Promise<void> => {
    await openssl(
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', file(`${name}.key`), '-out', file(`${name}.crt`), '-subj', `/CN=${name}`],
      ...['-addext', `subjectAltName=${altNames}`],
      ...(authority === undefined ? [] : ['-CA', file(`${authority}.crt`), '-CAkey', file(`${authority}.key`)]),
    );
  };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-link-tls-'));
    await makeCertificate('authority', 'DNS:authority');
    await makeCertificate('stranger', 'DNS:stranger');
    await makeCertificate('broker', 'DNS:localhost,IP:127.0.0.1', 'authority');
    await makeCertificate('elsewhere', 'DNS:broker.example.org', 'authority');
    await makeCertificate('edge-1', 'DNS:edge-1', 'authority');
    await writeFile(file('nothing.pem'), 'no certificate is in here\n');
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const listen = async (name: string, options: TlsOptions = {}): Promise<void> => {
    server = createServer(
      { cert: await readFile(file(`${name}.crt`)), key: await readFile(file(`${name}.key`)), ...options },
      (socket: TLSSocket) => {
        names.push(socket.servername);
        aedes.handle(socket);
      },
    );
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  };
  const askingForCertificates = async (): Promise<TlsOptions> => ({
    requestCert: true,
    rejectUnauthorized: true,
    ca: await readFile(file('authority.crt')),
  });

  beforeEach(async () => {
    aedes = await Aedes.createBroker();
    aedes.authenticate = (_client, username, password, done) => {
      done(null, username === edge.username && password?.toString() === edge.password);
    };
    aedes.on('publish', ({ topic, payload }, client) => {
      if (client !== null) received.push(`${topic.split('/').at(-1) ?? ''} ${payload.toString()}`);
    });
    [reasons, received, names] = [[], [], []];
  });
  afterEach(async () => {
    await link?.stop('{}');
    link = undefined;
    await new Promise<void>((resolve) => {
      aedes.close(resolve);
    });
    await new Promise((resolve) => server.close(resolve));
  });

  const start = async (tls: Record<string, string>, host = 'localhost'): Promise<EdgeLink> => {
    const { port } = server.address() as AddressInfo;
    link = createMqttLink({
      ...edge,
      url: `mqtts://${host}:${String(port)}`,
      settings: brokerSettingsSchema.parse({ reconnectMinMs: 10, reconnectMaxMs: 50, tls }),
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    });
    const handlers = {
      onUp: () => undefined,
      onDown: (reason: string) => {
        reasons.push(reason);
      },
      onMessage: () => undefined,
    };
    await link.start(handlers, '{}');
    return link;
  };
  const refusedWith = async (tls: Record<string, string>, sentence: RegExp, host?: string): Promise<void> => {
    const tried = await start(tls, host);
    await eventually(() => reasons.length > 0, 'refused');
    expect(reasons[0]).toMatch(sentence);
    expect(tried.isUp).toBe(false);
    expect(received).toEqual([]);
  };

  it('reaches a broker whose certificate its authority signed, by name and by address', async () => {
    await listen('broker');
    for (const host of ['localhost', '127.0.0.1']) {
      const up = await start({ caFile: file('authority.crt') }, host);
      await eventually(() => up.isUp, `up at ${host}; ${reasons.join()}`);
      await up.publish('events', `{"to":"${host}"}`);
      await up.stop('{"bye":1}');
    }
    expect(received).toEqual([
      'events {"to":"localhost"}',
      'state {"bye":1}',
      'events {"to":"127.0.0.1"}',
      'state {"bye":1}',
    ]);
    expect(names).toEqual(['localhost', false]);
  });

  it.each([
    ['the authorities of the system', {}],
    ['another authority', { caFile: 'stranger.crt' }],
  ])(
    'refuses a broker without the word of %s, shows it no credential, and says which key to set',
    async (_what, files) => {
      await listen('broker');
      let shown = 0;
      aedes.preConnect = (_client, _packet, done) => {
        shown += 1;
        done(null, true);
      };
      const tls = Object.fromEntries(Object.entries(files).map(([key, name]) => [key, file(name)]));
      await refusedWith(tls, /certificate is not trusted: broker\.tls\.caFile must hold the authority/);
      expect(shown).toBe(0);
    },
  );

  it('refuses a certificate for another name, unless that name is expected', async () => {
    await listen('elsewhere');
    const tls = { caFile: file('authority.crt') };
    await refusedWith(tls, /certificate is for another name: .* set broker\.tls\.servername/);
    await link?.stop('{}');
    const up = await start({ ...tls, servername: 'broker.example.org' });
    await eventually(() => up.isUp, `up under the expected name; ${reasons.join()}`);
  });

  it('shows its certificate to a broker that asks for one', async () => {
    await listen('broker', await askingForCertificates());
    const up = await start({
      caFile: file('authority.crt'),
      certFile: file('edge-1.crt'),
      keyFile: file('edge-1.key'),
    });
    await eventually(() => up.isUp, `up; ${reasons.join()}`);
    await up.publish('events', '{}');
    expect(received).toEqual(['events {}']);
  });

  it('says so when a broker asks for a certificate and there is none', async () => {
    await listen('broker', await askingForCertificates());
    await refusedWith({ caFile: file('authority.crt') }, /asks for a certificate: set broker\.tls\.certFile/);
  });

  it('says so when a broker does not accept its certificate', async () => {
    await listen('broker', await askingForCertificates());
    await refusedWith(
      { caFile: file('authority.crt'), certFile: file('stranger.crt'), keyFile: file('stranger.key') },
      /not accept this edge’s certificate.* look at broker\.tls\.certFile/,
    );
  });

  it('says so when the broker does not speak TLS at that port', async () => {
    server = createPlainServer((socket) => {
      socket.on('error', () => undefined).write('no TLS here', () => socket.destroySoon());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await refusedWith({ caFile: file('authority.crt') }, /does not speak TLS at this port: look at broker\.url/);
  });

  it.each([
    ['caFile', { caFile: '/nowhere/ca.pem' }, 'ENOENT'],
    ['caFile', { caFile: 'nothing.pem' }, 'PEM'],
    ['certFile', { certFile: 'nothing.pem', keyFile: 'edge-1.key' }, 'PEM'],
    ['keyFile', { certFile: 'edge-1.crt', keyFile: 'nothing.pem' }, ''],
    ['keyFile', { certFile: 'edge-1.crt', keyFile: 'stranger.key' }, 'mismatch'],
  ])('does not start with a %s that cannot be used, and names it: %j', async (key, files, why) => {
    await listen('broker');
    const tls = Object.fromEntries(
      Object.entries(files).map(([name, at]) => [name, at.startsWith('/') ? at : file(at)]),
    );
    await expect(start(tls)).rejects.toThrow(new RegExp(`^broker\\.tls\\.${key}: .* cannot be used: .*${why}`));
  });
});
