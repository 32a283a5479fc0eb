/** The aggregator under test: a process with its own data, and what the fuzzer asks of it as an administrator. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../demo/ports.js';
import { parseExposition } from './exposition.js';
import type { Exposition } from './exposition.js';
import { runToEnd, startProgram, until } from './programs.js';
import type { Program } from './programs.js';

export interface TestedAggregator {
  readonly url: string;
  readonly httpPort: number;
  readonly mqttPort: number;
  readonly adminKey: string;
  readonly program: Program;
  start(): Promise<void>;
  /** Answers how it ended. */
  stop(): Promise<string>;
  /** @throws Error unless it is granted */
  api<T>(method: string, path: string, body?: unknown): Promise<T>;
  /** All pages of a list. */
  list<T>(path: string): Promise<T[]>;
  metrics(): Promise<Exposition>;
  /** Whether the audit chain holds; asked of the data directory by the command for it. */
  verifyAudit(): Promise<{ end: string; output: string }>;
}

const startTimeoutMs = 60_000;
const answerTimeoutMs = 30_000;
const pageItems = 500;

/** Bounds that only slow the fuzzer down are lifted; all others are as delivered, but for `overrides`. */
export function createTestedAggregator(
  directory: string,
  adminKey: string,
  overrides: { readonly http?: object; readonly mqtt?: object },
): TestedAggregator {
  const configFile = join(directory, 'aggregator.json');
  let program: Program | undefined;
  let ports = { http: 0, mqtt: 0 };

  const running = (): Program => {
    if (program === undefined) throw new Error('the aggregator is not started');
    return program;
  };
  const url = (): string => `http://127.0.0.1:${String(ports.http)}`;

  const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${String(response.status)} ${text.slice(0, 500)}`);
    return JSON.parse(text) as T;
  };

  return {
    get url() {
      return url();
    },
    get httpPort() {
      return ports.http;
    },
    get mqttPort() {
      return ports.mqtt;
    },
    adminKey,
    get program() {
      return running();
    },
    async start() {
      if (ports.http === 0) {
        const [http = 0, mqtt = 0] = await freePorts(2);
        ports = { http, mqtt };
        mkdirSync(directory, { recursive: true });
        writeFileSync(
          configFile,
          JSON.stringify({
            dataDir: join(directory, 'aggregator'),
            adminKey,
            log: { level: 'warn', format: 'json' },
            http: {
              port: ports.http,
              ...overrides.http,
              rate: {
                requestsPerKeyPerMinute: 1_000_000,
                requestsPerAddressPerMinute: 1_000_000,
                failedKeysPerAddressPerMinute: 10_000,
                enrolmentsPerAddressPerMinute: 10_000,
              },
            },
            mqtt: { port: ports.mqtt, ...overrides.mqtt },
            aggregator: { ingest: { unreadablePayloadsPerEdgePerMinute: 1_000 } },
          }),
        );
      }
      const started = startProgram('aggregator', ['--config', configFile]);
      program = started;
      await until(
        'the aggregator is ready',
        async () => {
          if (started.end !== undefined) return true;
          return (await fetch(`${url()}/readyz`)).ok;
        },
        startTimeoutMs,
      );
      if (started.end !== undefined) throw new Error(`the aggregator ended with ${started.end}:\n${started.output}`);
    },
    stop: () => running().stop(),
    api,
    async list<T>(path: string) {
      const items: T[] = [];
      let cursor: string | null = null;
      do {
        const query = `limit=${String(pageItems)}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
        const page: { items: T[]; nextCursor: string | null } = await api(
          'GET',
          `${path}${path.includes('?') ? '&' : '?'}${query}`,
        );
        items.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== null);
      return items;
    },
    async metrics() {
      const response = await fetch(`${url()}/metrics`, { signal: AbortSignal.timeout(answerTimeoutMs) });
      return parseExposition(await response.text());
    },
    verifyAudit: () => runToEnd('aggregator', ['--config', configFile, 'audit', 'verify']),
  };
}
