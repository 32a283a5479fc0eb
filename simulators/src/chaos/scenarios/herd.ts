/** A thousand edges come back at once after the aggregator was killed, each with a passage it has not got rid of. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { redeemCode } from '@gatehouse/edge-agent';
import { until } from '../../processes/index.js';
import type { Running, SiteGate } from '../../processes/index.js';
import { readBooks } from '../databases.js';
import type { HerdFile, HerdReport } from '../herd/herd-process.js';
import { play } from '../scenario.js';
import type { Act, Findings, Scenario, ScenarioContext } from '../scenario.js';
import { createStage, healDeadlineMs } from '../stage.js';
import type { Stage } from '../stage.js';
import { moreTraffic } from './common.js';

const edgesPerSite = 250;
const edgesPerProcess = 250;
/** Edges that are enrolled at the same time. */
const enrolAtOnce = 16;
/** Within this time after the aggregator is ready again everybody is served; a machine with nothing else to do takes a few seconds. */
const servedWithinMs = 240_000;

interface Herd {
  readonly processes: readonly Running[];
  readonly siteIds: readonly string[];
  report(): HerdReport;
}

/** More than the usual bounds let in from one address. */
export const herdSettings = { mqtt: { limits: { maxConnectionsPerAddress: 2_000, maxUnauthenticated: 2_000 } } };

export const herdScenario: Scenario = (context) =>
  play(
    `${String(sizeOf(context))} edges return`,
    context,
    () => createStage({ ...context, name: 'herd', edges: 2, slots: 40, aggregatorSettings: herdSettings }),
    [herdReturns],
  );

export const herdReturns: Act = async (stage, context, findings) => {
  const count = sizeOf(context);
  const { supervisor } = stage;
  const herd = await createHerd(stage, count);
  await allServed(herd, count, 'at first');
  for (let round = 0; round < (context.isShort ? 1 : 3); round += 1) {
    await moreTraffic(stage, 4);
    await supervisor.stop('aggregator', 'SIGKILL');
    findings.fault('aggregator killed');
    const { passed } = herd.report();
    for (const one of herd.processes) one.tell('send');
    await until('every gate lets a vehicle out alone', () => herd.report().passed === passed + count, healDeadlineMs);
    await stage.keepAggregator();
    const readyMs = performance.now();
    await allServed(herd, count, 'after the restart');
    findings.note(
      `${String(count)} edges served ${((performance.now() - readyMs) / 1000).toFixed(1)} s after the aggregator was ready`,
    );
    await moreTraffic(stage, 4);
  }
  await checkHerd(stage, herd, findings);
  for (const one of herd.processes) one.tell('stop');
  await Promise.all(herd.processes.map(({ exited }) => exited));
  return {};
};

function sizeOf({ isShort }: ScenarioContext): number {
  return isShort ? 60 : 1_000;
}

async function createHerd(stage: Stage, count: number): Promise<Herd> {
  const { system } = stage;
  const edges: HerdFile['edges'][number][] = [];
  const siteIds: string[] = [];
  for (let first = 0; first < count; first += edgesPerSite) {
    const siteId = `plain-${String(siteIds.length + 1)}`;
    siteIds.push(siteId);
    const gates = Array.from({ length: Math.min(edgesPerSite, count - first) }, (_, index): SiteGate => {
      const edgeId = `h${String(first + index + 1)}`;
      return { gateId: `${edgeId}-out`, edgeId, direction: 'exit' };
    });
    await system.createSite(siteId, 10, gates);
    for (let from = 0; from < gates.length; from += enrolAtOnce) {
      await Promise.all(
        gates.slice(from, from + enrolAtOnce).map(async ({ edgeId, gateId }) => {
          const code = await system.registerEdge(siteId, edgeId);
          const { password } = await redeemCode(system.url, code, false);
          await stage.mosquitto?.addEdge(edgeId, password);
          edges.push({ siteId, edgeId, gateId, password });
        }),
      );
    }
  }
  stage.mosquitto?.reload();
  const processes: Running[] = [];
  for (let first = 0; first < count; first += edgesPerProcess) {
    const file = path.join(system.directory, `herd-${String(processes.length + 1)}.json`);
    const content: HerdFile = {
      mqttUrl: `mqtt://127.0.0.1:${String(stage.brokerPort)}`,
      time: system.clock,
      edges: edges.slice(first, first + edgesPerProcess),
    };
    writeFileSync(file, JSON.stringify(content));
    processes.push(system.spawn('simulate', ['herd', file]));
  }
  return { processes, siteIds, report: () => sum(processes.map(lastReport)) };
}

async function allServed(herd: Herd, count: number, when: string): Promise<void> {
  await until(
    `all edges are served ${when}`,
    () => {
      const ended = herd.processes.find(({ exitCode }) => exitCode !== null);
      if (ended !== undefined) throw new Error(`a process of the herd ended: ${ended.output.slice(-500)}`);
      const report = herd.report();
      if (report.served < count) throw new Error(JSON.stringify(report));
      return true;
    },
    servedWithinMs,
  );
}

/** Every passage of theirs is stored once. */
async function checkHerd({ system }: Stage, herd: Herd, findings: Findings): Promise<void> {
  let stored = 0;
  let passed = 0;
  for (const siteId of herd.siteIds) {
    const books = await readBooks(system.aggregatorDirectory, siteId);
    stored += books.events.length;
    passed += books.events.filter(({ kind }) => kind === 'vehicle-passed').length;
    findings.expect(
      books.ledger.exitsTotal === passedOf(books.events),
      `the ledger of ${siteId} has other exits than are stored`,
    );
  }
  const report = herd.report();
  findings.expect(
    stored === report.committed,
    `the herd committed ${String(report.committed)} events; ${String(stored)} are stored`,
  );
  findings.expect(
    passed === report.passed,
    `${String(report.passed)} vehicles left by the herd's gates; ${String(passed)} are counted`,
  );
  findings.note(
    `the herd's gates: ${String(report.passed)} vehicles let out, ${String(passed)} counted, ${String(stored)} events`,
  );
}

function passedOf(events: readonly { readonly kind: string }[]): number {
  return events.filter(({ kind }) => kind === 'vehicle-passed').length;
}

function lastReport({ output }: Running): HerdReport {
  const line = output
    .trimEnd()
    .split('\n')
    .findLast((text) => text.startsWith('{') && text.endsWith('}'));
  return line === undefined
    ? { up: 0, served: 0, committed: 0, passed: 0, unserved: [] }
    : (JSON.parse(line) as HerdReport);
}

function sum(reports: readonly HerdReport[]): HerdReport {
  return reports.reduce((total, { up, served, committed, passed, unserved }) => ({
    up: total.up + up,
    served: total.served + served,
    committed: total.committed + committed,
    passed: total.passed + passed,
    unserved: [...total.unserved, ...unserved],
  }));
}
