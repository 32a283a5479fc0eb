import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@gatehouse/shared';
import { systemClock, systemRandom } from '@gatehouse/shared/node';
import {
  credentialPath,
  EnrolmentError,
  enrolAtFirstStart,
  readCredential,
  redeemCode,
  writeCredential,
} from '../../src/enrolment.js';

const credential = {
  siteId: 'north',
  edgeId: 'north-1',
  username: 'north-1',
  password: 'a'.repeat(64),
  mqttUrl: 'mqtt://127.0.0.1:1883',
};

describe('enrolment', () => {
  let directory: string;
  let server: Server;
  let url: string;
  let answers: { status: number; body: string }[];
  let asked: string[];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-enrolment-'));
    answers = [];
    asked = [];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        asked.push(`${request.method ?? ''} ${request.url ?? ''} ${body}`);
        const answer = answers.shift() ?? { status: 201, body: JSON.stringify(credential) };
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterEach(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  const firstStart = (codeFile: string) =>
    enrolAtFirstStart({
      url,
      codeFile,
      allowPlaintext: false,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      retryMinMs: 5,
      retryMaxMs: 10,
    });

  it('redeems a code and keeps the credential for this user only', async () => {
    const got = await redeemCode(url, 'the-code', false);
    expect(asked).toEqual(['POST /api/v1/enrolments {"code":"the-code"}']);
    const path = await writeCredential(join(directory, 'deep', 'data'), got);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readCredential(join(directory, 'deep', 'data'), silentLogger)).toEqual(credential);
  });

  it.each([
    [
      404,
      '{"title":"Not found","detail":"this code is not known, or was used"}',
      /refused the code: this code is not known/,
      false,
    ],
    [429, '{"title":"Too many requests"}', /refused the code: Too many requests/, true],
    [500, 'oops', /refused the code: status 500/, true],
    [201, '{"siteId":"north"}', /is no credential: edgeId/, false],
    [200, '<html>', /is no credential/, false],
  ])('says what the aggregator said: %i %s', async (status, body, sentence, retryable) => {
    answers.push({ status, body });
    const problem = await redeemCode(url, 'code', false).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(EnrolmentError);
    expect((problem as EnrolmentError).message).toMatch(sentence);
    expect((problem as EnrolmentError).retryable).toBe(retryable);
  });

  it('does not send a code unencrypted to another machine', async () => {
    await expect(redeemCode('http://gatehouse.example.org:8000', 'code', false)).rejects.toThrow(/unencrypted/);
  });

  it('says why the aggregator cannot be reached', async () => {
    await new Promise((resolve) => server.close(resolve));
    await expect(redeemCode(url, 'the-code', false)).rejects.toThrow('cannot be reached (ECONNREFUSED)');
  });

  it('waits at the first start for the code and for the aggregator, and gives up when the code is refused', async () => {
    const codeFile = join(directory, 'code');
    answers.push({ status: 503, body: '{}' });
    const enrolling = firstStart(codeFile);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(asked).toEqual([]);
    await writeFile(codeFile, ' the-code \n');
    expect(await enrolling).toEqual(credential);
    expect(asked).toHaveLength(2);
    answers.push({ status: 404, body: '{"detail":"this code was used"}' });
    await expect(firstStart(codeFile)).rejects.toThrow('this code was used');
  });

  it('has none before it is enrolled, and refuses one that is spoilt', async () => {
    expect(await readCredential(directory, silentLogger)).toBeUndefined();
    await writeFile(credentialPath(directory), '{"siteId":');
    await expect(readCredential(directory, silentLogger)).rejects.toThrow(/is not usable .*enrol this edge again/);
  });

  it('takes a credential away from others’ eyes', async () => {
    const path = await writeCredential(directory, credential);
    await chmod(path, 0o644);
    expect(await readCredential(directory, silentLogger)).toEqual(credential);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('leaves the former credential whole when the new one cannot be written', async () => {
    await writeCredential(directory, credential);
    const before = await readFile(credentialPath(directory), 'utf8');
    await writeFile(join(directory, 'file'), '');
    await expect(writeCredential(join(directory, 'file', 'data'), credential)).rejects.toThrow(/cannot be kept/);
    expect(await readFile(credentialPath(directory), 'utf8')).toBe(before);
  });
});
