/** The receiver over real sockets. */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentLogger } from '@gatehouse/shared';
import type { Logger } from '@gatehouse/shared';
import { ConfigurationError, systemClock, systemRandom } from '@gatehouse/shared/node';
import { createPlateReaders, plateReadersSettingsSchema } from '../../../src/adapters/plate-readers/index.js';
import type { PlateReaders } from '../../../src/adapters/plate-readers/index.js';
import type { CredentialRead } from '../../../src/app/ports.js';

const secret = 'a-secret-of-cameras';
const good = JSON.stringify({ plate: 'ab-12 cde', confidence: 0.9 });

describe('the receiver of plate readers', () => {
  let directory: string;
  let reads: CredentialRead[];
  let lines: unknown[];
  const running: PlateReaders[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-readers-'));
    await writeFile(join(directory, 'secret'), `${secret}\n`);
    reads = [];
    lines = [];
  });
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
    await rm(directory, { recursive: true, force: true });
  });

  const logger: Logger = {
    ...silentLogger,
    warn: (fields: unknown, text: unknown) => lines.push({ fields, text }),
  };
  const create = (http: object = {}, cameras: object[] = []): PlateReaders => {
    const secretFile = join(directory, 'secret');
    const camera = { gateId: 'entry-1', secretFile };
    const settings = plateReadersSettingsSchema.parse({
      http: { port: 0, ...http },
      cameras: [
        { ...camera, cameraId: 'plain' },
        { ...camera, cameraId: 'stream', format: 'plate-recognizer', gateId: 'entry-2' },
        { ...camera, cameraId: 'bound', address: '127.0.0.1', secretInUrl: true },
        { ...camera, cameraId: 'elsewhere', address: '192.0.2.7', secretInUrl: true },
        ...cameras,
      ],
    });
    const made = createPlateReaders({
      settings,
      clientName: 'gatehouse-test',
      clock: systemClock,
      linkClock: systemClock,
      random: systemRandom,
      logger,
    });
    running.push(made);
    return made;
  };
  const start = async (http: object = {}): Promise<PlateReaders> => {
    const made = create(http);
    await made.start((read) => reads.push(read));
    return made;
  };
  const post = async (readers: PlateReaders, path: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const response = await fetch(`${readers.url ?? ''}/reads/${path}`, {
      method: 'POST',
      body: good,
      headers,
      ...init,
    });
    const text = await response.text();
    const { detail = '' } = JSON.parse(text) as { detail?: string };
    return { status: response.status, detail, text };
  };

  it('takes a read at the time it comes in, for the gate of the camera', async () => {
    const readers = await start();
    const beforeMs = systemClock.monoMs();
    expect(await post(readers, 'plain')).toMatchObject({ status: 200, text: '{"reads":1}' });
    const credential = { kind: 'plate', value: 'AB12CDE', source: 'plain', confidence: 0.9 };
    expect(reads).toEqual([{ gateId: 'entry-1', credential, monoMs: expect.any(Number) }]);
    expect(reads[0]?.monoMs).toBeGreaterThanOrEqual(beforeMs);
    expect(reads[0]?.monoMs).toBeLessThanOrEqual(systemClock.monoMs());
    expect(readers.counts.get('plain')).toEqual({ reads: 1, ignored: 0, refused: 0 });
  });

  it('finds the read beside pictures, and counts what tells of no vehicle', async () => {
    const readers = await start();
    const headers = { authorization: `Bearer ${secret}` };
    const form = (results: object[]): FormData => {
      const made = new FormData();
      made.set('upload', new Blob([Buffer.alloc(300_000, 'x')], { type: 'image/jpeg' }), 'car.jpg');
      made.set('json', JSON.stringify({ data: { results } }));
      return made;
    };
    expect(await post(readers, 'stream', { headers, body: form([{ plate: 'ab12', score: 0.8 }]) })).toMatchObject({
      status: 200,
    });
    expect(await post(readers, 'stream', { headers, body: form([]) })).toMatchObject({
      status: 200,
      text: expect.stringMatching(/"reads":0/),
    });
    const body = new URLSearchParams({ json: '{"data":{"results":[{"plate":"cd34","score":0.7}]}}' });
    expect(await post(readers, 'stream', { headers, body })).toMatchObject({ status: 200 });
    expect(reads.map(({ gateId, credential }) => [gateId, credential.value])).toEqual([
      ['entry-2', 'AB12'],
      ['entry-2', 'CD34'],
    ]);
    expect(readers.counts.get('stream')).toEqual({ reads: 2, ignored: 1, refused: 0 });
  });

  it('finds XML beside pictures, and takes it alone', async () => {
    const readers = create({}, [
      { cameraId: 'hik', gateId: 'entry-3', secretFile: join(directory, 'secret'), format: 'hikvision' },
    ]);
    await readers.start((read) => reads.push(read));
    const xml = await readFile(join(import.meta.dirname, 'fixtures', 'hikvision.xml'), 'utf8');
    const authorization = `Bearer ${secret}`;
    const body = new FormData();
    body.set('detectionPicture.jpg', new Blob([Buffer.alloc(300_000, '<')], { type: 'image/jpeg' }), 'd.jpg');
    body.set('anpr.xml', new Blob([xml], { type: 'text/xml' }), 'anpr.xml');
    expect(await post(readers, 'hik', { headers: { authorization }, body })).toMatchObject({ status: 200 });
    for (const type of ['application/xml; charset="UTF-8"', 'text/xml']) {
      const headers = { authorization, 'content-type': type };
      expect(await post(readers, 'hik', { headers, body: xml })).toMatchObject({ status: 200 });
    }
    const headers = { authorization, 'content-type': 'application/xml' };
    const bomb = `<!DOCTYPE a [<!ENTITY b "${'c'.repeat(1_000)}">]>${xml}`;
    expect(await post(readers, 'hik', { headers, body: bomb })).toMatchObject({
      status: 422,
      detail: 'body: must not have a document type',
    });
    expect(reads).toHaveLength(3);
    expect(reads[0]).toMatchObject({ gateId: 'entry-3', trackId: 'hik/20010203040506-0001', direction: undefined });
    expect(readers.counts.get('hik')).toEqual({ reads: 3, ignored: 0, refused: 1 });
  });

  it('hears a camera that can set no header by the secret in its address, from its own address only', async () => {
    const readers = await start();
    const headers = { 'content-type': 'application/json' };
    expect(await post(readers, `bound/${secret}`, { headers })).toMatchObject({ status: 200 });
    expect(await post(readers, 'bound/another-secret-it-is', { headers })).toMatchObject({ status: 401 });
    expect(await post(readers, `elsewhere/${secret}`, { headers })).toMatchObject({
      status: 403,
      detail: expect.stringMatching(/^address: /),
    });
    expect(await post(readers, 'elsewhere')).toMatchObject({ status: 403 });
    expect(await post(readers, `plain/${secret}`, { headers })).toMatchObject({
      status: 401,
      detail: expect.stringMatching(/in the header/),
    });
    expect(reads).toHaveLength(1);
  });

  it('refuses who is not the camera, what it cannot read and what is too large; counts it, and reads nothing', async () => {
    const readers = await start({ maxBodyBytes: 2_000 });
    const json = { 'content-type': 'application/json' };
    const authorization = `Bearer ${secret}`;
    expect(await post(readers, 'plain', { headers: json })).toMatchObject({
      status: 401,
      detail: expect.stringMatching(/^authorization: /),
    });
    const wrong = { ...json, authorization: 'Bearer not-the-secret-at-all' };
    expect(await post(readers, 'plain', { headers: wrong })).toMatchObject({ status: 401 });
    expect(await post(readers, 'nobody')).toMatchObject({ status: 404, detail: expect.stringMatching(/^camera: /) });
    expect(await post(readers, 'plain/x/y')).toMatchObject({ status: 404, detail: expect.stringMatching(/^path: /) });
    expect(await post(readers, 'plain', { body: '{"plate":"AB12"}' })).toMatchObject({
      status: 422,
      detail: expect.stringMatching(/^confidence: /),
    });
    expect(
      await post(readers, 'plain', { body: 'x', headers: { authorization, 'content-type': 'image/jpeg' } }),
    ).toMatchObject({ status: 415 });
    expect(await post(readers, 'plain', { body: good.padEnd(2_001) })).toMatchObject({ status: 413 });
    expect(reads).toEqual([]);
    expect(readers.counts.get('plain')).toEqual({ reads: 0, ignored: 0, refused: 5 });
    expect(readers.counts.get(null)?.refused).toBe(2);
    expect(await post(readers, 'plain', { body: good.padEnd(2_000) })).toMatchObject({ status: 200 });
  });

  it('tells the log of the first refusal of a camera in a minute, with neither secret nor plate', async () => {
    const readers = await start();
    await post(readers, 'plain', { body: '{"plate":"AB/12","confidence":0.5}' });
    await post(readers, 'plain', { body: '{"plate":"AB/12","confidence":0.5}' });
    await post(readers, `elsewhere/${secret}`);
    expect(lines).toMatchObject([{ fields: { cameraId: 'plain', refused: 1 } }, { fields: { cameraId: 'elsewhere' } }]);
    expect(JSON.stringify(lines)).not.toMatch(/AB.12|a-secret/);
  });

  it('takes so many requests of an address in a minute, and no more', async () => {
    const readers = await start({ requestsPerAddressPerMinute: 2 });
    const statuses = [await post(readers, 'plain'), await post(readers, 'plain'), await post(readers, 'plain')];
    expect(statuses.map(({ status }) => status)).toEqual([200, 200, 429]);
    expect(reads).toHaveLength(2);
  });

  it('takes so many bodies at once, and as many again when they are done', async () => {
    const readers = await start({ maxBodiesAtOnce: 1 });
    let end: () => void = () => undefined;
    const slow = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(good.slice(0, 5)));
        end = () => {
          controller.enqueue(Buffer.from(good.slice(5)));
          controller.close();
        };
      },
    });
    const first = post(readers, 'plain', { body: slow, duplex: 'half' });
    let second = await post(readers, 'bound');
    for (let tries = 0; second.status === 200 && tries < 500; tries += 1) second = await post(readers, 'bound');
    expect(second).toMatchObject({ status: 503, detail: expect.stringMatching(/^body: 1 are being taken/) });
    end();
    expect(await first).toMatchObject({ status: 200 });
    expect(await post(readers, 'bound')).toMatchObject({ status: 200 });
  });

  it('names the port that another program has, and the secret that cannot be used', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    await expect(create({ port }).start(() => undefined)).rejects.toThrow(
      `readers.http.port: ${String(port)} on 127.0.0.1`,
    );
    await new Promise((resolve) => other.close(resolve));
    await writeFile(join(directory, 'short'), 'short');
    for (const [file, rule] of [
      ['short', /readers\.cameras\.4\.secretFile: .* must hold 16 to 128/],
      ['absent', /readers\.cameras\.4\.secretFile: .*ENOENT/],
    ] as const) {
      const camera = { cameraId: 'fifth', gateId: 'entry-1', secretFile: join(directory, file) };
      const problem = await create({}, [camera])
        .start(() => undefined)
        .catch((error: unknown) => error);
      expect(problem).toBeInstanceOf(ConfigurationError);
      expect((problem as ConfigurationError).message).toMatch(rule);
    }
    const tls = { certFile: join(directory, 'secret'), keyFile: join(directory, 'secret') };
    await expect(create({ tls }).start(() => undefined)).rejects.toThrow(/readers\.http\.tls\.certFile: /);
  });

  it('speaks TLS where it has a certificate', async () => {
    const [certFile, keyFile] = [join(directory, 'readers.crt'), join(directory, 'readers.key')];
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
      ...['-keyout', keyFile, '-out', certFile, '-subj', '/CN=readers', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ]);
    const readers = await start({ tls: { certFile, keyFile } });
    expect(readers.url).toMatch(/^https:/);
    const ca = await readFile(certFile);
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const status = await new Promise((resolve, reject) => {
      const posting = request(`${readers.url ?? ''}/reads/plain`, { ca, method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      posting.on('error', reject).end(good);
    });
    expect(status).toBe(200);
    expect(reads).toHaveLength(1);
  });

  it('is not heard any more once stopped, however often', async () => {
    const readers = await start();
    await readers.stop();
    await readers.stop();
    await expect(post(readers, 'plain')).rejects.toThrow();
    await create().stop();
  });
});
