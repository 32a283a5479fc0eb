import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import sqlite3 from 'sqlite3';
import { databaseVersion } from '../../src/adapters/store/sqlite/migrations.js';

const program = resolve(import.meta.dirname, '../../dist/main.js');

interface Report {
  readonly httpUrl: string;
  readonly mqttUrl: string;
  readonly dataDir: string;
  readonly adminKeyFile: string | null;
  readonly pid: number;
}

/** What the process said, once it has ended or `wanted` has appeared on its standard output. */
interface Running {
  readonly child: ChildProcess;
  readonly report: Report;
  output(): string;
}

describe('the aggregator’s process', () => {
  let directory: string;
  const children: ChildProcess[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'gatehouse-process-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(directory, { recursive: true, force: true });
  });

  const environment = (more: Record<string, string> = {}): Record<string, string | undefined> => ({
    PATH: process.env.PATH,
    GATEHOUSE_DATA_DIR: join(directory, 'data'),
    GATEHOUSE_HTTP_PORT: '0',
    GATEHOUSE_MQTT_PORT: '0',
    ...more,
  });
  const run = (args: readonly string[], more: Record<string, string> = {}) => {
    const ended = spawnSync(process.execPath, [program, ...args], {
      env: environment(more),
      encoding: 'utf8',
      timeout: 20_000,
    });
    return { code: ended.status, out: ended.stdout, error: ended.stderr };
  };
  async function start(more: Record<string, string> = {}, args: readonly string[] = []): Promise<Running> {
    const child = spawn(process.execPath, [program, '--json', ...args], { env: environment(more), stdio: 'pipe' });
    children.push(child);
    let out = '';
    let error = '';
    child.stderr.on('data', (piece: Buffer) => {
      error += piece.toString();
    });
    const report = await new Promise<Report>((done, fail) => {
      child.stdout.on('data', (piece: Buffer) => {
        out += piece.toString();
        if (out.includes('\n')) done(JSON.parse(out) as Report);
      });
      child.once('exit', (code) => {
        fail(new Error(`ended with ${String(code)}: ${error}`));
      });
    });
    return { child, report, output: () => out + error };
  }
  const ask = (running: Running, path: string, key?: string) =>
    fetch(`${running.report.httpUrl}${path}`, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } });
  async function stop({ child }: Running, signal: NodeJS.Signals): Promise<{ code: number | null; tookMs: number }> {
    const startedMs = performance.now();
    child.kill(signal);
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code, tookMs: performance.now() - startedMs };
  }

  it('says how it is used', () => {
    const { code, out } = run(['--help']);
    expect(code).toBe(0);
    for (const word of ['--config', '--check', '--json', 'audit', 'GATEHOUSE_HTTP_PORT']) expect(out).toContain(word);
  });

  it('checks a configuration without starting anything', () => {
    expect(run(['--check'])).toMatchObject({ code: 0, out: 'the configuration is valid\n' });
    const file = join(directory, 'wrong.yaml');
    writeFileSync(file, 'http: { prot: 1 }\n');
    const wrong = run(['--check', '--config', file]);
    expect(wrong.code).toBe(78);
    expect(wrong.error).toContain('http.prot: is not a key of this configuration');
    const secret = run(['--check', '--json'], { GATEHOUSE_ADMIN_KEY: 's'.repeat(40) });
    expect(secret.out).not.toContain('ssss');
    expect(existsSync(join(directory, 'data'))).toBe(false);
  });

  it('writes an admin key that only its owner can read, and keeps it over a restart', async () => {
    const first = await start();
    const file = first.report.adminKeyFile ?? '';
    const key = readFileSync(file, 'utf8').trim();
    expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await ask(first, '/api/v1/keys', key)).status).toBe(200);
    expect((await ask(first, '/api/v1/keys')).status).toBe(401);
    expect((await ask(first, '/readyz')).status).toBe(200);
    expect(first.output()).not.toContain(key);
    await stop(first, 'SIGTERM');
    const second = await start();
    expect(readFileSync(file, 'utf8').trim()).toBe(key);
    expect((await ask(second, '/api/v1/keys', key)).status).toBe(200);
  });

  it('takes the admin key that the configuration sets', async () => {
    const key = 'a-key-of-at-least-thirty-two-characters';
    const running = await start({ GATEHOUSE_ADMIN_KEY: key });
    expect(running.report.adminKeyFile).toBeNull();
    expect((await ask(running, '/api/v1/keys', key)).status).toBe(200);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('stops cleanly on %s, open streams included', async (signal) => {
    const running = await start();
    const key = readFileSync(running.report.adminKeyFile ?? '', 'utf8').trim();
    const stream = await ask(running, '/api/v1/stream', key);
    expect(stream.status).toBe(200);
    const { code, tookMs } = await stop(running, signal);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(5_000);
    await stream.text();
  });

  it('names http.port when the port is in use, and lets go of everything', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const port = String((other.address() as AddressInfo).port);
    const { code, error } = run([], { GATEHOUSE_HTTP_PORT: port });
    expect(code).toBe(78);
    expect(error).toContain(`http.port: ${port} on 127.0.0.1 is in use`);
    const mqtt = run([], { GATEHOUSE_MQTT_PORT: port });
    expect(mqtt.code).not.toBe(0);
    expect(mqtt.error).toContain('mqtt.port');
    other.close();
    await start();
  });

  it('refuses a data directory that another aggregator uses, and names its process', async () => {
    const running = await start();
    const { code, error } = run([]);
    expect(code).toBe(1);
    expect(error).toContain(`in use by process ${String(running.report.pid)}`);
    expect((await ask(running, '/readyz')).status).toBe(200);
  });

  it('refuses a data directory that it cannot write, and names it', () => {
    const file = join(directory, 'file');
    writeFileSync(file, 'not a directory');
    for (const path of [file, join(file, 'below'), '/proc/gatehouse']) {
      const { code, error } = run([], { GATEHOUSE_DATA_DIR: path });
      expect(code).toBe(1);
      expect(error).toContain(`cannot write ${path}: it must be a directory`);
      expect(error).not.toMatch(/\n\s+at /);
    }
  });

  it('refuses a database of a newer version, naming both versions, and leaves it to the newer program', async () => {
    await stop(await start(), 'SIGTERM');
    const database = join(directory, 'data', 'gatehouse.db');
    await change(database, 'PRAGMA user_version = 99');
    const { code, error } = run([]);
    expect(code).toBe(1);
    expect(error).toContain(
      `${database} is version 99 and this program knows versions up to ${String(databaseVersion)}: run the newer program`,
    );
    expect(run([])).toMatchObject({ code: 1, error });
    await change(database, `PRAGMA user_version = ${String(databaseVersion)}`);
    const running = await start();
    expect((await ask(running, '/readyz')).status).toBe(200);
  });

  it('verifies the audit log while it runs and after, and finds a row that was changed', async () => {
    const running = await start();
    const verify = () => JSON.parse(run(['audit', 'verify', '--json']).out) as { intact: boolean; entries: number };
    expect(verify()).toMatchObject({ intact: true, entries: 1 });
    await stop(running, 'SIGTERM');
    expect(run(['audit', 'verify']).out).toMatch(/^intact: 1 entries/);
    await change(join(directory, 'data', 'gatehouse.db'), "UPDATE audit SET action = 'nothing'");
    expect(run(['audit', 'verify'])).toMatchObject({ code: 1 });
    expect(verify()).toMatchObject({ intact: false, brokenAt: 1 });
  });

  it('says so when there is no audit log to verify', () => {
    const { code, error } = run(['audit', 'verify']);
    expect(code).toBe(1);
    expect(error).toContain('gatehouse.db');
  });

  it('serves TLS when it is given a certificate', async () => {
    const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
    const made = spawnSync('openssl', [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'],
      ...['-keyout', keyFile, '-out', certFile],
    ]);
    expect(made.status).toBe(0);
    const file = join(directory, 'tls.yaml');
    const pair = `certFile: ${certFile}, keyFile: ${keyFile}`;
    writeFileSync(file, `http: { tls: { ${pair} } }\nmqtt: { tls: { host: 127.0.0.1, port: 0, ${pair} } }\n`);
    const { report } = await start({}, ['--config', file]);
    expect(report.httpUrl).toMatch(/^https:/);
    const get = async (path: string) =>
      new Promise<{ status: number | undefined; hsts: unknown; text: string }>((done, fail) => {
        request(`${report.httpUrl}${path}`, { ca: readFileSync(certFile), servername: 'localhost' }, (response) => {
          const { statusCode: status, headers } = response;
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () => {
            done({ status, hsts: headers['strict-transport-security'], text: Buffer.concat(parts).toString() });
          });
        })
          .on('error', fail)
          .end();
      });
    expect(await get('/healthz')).toMatchObject({ status: 200, hsts: 'max-age=31536000; includeSubDomains' });
    const { text } = await get('/metrics');
    const told = new Map(text.split('\n').map((line) => [line.split(' ')[0], Number(line.split(' ')[1])]));
    for (const listener of ['http', 'mqtt']) {
      const expiresInMs =
        (told.get(`gatehouse_certificate_expiry_timestamp_seconds{listener="${listener}"}`) ?? 0) * 1000 - Date.now();
      expect(Math.round(expiresInMs / 3_600_000)).toBe(24);
    }
    expect(told.get('gatehouse_store_bytes')).toBeGreaterThan(4_096);
    expect(told.get('gatehouse_data_volume_free_bytes')).toBeGreaterThan(0);
    writeFileSync(file, `http: { tls: { certFile: /nowhere, keyFile: ${keyFile} } }\n`);
    const wrong = run(['--config', file], { GATEHOUSE_DATA_DIR: join(directory, 'other') });
    expect(wrong.code).toBe(78);
    expect(wrong.error).toContain('http.tls.certFile');
    const [swapped, alone] = [
      `certFile: ${keyFile}, keyFile: ${certFile}`,
      { GATEHOUSE_DATA_DIR: join(directory, 'x') },
    ];
    writeFileSync(file, `http: { tls: { ${swapped} } }\n`);
    expect(run(['--config', file], alone).error).toMatch(/http\.tls\.certFile: does not hold/);
    writeFileSync(file, `mqtt: { tls: { host: 127.0.0.1, port: 0, certFile: ${certFile}, keyFile: ${certFile} } }\n`);
    expect(run(['--config', file], alone).error).toMatch(/mqtt\.tls\.keyFile: does not hold/);
  });
});

async function change(path: string, sql: string): Promise<void> {
  const database = new sqlite3.Database(path);
  await new Promise<void>((done, fail) => {
    database.exec(sql, (error) => {
      if (error === null) done();
      else fail(error);
    });
  });
  await new Promise<void>((done) => {
    database.close(() => {
      done();
    });
  });
}
