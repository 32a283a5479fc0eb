/** A system of real processes on free ports: an aggregator with its data, and the edge agents that are wanted. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from '../demo/ports.js';
import { Running } from './program.js';
import type { ProgramName } from './program.js';
import type { TidyUp } from './tidy-up.js';
import { until } from './waiting.js';

export interface SiteGate {
  readonly gateId: string;
  readonly edgeId: string;
  readonly direction: 'entry' | 'exit';
}

export interface EdgeFile {
  readonly gates: readonly Readonly<Record<string, unknown>>[];
  readonly simulation: { readonly clock: { readonly simulatedBaseMs: number } };
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no port');
  return port;
}

export class System {
  readonly directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-e2e-'));
  readonly adminKey = 'e2e0'.repeat(16);
  httpPort = 0;
  mqttPort = 0;
  aggregator: Running | null = null;
  /** The latest process of each edge. */
  readonly edges = new Map<string, Running>();
  aggregatorDirectory = path.join(this.directory, 'aggregator');
  private readonly controlPorts = new Map<string, number>();
  private readonly others = new Set<Running>();
  private takeBack = (): void => undefined;
  private readonly settings: Readonly<Record<string, unknown>>;
  /** One scaled clock for every process. */
  readonly clock: { readonly simulatedBaseMs: number; readonly realBaseMs: number; readonly factor: number };

  /**
   * @param factor simulated milliseconds in a real one, for lanes and records
   * @param settings members of the aggregator's configuration beside the clock
   */
  constructor(factor = 1, settings: Readonly<Record<string, unknown>> = {}) {
    const now = Date.now();
    this.clock = { simulatedBaseMs: now, realBaseMs: now, factor };
    this.settings = settings;
  }

  /** Ends with this program too, when that is ended before `stop`. Answers itself. */
  endWith(tidyUp: TidyUp): this {
    this.takeBack = tidyUp.later(() => {
      this.killAll();
      this.remove();
    });
    return this;
  }

  async choosePorts(): Promise<void> {
    if (this.httpPort !== 0) return;
    const [httpPort = 0, mqttPort = 0] = await freePorts(2);
    this.httpPort = httpPort;
    this.mqttPort = mqttPort;
  }

  /** @param nodeArguments for Node.js itself */
  async startAggregator(nodeArguments: readonly string[] = []): Promise<void> {
    const running = await this.launchAggregator(nodeArguments);
    await until('the aggregator is ready', async () => {
      if (running.exitCode !== null) throw new Error(`the aggregator ended:\n${running.output}`);
      return (await fetch(`${this.url}/readyz`)).ok;
    });
  }

  /** Starts it and does not wait until it is ready. */
  async launchAggregator(nodeArguments: readonly string[] = []): Promise<Running> {
    await this.choosePorts();
    const file = path.join(this.directory, 'aggregator.json');
    writeFileSync(file, JSON.stringify({ ...this.settings, simulation: { clock: this.clock } }));
    const running = this.spawn('aggregator', ['--config', file], this.aggregatorEnvironment(), nodeArguments);
    this.aggregator = running;
    return running;
  }

  aggregatorEnvironment(): Record<string, string> {
    return {
      GATEHOUSE_DATA_DIR: this.aggregatorDirectory,
      GATEHOUSE_HTTP_PORT: String(this.httpPort),
      GATEHOUSE_MQTT_PORT: String(this.mqttPort),
      GATEHOUSE_ADMIN_KEY: this.adminKey,
      GATEHOUSE_LOG_LEVEL: 'warn',
    };
  }

  /** A program of the project, or another one; it ends with the system. */
  spawn(
    program: ProgramName | { readonly command: string },
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    nodeArguments: readonly string[] = [],
  ): Running {
    const running = new Running(program, args, environment, nodeArguments);
    this.others.add(running);
    void running.exited.then(() => this.others.delete(running));
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

  async createSite(
    siteId: string,
    slotCount: number,
    gates: readonly SiteGate[],
    allowance?: { readonly sharePercent: number },
  ): Promise<void> {
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
      ...(allowance === undefined ? {} : { allowance }),
    });
  }

  /** The one-time code of an edge that is registered by this. */
  async registerEdge(siteId: string, edgeId: string): Promise<string> {
    const { enrolmentCode } = await this.api<{ enrolmentCode: string }>('POST', '/api/v1/edges', {
      siteId,
      edgeId,
      name: edgeId,
    });
    return enrolmentCode;
  }

  /** Registers the edge, and writes the configuration under which it enrols at its first start. */
  async prepareEdge(siteId: string, edgeId: string, gates: readonly SiteGate[]): Promise<void> {
    writeFileSync(this.edgeFile(edgeId, 'code'), await this.registerEdge(siteId, edgeId));
    const port = await freePort();
    this.controlPorts.set(edgeId, port);
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
      http: { port: 0 },
      simulation: {
        clock: this.clock,
        control: { port },
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
    mkdirSync(this.edgeFile(twin, 'data'), { recursive: true });
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

  controlUrl(edgeId: string): string {
    return `http://127.0.0.1:${String(this.controlPorts.get(edgeId))}`;
  }

  /** The page on which a running edge tells how it is, once it has said where that is. */
  async edgePage(edgeId: string): Promise<string> {
    return until(
      `${edgeId} says where its page is`,
      () => / (http:\/\/\S+)\/metrics\b/.exec(this.edges.get(edgeId)?.output ?? '')?.[1],
    );
  }

  /** The local control of an edge's simulated barriers. */
  async control(edgeId: string, method: string, resource: string, body?: unknown): Promise<Record<string, unknown>> {
    const response = await fetch(`${this.controlUrl(edgeId)}${resource}`, {
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

  /** Kills what runs, without waiting for it. */
  killAll(): void {
    for (const running of this.others) running.signal('SIGKILL');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.others].map((running) => running.kill()));
    this.remove();
    this.takeBack();
  }

  /** What it wrote, unless `GATEHOUSE_KEEP` is set. */
  remove(): void {
    if (process.env.GATEHOUSE_KEEP === undefined)
      rmSync(this.directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}
