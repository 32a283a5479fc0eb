/** Metrics of each edge and its gates, as they have reported themselves: for where their own cannot be scraped. */
import { barrierPositions, faultCatalogue, faultNames, laneModes } from '@gatehouse/shared';
import { Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { SeenEdge, Source } from './metrics-source.js';

/** Registers them. Edges that were revoked are not told of, but for the slots that are still set aside for them. */
export function defineEdges(registry: Registry, source: Source): void {
  defineEach(registry, source);
  defineAllowances(registry, source);
  defineGates(registry, source);
}

const edgeLabels = ['site', 'edge'];
const gateLabels = [...edgeLabels, 'gate'];

function presentEdges(source: Source): SeenEdge[] {
  return (source()?.edges ?? []).filter(({ isRevoked }) => !isRevoked);
}

function defineEach(registry: Registry, source: Source): void {
  const perEdge = (name: string, help: string, read: (status: SeenEdge['status']) => number | null): void => {
    new Gauge({
      name,
      help,
      labelNames: edgeLabels,
      registers: [registry],
      collect() {
        this.reset();
        for (const { labels, status } of presentEdges(source)) {
          const value = read(status);
          if (value !== null) this.set(labels, value);
        }
      },
    });
  };
  perEdge('gatehouse_edge_up', '1 while the edge is connected.', ({ presence }) => (presence === 'online' ? 1 : 0));
  perEdge(
    'gatehouse_edge_last_seen_timestamp_seconds',
    'When anything came from the edge last; absent until something has since the start.',
    ({ lastSeenMonoMs }) => {
      const clock = source()?.systemClock;
      if (clock === undefined || lastSeenMonoMs === null) return null;
      return (clock.wallMs() - (clock.monoMs() - lastSeenMonoMs)) / 1000;
    },
  );
  perEdge(
    'gatehouse_edge_outbox_events',
    'Events that the edge has committed and the aggregator has not.',
    ({ backlogEvents }) => backlogEvents,
  );
  perEdge('gatehouse_edge_outbox_bytes', 'Size of the outbox of the edge.', ({ outboxBytes }) => outboxBytes);
  perEdge(
    'gatehouse_edge_outbox_oldest_age_seconds',
    'Age of the oldest event that the edge waits to have acknowledged, as it last reported; 0 when there is none.',
    // null says that nothing waits; undefined, that the edge does not tell.
    ({ lastState }) => seconds(lastState?.outboxOldestAgeMs === null ? 0 : lastState?.outboxOldestAgeMs),
  );
  perEdge(
    'gatehouse_edge_decision_seconds',
    'How long the last arrival at the edge waited for its answer, as it last reported; absent until there was one.',
    ({ lastState }) => seconds(lastState?.lastDecisionMs),
  );
  perEdge('gatehouse_edge_clock_offset_seconds', 'The clock of the edge minus ours.', ({ clockOffsetMs }) =>
    seconds(clockOffsetMs),
  );
  perEdge(
    'gatehouse_edge_clock_off',
    '1 while the clock of the edge is further off than the bound, and times are corrected.',
    ({ clockOff }) => (clockOff ? 1 : 0),
  );
  perEdge('gatehouse_edge_conflict', '1 while the history of the edge cannot be continued.', ({ conflict }) =>
    conflict === null ? 0 : 1,
  );
}

function seconds(ms: number | null | undefined): number | null {
  return ms == null ? null : ms / 1000;
}

function defineAllowances(registry: Registry, source: Source): void {
  new Gauge({
    name: 'gatehouse_edge_allowance_slots',
    help: 'Slots set aside for the edge: in its set, taken out of it and not yet returned, or frozen until an operator releases them.',
    labelNames: [...edgeLabels, 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, isRevoked, status } of source()?.edges ?? []) {
        const { allowance } = status;
        if (allowance === null || (isRevoked && allowance.held === 0)) continue;
        const { held, inSet, frozen } = allowance;
        this.set({ ...labels, state: 'in_set' }, inSet);
        this.set({ ...labels, state: 'withdrawn' }, held - inSet - frozen);
        this.set({ ...labels, state: 'frozen' }, frozen);
      }
    },
  });
}

/** One series for each gate of the layout and each word, whatever the edge has reported. */
function defineGates(registry: Registry, source: Source): void {
  const perGate = (
    name: string,
    help: string,
    label: string,
    words: readonly string[],
    read: (reported: Reported | undefined, edge: SeenEdge) => string | undefined,
  ): void => {
    new Gauge<string>({
      name,
      help,
      labelNames: [...gateLabels, label],
      registers: [registry],
      collect() {
        this.reset();
        for (const edge of presentEdges(source)) {
          for (const { gateId: gate } of edge.gates) {
            const present = read(reportedOf(edge, gate), edge);
            for (const word of words) this.set({ ...edge.labels, gate, [label]: word }, word === present ? 1 : 0);
          }
        }
      },
    });
  };
  perGate(
    'gatehouse_gate_barrier',
    '1 for the position of the arm, 0 for the others; unknown while the edge is not connected.',
    'position',
    barrierPositions,
    (reported, { status }) => (status.presence === 'online' ? reported?.barrier : undefined) ?? 'unknown',
  );
  perGate(
    'gatehouse_gate_mode',
    '1 for how the lane is run, as the edge last reported, 0 for the others.',
    'mode',
    laneModes,
    (reported) => reported?.mode,
  );
  new Gauge<string>({
    name: 'gatehouse_gate_faults',
    help: '1 while a fault of the catalogue is raised, as the edge last reported, else 0; gate is empty for faults of the whole edge.',
    labelNames: [...gateLabels, 'fault'],
    registers: [registry],
    collect() {
      this.reset();
      for (const edge of presentEdges(source)) {
        const set = (gate: string, scope: 'gate' | 'edge', raised: readonly string[]): void => {
          for (const fault of faultNames) {
            const isRaised = raised.includes(fault);
            if (isRaised || faultCatalogue[fault].scope === scope) {
              this.set({ ...edge.labels, gate, fault }, isRaised ? 1 : 0);
            }
          }
        };
        set('', 'edge', edge.status.lastState?.faults ?? []);
        for (const { gateId } of edge.gates) set(gateId, 'gate', reportedOf(edge, gateId)?.faults ?? []);
      }
    },
  });
}

type Reported = NonNullable<SeenEdge['status']['lastState']>['gates'][number];

function reportedOf({ status }: SeenEdge, gateId: string): Reported | undefined {
  return status.lastState?.gates.find((gate) => gate.gateId === gateId);
}
