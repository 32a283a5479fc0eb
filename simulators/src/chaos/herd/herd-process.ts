/**
 * Many edges in one process: production agents with their MQTT links, over simulated exit lanes, their outboxes in memory. It
 * obeys lines on standard input (`send`: a vehicle to every gate; `stop`) and tells how its edges are, twice a second.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import {
  brokerSettingsSchema,
  createEdgeAgent,
  createMemoryOutbox,
  createMemoryOutboxBacking,
  createMqttLink,
  createSimulatedBarrier,
  edgeSettingsSchema,
  simulatedLaneSettingsSchema,
} from '@gatehouse/edge-agent';
import type { EdgeAgent, SimulatedBarrier } from '@gatehouse/edge-agent';
import { createScaledClock, silentLogger } from '@gatehouse/shared';
import type { ScaledTime } from '@gatehouse/shared';
import { sha256, systemClock, systemRandom } from '@gatehouse/shared/node';

/** What the process is started with, as a JSON file. */
export interface HerdFile {
  readonly mqttUrl: string;
  readonly time: ScaledTime;
  readonly edges: readonly {
    readonly siteId: string;
    readonly edgeId: string;
    readonly gateId: string;
    readonly password: string;
  }[];
}

/** Of all edges of the process. */
export interface HerdReport {
  readonly up: number;
  /** Connected, and everything they have committed is acknowledged. */
  readonly served: number;
  readonly committed: number;
  /** Vehicles that were let out, by the lanes' own record. */
  readonly passed: number;
  /** Some of those that are not served, for whoever has to find out why. */
  readonly unserved: readonly string[];
}

const maxUnservedTold = 3;
const reportEveryMs = 500;

interface HerdEdge {
  readonly agent: EdgeAgent;
  readonly barrier: SimulatedBarrier;
}

export async function runHerdProcess(file: string): Promise<void> {
  const herd = JSON.parse(readFileSync(file, 'utf8')) as HerdFile;
  const edges = herd.edges.map((edge) => createHerdEdge(herd, edge));
  let passed = 0;
  let sent = 0;
  for (const { barrier } of edges) {
    barrier.onHappening((happening) => {
      if (happening.type === 'ended' && happening.report.outcome === 'passed') passed += 1;
    });
  }
  await Promise.all(edges.map(({ agent }) => agent.start()));
  const timer = setInterval(() => {
    const all = edges.map(({ agent }) => agent.status());
    const report: HerdReport = {
      up: all.filter(({ link }) => link.up).length,
      served: all.filter(({ link, outbox }) => link.up && outbox.unacknowledged === 0).length,
      committed: all.reduce((sum, { outbox }) => sum + outbox.next - 1, 0),
      passed,
      unserved: all
        .filter(({ link, outbox }) => !link.up || outbox.unacknowledged > 0)
        .slice(0, maxUnservedTold)
        .map(({ edgeId, link, outbox, counters }) => JSON.stringify({ edgeId, link, outbox, counters })),
    };
    process.stdout.write(`${JSON.stringify(report)}\n`);
  }, reportEveryMs);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'stop') break;
    if (line !== 'send') continue;
    sent += 1;
    for (const { barrier } of edges)
      barrier.send({ plate: `H${String(sent)}${barrier.gateId.toUpperCase()}`.slice(0, 16) });
  }
  // Open, it would keep the process.
  process.stdin.destroy();
  clearInterval(timer);
  await Promise.all(edges.map(({ agent }) => agent.stop()));
  for (const { barrier } of edges) barrier.dispose();
}

function createHerdEdge({ mqttUrl, time }: HerdFile, edge: HerdFile['edges'][number]): HerdEdge {
  const { siteId, edgeId, gateId, password } = edge;
  const clock = createScaledClock(systemClock, time);
  const barrier = createSimulatedBarrier({
    clock,
    random: systemRandom,
    gateId,
    direction: 'exit',
    hasReader: true,
    settings: simulatedLaneSettingsSchema.parse({ patienceMs: 3_600_000, reader: { noReadRate: 0, misreadRate: 0 } }),
  });
  const agent = createEdgeAgent(
    {
      clock,
      linkClock: systemClock,
      random: systemRandom,
      sha256,
      logger: silentLogger,
      outbox: createMemoryOutbox({ backing: createMemoryOutboxBacking(), sha256 }),
      link: createMqttLink({
        siteId,
        edgeId,
        username: edgeId,
        password,
        url: mqttUrl,
        settings: brokerSettingsSchema.parse({ reconnectMaxMs: 10_000 }),
        clock: systemClock,
        random: systemRandom,
        logger: silentLogger,
      }),
      barriers: new Map([[gateId, barrier.barrier]]),
      readers: [barrier.reader],
      bootId: systemRandom.hex(16),
      requestRestart: () => undefined,
    },
    edgeSettingsSchema.parse({ siteId, edgeId, gates: [{ gateId, direction: 'exit', hasReader: true }] }),
  );
  return { agent, barrier };
}
