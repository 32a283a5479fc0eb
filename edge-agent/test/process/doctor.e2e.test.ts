import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Aedes } from 'aedes';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeCredential } from '../../src/enrolment.js';
import { eventually } from '../adapters/support/eventually.js';

const program = join(import.meta.dirname, '../../dist/main.js');

const readerPassword = 'the reader’s password';

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { readonly check: string; readonly verdict: string; readonly says: string }[];
}

describe('the commands of an installer', () => {
  let directory: string;
  let aedes: Aedes;
  let server: Server;
  let port: number;
  let signIns: string[];
  let agent: ChildProcess | undefined;
  let isRefusing: boolean;

  beforeEach(async () => {
    if (!existsSync(program)) throw new Error('this test runs the compiled program: npm run build');
    directory = await mkdtemp(join(tmpdir(), 'gatehouse-doctor-'));
    signIns = [];
    isRefusing = false;
    aedes = await Aedes.createBroker({
      authenticate: (client, username, password, done) => {
        const isWrong = username === 'reader' && password?.toString() !== readerPassword;
        if (isRefusing || isWrong) {
          done(Object.assign(new Error('refused'), { returnCode: 4 }), null);
          return;
        }
        signIns.push(client.id);
        done(null, true);
      },
    });
    server = createServer({ noDelay: true }, aedes.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
  });
  afterEach(async () => {
    const running = agent;
    agent = undefined;
    if (running?.exitCode === null) {
      const ended = new Promise((resolve) => running.once('close', resolve));
      running.kill('SIGKILL');
      await ended;
    }
    await new Promise<void>((resolve) => {
      aedes.close(resolve);
    });
    await new Promise((resolve) => server.close(resolve));
    await rm(directory, { recursive: true, force: true });
  });

  const configure = async (httpPort: number | null, more: object = {}): Promise<string> => {
    const file = join(directory, 'edge.json');
    const configuration = {
      siteId: 'north',
      edgeId: 'north-1',
      dataDir: join(directory, 'data'),
      gates: [{ gateId: 'entry-1', direction: 'entry', hasReader: true, barrier: { driver: 'simulated' } }],
      broker: { url: `mqtt://127.0.0.1:${String(port)}` },
      http: { port: httpPort },
      log: { format: 'json' },
      ...more,
    };
    await writeFile(file, JSON.stringify(configuration));
    return file;
  };
  const enrol = () =>
    writeCredential(join(directory, 'data'), {
      siteId: 'north',
      edgeId: 'north-1',
      username: 'north-1',
      password: 'secret',
      mqttUrl: `mqtt://127.0.0.1:${String(port)}`,
    });
  const start = (args: string[]): { child: ChildProcess; output: { text: string } } => {
    const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env.PATH }, cwd: directory });
    const output = { text: '' };
    child.stdout.on('data', (part: Buffer) => (output.text += part.toString()));
    child.stderr.on('data', () => undefined);
    return { child, output };
  };
  const run = async (...args: string[]): Promise<{ code: number | null; text: string }> => {
    const { child, output } = start(args);
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, text: output.text };
  };
  const doctor = async (file: string) => {
    const { code, text } = await run('doctor', '--config', file, '--json');
    const report = JSON.parse(text) as Report;
    const verdictOf = (check: string) => report.findings.find((finding) => finding.check === check)?.verdict;
    const saysOf = (check: string) => report.findings.find((finding) => finding.check === check)?.says ?? '';
    const readers = report.findings.filter(({ check }) => check === 'readers');
    return { code, report, verdictOf, saysOf, readers };
  };
  const runAgent = async (file: string, clients = 1): Promise<string> => {
    const { child, output } = start(['--config', file, '--json']);
    agent = child;
    await eventually(() => output.text.includes('\n'), 'the agent started');
    await eventually(() => aedes.connectedClients === clients, 'the agent is connected');
    return (JSON.parse(output.text) as { httpUrl?: string }).httpUrl ?? '';
  };
  const freePort = async (): Promise<number> => {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
    const found = (probe.address() as AddressInfo).port;
    await new Promise((resolve) => probe.close(resolve));
    return found;
  };

  it('say before the first start that the broker accepts the edge, and leave no file behind', async () => {
    const file = await configure(null);
    await enrol();
    const { code, report, verdictOf, saysOf } = await doctor(file);
    expect({ code, ok: report.ok }).toEqual({ code: 0, ok: true });
    expect(verdictOf('broker')).toBe('pass');
    expect(saysOf('outbox')).toContain('none yet');
    expect(signIns).toEqual(['north-1']);
    expect(await readdir(join(directory, 'data'))).toEqual(['credential.json']);
  });

  it('say that the broker refuses, that the credential is readable by others, and end with 1', async () => {
    const file = await configure(null);
    const path = await enrol();
    await chmod(path, 0o644);
    isRefusing = true;
    const { code, verdictOf, saysOf } = await doctor(file);
    expect(code).toBe(1);
    expect(saysOf('broker')).toContain('credential refused or revoked');
    expect(verdictOf('credential')).toBe('warn');
    // To look is not to change.
    expect((await stat(path)).mode & 0o777).toBe(0o644);
  });

  it('say that something else than a broker answers', async () => {
    const other = createServer((socket) => {
      socket.on('error', () => undefined);
      // Unread, it would never notice that the other side has gone.
      socket.resume();
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const aedesPort = port;
    ({ port } = other.address() as AddressInfo);
    const file = await configure(null);
    await enrol();
    const { code, saysOf } = await doctor(file);
    port = aedesPort;
    await new Promise((resolve) => other.close(resolve));
    expect(code).toBe(1);
    expect(saysOf('broker')).toContain('what answers there does not speak MQTT');
  });

  it('fail without a data directory, and with a configuration that is none', async () => {
    const file = await configure(null);
    const { code, verdictOf } = await doctor(file);
    expect([code, verdictOf('data directory'), verdictOf('credential')]).toEqual([1, 'fail', 'fail']);
    await writeFile(file, '{}');
    expect((await doctor(file)).verdictOf('configuration')).toBe('fail');
  });

  it('ask a running agent how its link is, and never throw it out', async () => {
    const file = await configure(await freePort());
    await enrol();
    await runAgent(file);
    const { code, verdictOf, saysOf } = await doctor(file);
    expect(code).toBe(0);
    expect(saysOf('broker')).toContain('the running agent is connected');
    expect(saysOf('page')).toContain('answered by the running agent');
    expect(verdictOf('outbox')).toBe('pass');
    expect(signIns).toEqual(['north-1']);
  });

  it('know a running agent without a page by its outbox', async () => {
    const file = await configure(null);
    await enrol();
    await runAgent(file);
    const { verdictOf, saysOf } = await doctor(file);
    expect(verdictOf('broker')).toBe('warn');
    expect(saysOf('broker')).toContain('was not tried');
    expect(signIns).toEqual(['north-1']);
  });

  describe('where plates are read', () => {
    const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
      const path = join(directory, name);
      await writeFile(path, text);
      await chmod(path, mode);
      return path;
    };
    const cameras = (secretFile: string) => [
      { cameraId: 'posts', gateId: 'entry-1', secretFile },
      { cameraId: 'heard', gateId: 'entry-1', mqtt: { sourceId: 'nvr', topic: 'gates/in' } },
    ];
    const brokerAt = (brokerPort: number, passwordFile: string) => {
      return { sourceId: 'nvr', url: `mqtt://127.0.0.1:${String(brokerPort)}`, username: 'reader', passwordFile };
    };

    it('say what is good: the secrets, the address, and the broker', async () => {
      const http = { port: await freePort() };
      const secretFile = await write('secret', 'a-secret-of-a-camera\n');
      const mqtt = [brokerAt(port, await write('password', `${readerPassword}\n`))];
      const file = await configure(null, { readers: { http, mqtt, cameras: cameras(secretFile) } });
      await enrol();
      const { code, readers } = await doctor(file);
      expect(code).toBe(0);
      expect(readers.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass']);
      expect(readers[1]?.says).toBe(`http://127.0.0.1:${String(http.port)}, where posts posts, is free`);
      expect(readers[2]?.says).toContain('accepts reader; not encrypted; heard there: heard');
      expect([...signIns].sort()).toEqual(['gatehouse-north-1-nvr-doctor', 'north-1']);
    });

    it('say what is wrong: a secret for everybody, a port that is taken, a password that is refused', async () => {
      // The broker of this test has it.
      const http = { port };
      const secretFile = await write('secret', 'a-secret-of-a-camera', 0o644);
      const mqtt = [brokerAt(port, await write('password', 'another'))];
      const file = await configure(null, { readers: { http, mqtt, cameras: cameras(secretFile) } });
      await enrol();
      const { code, readers } = await doctor(file);
      expect(code).toBe(1);
      expect(readers.map(({ verdict }) => verdict)).toEqual(['warn', 'pass', 'fail', 'fail']);
      expect(readers[0]?.says).toContain('mode 0644');
      expect(readers[2]?.says).toContain('EADDRINUSE');
      expect(readers[3]?.says).toContain('look at readers.mqtt.0.username and readers.mqtt.0.passwordFile');
    });

    it('say that the user may not read the topic of a camera', async () => {
      aedes.authorizeSubscribe = (_client, subscription, done) => {
        done(null, subscription.topic === 'gates/in' ? null : subscription);
      };
      const secretFile = await write('secret', 'a-secret-of-a-camera');
      const mqtt = [brokerAt(port, await write('password', readerPassword))];
      const http = { port: 0 };
      const file = await configure(null, { readers: { http, mqtt, cameras: cameras(secretFile) } });
      await enrol();
      const { code, readers } = await doctor(file);
      expect(code).toBe(1);
      expect(readers.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'fail']);
      expect(readers[2]?.says).toContain('the broker refuses the subscription to gates/in');
    });

    it('warn of a broker that is away, and end with 0: gates run without it', async () => {
      const secretFile = await write('secret', 'a-secret-of-a-camera');
      const mqtt = [brokerAt(await freePort(), await write('password', readerPassword))];
      const http = { port: 0 };
      const file = await configure(null, { readers: { http, mqtt, cameras: cameras(secretFile) } });
      await enrol();
      const { code, readers } = await doctor(file);
      expect(code).toBe(0);
      expect(readers.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'warn']);
      expect(readers[2]?.says).toContain('ECONNREFUSED');
    });

    it('throw out neither connection of a running agent, and take its address for its own', async () => {
      const http = { port: await freePort() };
      const secretFile = await write('secret', 'a-secret-of-a-camera');
      const mqtt = [brokerAt(port, await write('password', readerPassword))];
      const file = await configure(await freePort(), { readers: { http, mqtt, cameras: cameras(secretFile) } });
      await enrol();
      await runAgent(file, 2);
      const { code, readers } = await doctor(file);
      expect(code).toBe(0);
      expect(readers.map(({ verdict }) => verdict)).toEqual(['pass', 'pass', 'pass']);
      expect(readers[1]?.says).toContain('is in use, and an agent runs');
      expect([...signIns].sort()).toEqual(['gatehouse-north-1-nvr', 'gatehouse-north-1-nvr-doctor', 'north-1']);
    });
  });

  it('show the outbox of a running agent', async () => {
    const file = await configure(null);
    expect((await run('outbox', '--config', file)).code).toBe(1);
    await enrol();
    await runAgent(file);
    const { code, text } = await run('outbox', '--config', file, '--json', '--events', '3');
    expect(code).toBe(0);
    expect(JSON.parse(text)).toMatchObject({ ok: true, edgeId: 'north-1', problems: [] });
    expect((await run('outbox', '--config', file)).text).toContain('hash chain    whole over');
    expect((await run('outbox', '--config', file, '--events', 'many')).code).toBe(1);
  });
});
