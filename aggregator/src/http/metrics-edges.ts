/** Metrics of each edge and its gates, as they have reported themselves: for where their own cannot be scraped. */
import { barrierPositions, faultCatalogue, faultNames, laneModes } from '@gatehouse/shared';
import type { Families } from './metrics-family.js';
import type { SeenEdge, SeenGate, Sight } from './metrics-source.js';
import { labelTail, labelWithin, noTail } from './metrics-text.js';
import type { LabelHead } from './metrics-text.js';

/** Edges that were revoked are not told of, but for the slots that are still set aside for them. */
export function defineEdges(families: Families): void {
  defineEach(families);
  defineAllowances(families);
  defineGates(families);
}

const type = 'gauge';
const edgeLabels = ['site', 'edge'];
const gateLabels = [...edgeLabels, 'gate'];

function defineEach(families: Families): void {
  const perEdge = (
    name: string,
    help: string,
    read: (status: SeenEdge['status'], sight: Sight) => number | null,
  ): void => {
    families.define('edge', {
      name,
      help,
      type,
      labelNames: edgeLabels,
      each({ head, isRevoked, status, sight }, put) {
        const value = isRevoked ? null : read(status, sight);
        if (value !== null) put(head, noTail, value);
      },
    });
  };
  perEdge('gatehouse_edge_up', '1 while the edge is connected.', ({ presence }) => (presence === 'online' ? 1 : 0));
  perEdge(
    'gatehouse_edge_last_seen_timestamp_seconds',
    'When anything came from the edge last; absent until something has since the start.',
    ({ lastSeenMonoMs }, { systemClock }) =>
      seconds(lastSeenMonoMs === null ? null : systemClock.wallMs() - (systemClock.monoMs() - lastSeenMonoMs)),
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

function defineAllowances(families: Families): void {
  const tails = {
    inSet: labelTail({ state: 'in_set' }),
    withdrawn: labelTail({ state: 'withdrawn' }),
    frozen: labelTail({ state: 'frozen' }),
  };
  families.define('edge', {
    name: 'gatehouse_edge_allowance_slots',
    help: 'Slots set aside for the edge: in its set, taken out of it and not yet returned, or frozen until an operator releases them.',
    type,
    labelNames: [...edgeLabels, 'state'],
    each({ head, isRevoked, status: { allowance } }, put) {
      if (allowance === null || (isRevoked && allowance.held === 0)) return;
      const { held, inSet, frozen } = allowance;
      put(head, tails.inSet, inSet);
      put(head, tails.withdrawn, held - inSet - frozen);
      put(head, tails.frozen, frozen);
    },
  });
}

/** One series for each gate of the layout and each word, whatever the edge has reported. */
function defineGates(families: Families): void {
  const perGate = (
    name: string,
    help: string,
    label: string,
    words: readonly string[],
    read: (gate: SeenGate, edge: SeenEdge) => string | undefined,
  ): void => {
    const series = words.map((word) => ({ word, tail: labelTail({ [label]: word }) }));
    families.define('edge', {
      name,
      help,
      type,
      labelNames: [...gateLabels, label],
      each(edge, put) {
        if (edge.isRevoked) return;
        for (const gate of edge.gates) {
          const present = read(gate, edge);
          for (const { word, tail } of series) put(gate.head, tail, word === present ? 1 : 0);
        }
      },
    });
  };
  perGate(
    'gatehouse_gate_barrier',
    '1 for the position of the arm, 0 for the others; unknown while the edge is not connected.',
    'position',
    barrierPositions,
    ({ reported }, { status }) => (status.presence === 'online' ? reported?.barrier : undefined) ?? 'unknown',
  );
  perGate(
    'gatehouse_gate_mode',
    '1 for how the lane is run, as the edge last reported, 0 for the others.',
    'mode',
    laneModes,
    ({ reported }) => reported?.mode,
  );
  defineFaults(families);
}

function defineFaults(families: Families): void {
  const faults = faultNames.map((fault) => ({
    fault,
    scope: faultCatalogue[fault].scope,
    tail: labelTail({ fault }),
  }));
  families.define('edge', {
    name: 'gatehouse_gate_faults',
    help: '1 while a fault of the catalogue is raised, as the edge last reported, else 0; gate is empty for faults of the whole edge.',
    type,
    labelNames: [...gateLabels, 'fault'],
    each(edge, put) {
      if (edge.isRevoked) return;
      const putAll = (head: LabelHead, scope: 'gate' | 'edge', raised: readonly string[]): void => {
        for (const { fault, scope: faultScope, tail } of faults) {
          const isRaised = raised.includes(fault);
          if (isRaised || faultScope === scope) put(head, tail, isRaised ? 1 : 0);
        }
      };
      putAll(labelWithin(edge.head, 'gate', ''), 'edge', edge.status.lastState?.faults ?? []);
      for (const { head, reported } of edge.gates) putAll(head, 'gate', reported?.faults ?? []);
    },
  });
}
