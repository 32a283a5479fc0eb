/** Real processes for end-to-end tests: started from the built programs on free ports, killed when the test is over. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const programs = {
  aggregator: 'aggregator/dist/main.js',
  edge: 'edge-agent/dist/main.js',
  simulate: 'simulators/dist/main.js',
};

export const deadlineMs = 30_000;

/** Calls `check` until it answers something other than undefined, null or false; fails with `what` after the deadline. */
export async function until<T>(
  what: string,
  check: () => Promise<T> | T,
  limitMs = deadlineMs,
): Promise<Exclude<T, undefined | null | false>> {
  const endAtMs = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < endAtMs) {
    try {
      const found = await check();
      if (found !== undefined && found !== null && found !== false)
        return found as Exclude<T, undefined | null | false>;
      last = found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(
    `${what}: not within ${String(limitMs)} ms (last: ${last instanceof Error ? last.message : JSON.stringify(last)})`,
  );
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export class Running {
  output = '';
  exitCode: number | null = null;
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;

  constructor(
    program: keyof typeof programs,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ) {
    this.child = spawn(process.execPath, [path.join(root, programs[program]), ...args], {
      cwd: root,
      env: { ...cleanEnvironment(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-200_000);
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.on('exit', (code) => {
        this.exitCode = code ?? -1;
        resolve(code);
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }
}

function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('GATEHOUSE_') && name !== 'NODE_OPTIONS',
  );
  return Object.fromEntries(kept) as Record<string, string>;
}

export interface SiteGate {
  readonly gateId: string;
  readonly edgeId: string;
  readonly direction: 'entry' | 'exit';
}

export interface EdgeFile {
  readonly simulation: { readonly clock: { readonly simulatedBaseMs: number } };
}

/** One aggregator with its data, and the edges a test wants. */
export class System {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-e2e-'));
  readonly adminKey = 'e2e0'.repeat(16);
  httpPort = 0;
  mqttPort = 0;
  aggregator: Running | null = null;
  readonly edges = new Map<string, Running>();
  private readonly controlPorts = new Map<string, number>();
  private readonly others: Running[] = [];
  /** One scaled clock for every process. */
  private readonly clock: { readonly simulatedBaseMs: number; readonly realBaseMs: number; readonly factor: number };

  constructor(factor = 1) {
    const now = Date.now();
    this.clock = { simulatedBaseMs: now, realBaseMs: now, factor };
  }

  async startAggregator(): Promise<void> {
    if (this.httpPort === 0) [this.httpPort, this.mqttPort] = [await freePort(), await freePort()];
    const file = path.join(this.directory, 'aggregator.json');
    writeFileSync(file, JSON.stringify({ simulation: { clock: this.clock } }));
    const running = this.spawn('aggregator', ['--config', file], this.aggregatorEnvironment());
    this.aggregator = running;
    await until('the aggregator is ready', async () => {
      if (running.exitCode !== null) throw new Error(`the aggregator ended:\n${running.output}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  aggregatorEnvironment(): Record<string, string> {
    return {
      GATEHOUSE_DATA_DIR: path.join(this.directory, 'aggregator'),
      GATEHOUSE_HTTP_PORT: String(this.httpPort),
      GATEHOUSE_MQTT_PORT: String(this.mqttPort),
      GATEHOUSE_ADMIN_KEY: this.adminKey,
      GATEHOUSE_LOG_LEVEL: 'warn',
    };
  }

  spawn(
    program: keyof typeof programs,
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Running {
    const running = new Running(program, args, environment);
    this.others.push(running);
    return running;
  }

  get url(): string {
    return `http://127.0.0.1:${String(this.httpPort)}`;
  }

  async request(
    method: string,
    resource: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`${this.url}${resource}`, {
      method,
      headers: {
        authorization: `Bearer ${this.adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }

  /** Like `request`, but fails unless it is granted. */
  async api<T = Record<string, unknown>>(method: string, resource: string, body?: unknown): Promise<T> {
    const answer = await this.request(method, resource, body);
    if (answer.status >= 300)
      throw new Error(`${method} ${resource}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }

  async list<T>(resource: string): Promise<T[]> {
    const items: T[] = [];
    let cursor: string | null = null;
    do {
      const separator = resource.includes('?') ? '&' : '?';
      const page: { items: T[]; nextCursor: string | null } = await this.api(
        'GET',
        `${resource}${separator}limit=200${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      items.push(...page.items);
      cursor = page.nextCursor;
    } while (cursor !== null);
    return items;
  }

  async createSite(siteId: string, slotCount: number, gates: readonly SiteGate[]): Promise<void> {
    await this.api('PUT', `/api/v1/sites/${siteId}`, {
      siteId,
      name: siteId,
      zones: [{ zoneId: 'ground', name: 'Ground' }],
      slots: Array.from({ length: slotCount }, (_, index) => ({
        slotId: `s${String(index + 1)}`,
        zoneId: 'ground',
        label: String(index + 1),
      })),
      gates: gates.map((gate) => ({ ...gate, name: gate.gateId })),
    });
  }

  /** Registers the edge, and writes the configuration under which it enrols at its first start. */
  async prepareEdge(siteId: string, edgeId: string, gates: readonly SiteGate[]): Promise<void> {
    const { enrolmentCode } = await this.api<{ enrolmentCode: string }>('POST', '/api/v1/edges', {
      siteId,
      edgeId,
      name: edgeId,
    });
    writeFileSync(this.edgeFile(edgeId, 'code'), enrolmentCode);
    this.controlPorts.set(edgeId, await freePort());
    const configuration = {
      siteId,
      edgeId,
      dataDir: this.edgeFile(edgeId, 'data'),
      gates: gates
        .filter((gate) => gate.edgeId === edgeId)
        .map(({ gateId, direction }) => ({
          gateId,
          direction,
          hasReader: true,
          barrier: { driver: 'simulated', settings: { reader: { misreadRate: 0, noReadRate: 0 } } },
        })),
      enrolment: { url: this.url, codeFile: this.edgeFile(edgeId, 'code') },
      simulation: {
        clock: this.clock,
        control: { port: this.controlPorts.get(edgeId) },
        log: { path: this.edgeFile(edgeId, 'happenings.jsonl') },
      },
      log: { level: 'warn' },
    };
    writeFileSync(this.edgeFile(edgeId, 'config.json'), JSON.stringify(configuration));
  }

  /** Changes the configuration that a prepared edge will start with. */
  reconfigureEdge(edgeId: string, change: (configuration: EdgeFile) => object): void {
    const file = this.edgeFile(edgeId, 'config.json');
    const configuration = JSON.parse(readFileSync(file, 'utf8')) as EdgeFile;
    writeFileSync(file, JSON.stringify({ ...configuration, ...change(configuration) }));
  }

  /** Copies everything a stopped edge has, as its SD card in another cabinet: `twin` can be started, driven and asked like an edge. */
  async cloneEdge(edgeId: string, twin: string): Promise<void> {
    cpSync(this.edgeFile(edgeId, 'data'), this.edgeFile(twin, 'data'), { recursive: true });
    cpSync(this.edgeFile(edgeId, 'config.json'), this.edgeFile(twin, 'config.json'));
    const port = await freePort();
    this.controlPorts.set(twin, port);
    this.reconfigureEdge(twin, ({ simulation }) => ({
      dataDir: this.edgeFile(twin, 'data'),
      simulation: { ...simulation, control: { port }, log: { path: this.edgeFile(twin, 'happenings.jsonl') } },
    }));
  }

  edgeFile(edgeId: string, name: string): string {
    return path.join(this.directory, `${edgeId}-${name}`);
  }

  startEdge(edgeId: string): Running {
    const running = this.spawn('edge', ['--config', this.edgeFile(edgeId, 'config.json')]);
    this.edges.set(edgeId, running);
    return running;
  }

  async edgeOnline(edgeId: string): Promise<void> {
    await until(`${edgeId} is online`, async () => {
      const running = this.edges.get(edgeId);
      if (running?.exitCode !== null) throw new Error(`${edgeId} ended:\n${running?.output ?? ''}`);
      return (await this.api<{ online: boolean }>('GET', `/api/v1/edges/${edgeId}`)).online;
    });
  }

  /** The local control of an edge's simulated barriers. */
  async control(edgeId: string, method: string, resource: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`http://127.0.0.1:${String(this.controlPorts.get(edgeId))}${resource}`, {
      method,
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Error(`${resource}: ${JSON.stringify(answer)}`);
    return answer;
  }

  async sendVehicle(edgeId: string, gateId: string, order: Record<string, unknown>): Promise<string> {
    return String((await this.control(edgeId, 'POST', `/gates/${gateId}/vehicles`, order)).vehicleId);
  }

  /** What the simulated barriers of an edge saw happen. */
  happenings(edgeId: string): Record<string, unknown>[] {
    return readFileSync(this.edgeFile(edgeId, 'happenings.jsonl'), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async stop(): Promise<void> {
    await Promise.all(this.others.filter(({ exitCode }) => exitCode === null).map((running) => running.kill()));
    if (process.env.GATEHOUSE_KEEP === undefined) rmSync(this.directory, { recursive: true, force: true });
  }
}
