/**
 * The main path with real processes, seen from outside by a client that shares no code with us, while strangers misbehave.
 * @needs mosquitto-clients
 */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { System, until } from '../support/processes.js';
import type { SiteGate } from '../support/processes.js';

jest.setTimeout(120_000);

const gates: SiteGate[] = [
  { gateId: 'entry-1', edgeId: 'edge-1', direction: 'entry' },
  { gateId: 'exit-1', edgeId: 'edge-1', direction: 'exit' },
];

interface Seen {
  readonly topic: string;
  readonly message: Record<string, unknown>;
}

/** Follows a topic filter with mosquitto_sub. */
class Follower {
  readonly seen: Seen[] = [];
  private readonly child: ChildProcess;
  private rest = '';

  constructor(port: number, user: string, password: string, filter: string) {
    this.child = spawn('mosquitto_sub', [
      '-h',
      '127.0.0.1',
      '-p',
      String(port),
      '-u',
      user,
      '-P',
      password,
      '-t',
      filter,
      '-v',
    ]);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.rest + text).split('\n');
      this.rest = lines.pop() ?? '';
      // What strangers publish on their own topics need not be JSON.
      for (const line of lines.filter((text) => text.includes('/edge-1/'))) {
        const space = line.indexOf(' ');
        this.seen.push({
          topic: line.slice(0, space),
          message: JSON.parse(line.slice(space + 1)) as Record<string, unknown>,
        });
      }
    });
  }

  on(channel: string): Record<string, unknown>[] {
    return this.seen.filter(({ topic }) => topic.endsWith(`/${channel}`)).map(({ message }) => message);
  }

  stop(): void {
    this.child.kill();
  }
}

/** Runs mosquitto_pub; answers its exit code and what it said. */
function publish(port: number, args: readonly string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      'mosquitto_pub',
      ['-h', '127.0.0.1', '-p', String(port), '-q', '1', ...args],
      { timeout: 20_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : (child.exitCode ?? -1), text: stdout + stderr });
      },
    );
  });
}

