/** How an edge stands now. */
import { stat } from '../build/kinds.js';
import { nearZero, plain, rising, wrongFrom, yesOrNo } from '../build/look.js';
import type { Unplaced } from '../build/panel.js';
import { atEdge, maxBy, now, over, sumBy } from '../build/queries.js';
import { upOrDown } from '../common.js';

export const standing: readonly Unplaced[] = [
  stat({
    title: 'Connected',
    description: 'Whether the aggregator has this edge connected.',
    unit: 'short',
    width: 3,
    queries: [now(maxBy('edge', atEdge('gatehouse_edge_up')), 'connected')],
    mappings: [yesOrNo],
    isBare: true,
    runbook: 'edge-offline',
  }),
  stat({
    title: 'Last heard',
    description: 'Time since the aggregator last heard of this edge. Edges speak at least every ten seconds.',
    unit: 's',
    width: 3,
    queries: [now(`time() - ${maxBy('edge', atEdge('gatehouse_edge_last_seen_timestamp_seconds'))}`, 'ago')],
    thresholds: rising(30, 120),
    isBare: true,
    runbook: 'edge-offline',
  }),
  stat({
    title: 'Link of the agent',
    description: 'Whether the agent itself has a connection to the broker. Only where Prometheus reaches the edge.',
    unit: 'short',
    width: 3,
    noValue: 'not scraped',
    queries: [now(maxBy('edge', atEdge('gatehouse_agent_link_up')), 'link')],
    mappings: [upOrDown],
    isBare: true,
  }),
  stat({
    title: 'Faults raised',
    description: 'Faults that are raised now at the gates of this edge and at the edge as a whole.',
    unit: 'short',
    width: 3,
    queries: [over(sumBy('edge', atEdge('gatehouse_gate_faults')), 'faults')],
    thresholds: wrongFrom(1),
    runbook: 'faults',
  }),
  stat({
    title: 'Events waiting',
    description:
      'Events that the edge has committed and the aggregator has not. They are safe; they pile up while the edge is cut off.',
    unit: 'short',
    width: 3,
    queries: [over(maxBy('edge', atEdge('gatehouse_edge_outbox_events')), 'events')],
    thresholds: rising(100, 10_000),
    runbook: 'outbox-growing-or-old',
  }),
  stat({
    title: 'Clock ahead by',
    description:
      'The clock of the edge less that of the aggregator. Order never depends on it; the times in records do.',
    unit: 's',
    width: 3,
    decimals: 2,
    queries: [over(maxBy('edge', atEdge('gatehouse_edge_clock_offset_seconds')), 'offset')],
    thresholds: nearZero(2, 30),
    runbook: 'clock',
  }),
  stat({
    title: 'Last decision took',
    description: 'From the arrival to the answer at the gate, for the latest vehicle, as the edge reports it.',
    unit: 's',
    width: 3,
    noValue: 'no decision yet',
    queries: [over(maxBy('edge', atEdge('gatehouse_edge_decision_seconds')), 'decision')],
    thresholds: rising(0.5, 1.5),
    runbook: 'decision-budget',
  }),
  stat({
    title: 'Slots set aside',
    description: 'Slots that the edge may give out by itself while it is cut off.',
    unit: 'short',
    width: 3,
    noValue: 'none',
    queries: [over(sumBy('edge', atEdge('gatehouse_edge_allowance_slots')), 'slots')],
    thresholds: plain('purple'),
  }),
];
