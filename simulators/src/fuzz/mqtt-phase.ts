/** Messages of every kind from registered edges, and the books compared with what the aggregator says became of them. */
import { wireLimits } from '@gatehouse/shared';
import { createTally } from './account.js';
import type { Tally } from './account.js';
import type { TestedAggregator } from './aggregator.js';
import { createDice } from './dice.js';
import { changesBy } from './exposition.js';
import type { Exposition } from './exposition.js';
import { createHostileEdge, sumOf } from './hostile-edge.js';
import type { HostileEdge } from './hostile-edge.js';
import type { Target } from '../bare-mqtt/client.js';

export interface MqttReport {
  readonly sent: number;
  readonly durationMs: number;
  /** By what ought to have become of them. */
  readonly messages: Readonly<Record<string, number>>;
  readonly events: Readonly<Record<string, number>>;
  /** What the metrics say. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly results: Readonly<Record<string, number>>;
  readonly quarantined: number;
  readonly problems: readonly string[];
}

export interface MqttPhaseOptions {
  readonly aggregator: TestedAggregator;
  readonly seed: string;
  readonly messages: number;
  readonly onProgress: (sent: number) => void;
}

const siteId = 'mad';
const edges = 12;
const slots = 40;
/** Bursts between two ends of a connection. */
const burstsPerConnection = 25;

export interface PreparedEdge {
  readonly edgeId: string;
  readonly password: string;
  readonly gateIds: readonly string[];
}

/** A site with `count` edges of two gates each, enrolled by the fuzzer itself. */
export async function prepareEdges(
  aggregator: TestedAggregator,
  place: { readonly siteId: string; readonly count: number; readonly slots: number },
): Promise<PreparedEdge[]> {
  const prepared = Array.from({ length: place.count }, (_, index) => {
    const edgeId = `${place.siteId}-edge-${String(index)}`;
    return { edgeId, gateIds: [`${edgeId}-in`, `${edgeId}-out`] };
  });
  await aggregator.api('PUT', `/api/v1/sites/${place.siteId}`, {
    siteId: place.siteId,
    name: place.siteId,
    zones: [{ zoneId: 'z', name: 'Z' }],
    slots: Array.from({ length: place.slots }, (_, index) => ({
      slotId: `z-${String(index)}`,
      zoneId: 'z',
      label: 'Z',
    })),
    gates: prepared.flatMap(({ edgeId, gateIds }) =>
      gateIds.map((gateId, index) => ({ gateId, edgeId, name: gateId, direction: index === 0 ? 'entry' : 'exit' })),
    ),
  });
  const enrolled: PreparedEdge[] = [];
  for (const { edgeId, gateIds } of prepared) {
    const registered = await aggregator.api<{ enrolmentCode: string }>('POST', '/api/v1/edges', {
      edgeId,
      siteId: place.siteId,
      name: edgeId,
    });
    const { password } = await aggregator.api<{ password: string }>('POST', '/api/v1/enrolments', {
      code: registered.enrolmentCode,
    });
    enrolled.push({ edgeId, password, gateIds });
  }
  return enrolled;
}

export async function runMqttPhase(options: MqttPhaseOptions): Promise<MqttReport> {
  const { aggregator, seed } = options;
  const tally = createTally();
  const target: Target = { host: '127.0.0.1', port: aggregator.mqttPort };
  const prepared = await prepareEdges(aggregator, { siteId, count: edges, slots });
  const mad = prepared.map((edge) =>
    createHostileEdge({
      ...edge,
      target,
      siteId,
      slotIds: Array.from({ length: slots }, (_, index) => `z-${String(index)}`),
      dice: createDice(seed, edge.edgeId),
      tally,
      epochChanges: true,
    }),
  );
  await Promise.all(mad.map((edge) => edge.start()));
  const before = await aggregator.metrics();
  const startedMs = performance.now();
  let sent = 0;
  // As much from each, so that what an edge sends depends on the seed alone and not on how fast the others are.
  const share = Math.ceil(options.messages / mad.length);
  const rage = async (edge: HostileEdge): Promise<void> => {
    let own = 0;
    for (let burst = 1; own < share; burst += 1) {
      const messages = await edge.burst();
      const lost = burst % burstsPerConnection === 0 ? await edge.breakConnection() : 0;
      own += messages + lost;
      sent += messages + lost;
      options.onProgress(sent);
    }
  };
  const problems = (await Promise.allSettled(mad.map(rage))).flatMap((result) =>
    result.status === 'rejected' ? [`MQTT: ${String(result.reason)}`] : [],
  );
  const durationMs = performance.now() - startedMs;
  const after = await aggregator.metrics();
  for (const edge of mad) edge.stop();
  return report(tally, before, after, { sent, durationMs, problems });
}

function report(
  tally: Tally,
  before: Exposition,
  after: Exposition,
  run: { readonly sent: number; readonly durationMs: number; readonly problems: readonly string[] },
): MqttReport {
  const dropped = changesBy(before, after, 'gatehouse_dropped_messages_total', 'reason');
  const results = changesBy(before, after, 'gatehouse_events_total', 'result', { site: siteId });
  const quarantined = changesBy(before, after, 'gatehouse_quarantined_events_total', 'site')[siteId] ?? 0;
  const refused = changesBy(before, after, 'gatehouse_broker_refused_total', 'reason');
  // What is sent twice faster than it is stored is not looked at twice: nobody can say beforehand how much of it there is.
  const repeated = dropped.repeated ?? 0;
  const messages = Object.fromEntries(tally.messages);
  const events = Object.fromEntries(tally.events);
  const names = Object.keys({ ...events, ...results });
  const problems = [
    ...run.problems,
    ...differences('messages dropped as', ['unreadable', 'beyond-cursor', 'conflict'], messages, dropped, repeated),
    ...differences('messages dropped as', ['inbox-full'], messages, dropped),
    ...differences(
      'events that were',
      names.filter((name) => name !== 'duplicate'),
      events,
      results,
    ),
    ...differences('events that were', ['duplicate'], events, results, repeated * wireLimits.maxBatchEvents),
  ];
  const unreadableLogs = messages['log-unreadable'] ?? 0;
  const refusedLogs = (dropped['log-refused'] ?? 0) + (dropped['log-too-many'] ?? 0);
  if (refusedLogs < unreadableLogs || refusedLogs > unreadableLogs + (messages.log ?? 0)) {
    problems.push(
      `${String(unreadableLogs)} reports of log lines could not be read, ${String(messages.log ?? 0)} could; ${String(refusedLogs)} were refused`,
    );
  }
  const bad = events.quarantined ?? 0;
  const unreadable = messages.unreadable ?? 0;
  if (quarantined < bad || quarantined > bad + unreadable) {
    problems.push(
      `${String(bad)} bad events and ${String(unreadable)} unreadable payloads, ${String(quarantined)} in quarantine`,
    );
  }
  const foreign = messages['publish-topic'] ?? 0;
  const foreignRefused = refused['publish-topic'] ?? 0;
  // What is malformed may still be a publication to another topic.
  if (foreignRefused < foreign || foreignRefused > foreign + (messages.malformed ?? 0)) {
    problems.push(`${String(foreign)} messages to foreign topics, ${String(foreignRefused)} refused`);
  }
  if (sumOf(tally.messages) !== run.sent) {
    problems.push(`${String(run.sent)} messages were sent, ${String(sumOf(tally.messages))} are accounted for`);
  }
  const { sent, durationMs } = run;
  return { sent, durationMs, messages, events, dropped, results, quarantined, problems };
}

/** @param uncounted how many fewer than expected may be found */
function differences(
  what: string,
  names: readonly string[],
  expected: Readonly<Record<string, number>>,
  found: Readonly<Record<string, number>>,
  uncounted = 0,
): string[] {
  return names.flatMap((name) => {
    const [sent, counted] = [expected[name] ?? 0, found[name] ?? 0];
    if (counted <= sent && counted >= sent - uncounted) return [];
    return [`${what} ${name}: ${String(sent)} by the books, ${String(counted)} by the metrics`];
  });
}