describe('one vehicle, from loop to slot and back', () => {
  const system = new System(10);
  let follower: Follower;
  let credential: { username: string; password: string };

  const send = async (gateId: string, plate: string): Promise<string> => {
    const vehicleId = await system.sendVehicle('edge-1', gateId, { plate });
    return until(`${plate} is through ${gateId}`, async () => {
      const status = await system.control('edge-1', 'GET', `/vehicles/${vehicleId}`);
      return (status.report as { outcome?: string } | undefined)?.outcome;
    });
  };
  const kinds = (): unknown[] =>
    follower.on('events').flatMap((batch) => (batch.events as { kind: string }[]).map(({ kind }) => kind));
  const site = () =>
    system.api<{ vehiclesInside: number; sessionsOpen: number; entriesTotal: number }>(
      'GET',
      '/api/v1/sites/site/occupancy',
    );

  beforeAll(async () => {
    await system.startAggregator();
    await system.createSite('site', 4, gates);
    await system.prepareEdge('site', 'edge-1', gates);
    const key = await system.api<{ keyId: string; key: string }>('POST', '/api/v1/keys', {
      label: 'auditor',
      role: 'auditor',
      siteId: 'site',
    });
    follower = new Follower(system.mqttPort, key.keyId, key.key, 'gatehouse/v1/site/#');
    system.startEdge('edge-1');
    await system.edgeOnline('edge-1');
    const file = path.join(system.edgeFile('edge-1', 'data'), 'credential.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    credential = JSON.parse(readFileSync(file, 'utf8')) as typeof credential;
  });

  afterAll(async () => {
    follower.stop();
    await system.stop();
  });

  it('is announced, decided, acknowledged and counted, in this order, and its session has its slot and its duration', async () => {
    expect(await send('entry-1', 'AB12CDE')).toBe('passed');
    await until('the passage is acknowledged', () => follower.on('acks').some(({ upTo }) => upTo === 2));
    expect(kinds()).toEqual(['vehicle-arrived', 'vehicle-passed']);
    const channels = follower.seen.map(({ topic }) => topic.split('/').at(-1));
    expect(channels.indexOf('events')).toBeLessThan(channels.indexOf('decisions'));
    expect(follower.on('decisions')[0]).toMatchObject({
      arrival: 1,
      revision: 1,
      outcome: 'admit',
      slot: { slotId: 's1' },
    });
    expect(await site()).toMatchObject({ vehiclesInside: 1, sessionsOpen: 1 });

    expect(await send('exit-1', 'AB12CDE')).toBe('passed');
    await until('nobody is inside', async () => (await site()).vehiclesInside === 0);
    const [session] = await system.list<Record<string, unknown>>('/api/v1/sites/site/sessions');
    expect(session).toMatchObject({
      state: 'closed',
      slotId: 's1',
      credential: { value: 'AB12CDE' },
      exitBasis: 'decision',
    });
    expect(session?.durationSeconds).toBeGreaterThan(0);
  });

  it('goes on while strangers are refused: anonymous, wrong, revoked, on another’s topics, with garbage', async () => {
    const port = system.mqttPort;
    expect((await publish(port, ['-t', 'gatehouse/v1/site/edge-1/events', '-m', 'x'])).code).not.toBe(0);
    for (const [user, password] of [
      ['edge-1', 'wrong'],
      ['nobody', credential.password],
    ] as const) {
      const { code, text } = await publish(port, [
        '-u',
        user,
        '-P',
        password,
        '-t',
        'gatehouse/v1/site/edge-1/events',
        '-m',
        'x',
      ]);
      expect(code).not.toBe(0);
      expect(text).toMatch(/not authori[sz]ed|bad user ?name or password/i);
    }

    // Another edge of the same site, with a credential of its own.
    await system.prepareEdge('site', 'edge-2', []);
    const code = readFileSync(system.edgeFile('edge-2', 'code'), 'utf8');
    const other = await system.api<typeof credential>('POST', '/api/v1/enrolments', { code });
    expect((await system.request('POST', '/api/v1/enrolments', { code })).status).toBe(403);
    const asOther = ['-u', other.username, '-P', other.password, '-i', 'edge-2'];
    const before = (await site()).entriesTotal;
    await publish(port, [...asOther, '-t', 'gatehouse/v1/site/edge-1/events', '-m', '{}']);
    await publish(port, [...asOther, '-t', 'gatehouse/v1/elsewhere/edge-2/events', '-m', '{}']);
    for (const bad of ['not json', '{"__proto__":{}}', '[]', `{"instance":"${'a'.repeat(32)}"}`]) {
      expect((await publish(port, [...asOther, '-t', 'gatehouse/v1/site/edge-2/events', '-m', bad])).code).toBe(0);
    }
    writeFileSync(path.join(system.directory, 'bytes'), Buffer.from([0xff, 0xfe, 0x00, 0xc3]));
    await publish(port, [
      ...asOther,
      '-t',
      'gatehouse/v1/site/edge-2/events',
      '-f',
      path.join(system.directory, 'bytes'),
    ]);
    writeFileSync(path.join(system.directory, 'huge'), Buffer.alloc(10_000_000, 0x20));
    await publish(port, [
      ...asOther,
      '-t',
      'gatehouse/v1/site/edge-2/events',
      '-f',
      path.join(system.directory, 'huge'),
    ]);
    const rows = await until('bad payloads are in quarantine', async () => {
      const found = await system.list<{ edgeId: string; reason: string }>('/api/v1/quarantine');
      return found.length >= 5 ? found : undefined;
    });
    expect(new Set(rows.map(({ edgeId }) => edgeId))).toEqual(new Set(['edge-2']));
    expect(rows.map(({ reason }) => reason).join('\n')).toMatch(/is not UTF-8/);

    await system.api('POST', '/api/v1/edges/edge-2/revoke', { reason: 'test' });
    expect((await publish(port, [...asOther, '-t', 'gatehouse/v1/site/edge-2/events', '-m', '{}'])).code).not.toBe(0);

    expect((await site()).entriesTotal).toBe(before);
    expect(await send('entry-1', 'GOOD123')).toBe('passed');
    await until('good traffic goes on', async () => (await site()).entriesTotal === before + 1);
  });

  it('a second process on the same data is refused and names the first; so is a port in use', async () => {
    const environment = system.aggregatorEnvironment();
    const second = system.spawn('aggregator', [], environment);
    expect(await second.exited).not.toBe(0);
    expect(second.output).toContain(String(system.aggregator?.pid));
    const elsewhere = system.spawn('aggregator', [], {
      ...environment,
      GATEHOUSE_DATA_DIR: path.join(system.directory, 'other'),
    });
    expect(await elsewhere.exited).not.toBe(0);
    expect(elsewhere.output).toMatch(/(mqtt|http)\.port/);
    const twin = system.spawn('edge', ['--config', system.edgeFile('edge-1', 'config.json')]);
    expect(await twin.exited).not.toBe(0);
    expect(twin.output).toContain(String(system.edges.get('edge-1')?.pid));
    expect((await system.request('GET', '/healthz')).status).toBe(200);
  });

  it('stops cleanly on SIGTERM, and the audit chain holds', async () => {
    expect(await system.edges.get('edge-1')?.kill('SIGTERM')).toBe(0);
    await until(
      'the edge says farewell',
      async () => !(await system.api<{ online: boolean }>('GET', '/api/v1/edges/edge-1')).online,
    );
    expect(await system.aggregator?.kill('SIGTERM')).toBe(0);
    const verify = system.spawn('aggregator', ['audit', 'verify', '--json'], system.aggregatorEnvironment());
    expect(await verify.exited).toBe(0);
    expect(existsSync(path.join(system.directory, 'aggregator', 'gatehouse.db'))).toBe(true);
    expect(JSON.parse(verify.output)).toMatchObject({ intact: true });
  });
});
