/** A real Prometheus that scrapes every second, and questions to it. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freePort, until } from '../../../test/support/processes.js';
import type { System } from '../../../test/support/processes.js';

export interface ScrapeJob {
  readonly name: string;
  /** host:port */
  readonly targets: readonly string[];
}

/** A sample is [seconds, "value"]. */
type Sample = readonly [number, string];

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  /** In the order of time; NaN is left out. */
  readonly values: readonly number[];
}

export interface Question {
  readonly expr: string;
  /** `range`: every second since this moment, in seconds since 1970. */
  readonly sinceSeconds?: number;
}

export interface Prometheus {
  ask(question: Question): Promise<Series[]>;
  /** As `label_values(match, label)` of Grafana. */
  labelValues(match: string, label: string): Promise<string[]>;
}

const scrapeSeconds = 1;

/** Starts it; it ends with the system. */
export async function startPrometheus(
  system: System,
  jobs: readonly ScrapeJob[],
  ruleFiles: readonly string[],
): Promise<Prometheus> {
  const port = await freePort();
  const file = path.join(system.directory, 'prometheus.yml');
  const every = `${String(scrapeSeconds)}s`;
  const configuration = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: ruleFiles,
    scrape_configs: jobs.map(({ name, targets }) => ({ job_name: name, static_configs: [{ targets }] })),
  };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(configuration));
  const running = system.spawn({ command: 'prometheus' }, [
    `--config.file=${file}`,
    `--storage.tsdb.path=${path.join(system.directory, 'prometheus')}`,
    `--web.listen-address=127.0.0.1:${String(port)}`,
    '--log.level=warn',
  ]);
  const url = `http://127.0.0.1:${String(port)}`;
  await until('Prometheus is ready', async () => {
    if (running.exitCode !== null) throw new Error(`it ended:\n${running.output}`);
    return (await fetch(`${url}/-/ready`)).ok;
  });
  return { ask: (question) => ask(url, question), labelValues: (match, label) => labelValues(url, match, label) };
}

async function ask(url: string, { expr, sinceSeconds }: Question): Promise<Series[]> {
  const isRange = sinceSeconds !== undefined;
  const now = Date.now() / 1000;
  const times = isRange ? { start: String(sinceSeconds), end: String(now), step: String(scrapeSeconds) } : {};
  const answer = await get<{ result: { metric: Record<string, string>; value?: Sample; values?: Sample[] }[] }>(
    `${url}/api/v1/${isRange ? 'query_range' : 'query'}`,
    { query: expr, ...times },
  );
  return answer.result
    .map(({ metric, value, values = [] }) => ({
      metric,
      values: (value === undefined ? values : [value])
        .map(([, text]) => Number(text))
        .filter((each) => !Number.isNaN(each)),
    }))
    .filter(({ values }) => values.length > 0);
}

function labelValues(url: string, match: string, label: string): Promise<string[]> {
  return get(`${url}/api/v1/label/${label}/values`, { 'match[]': match });
}

async function get<T>(resource: string, query: Readonly<Record<string, string>>): Promise<T> {
  const response = await fetch(`${resource}?${new URLSearchParams(query).toString()}`, {
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as { status: string; error?: string; data: T };
  if (answer.status !== 'success') throw new Error(`${answer.error ?? response.statusText}: ${JSON.stringify(query)}`);
  return answer.data;
}
