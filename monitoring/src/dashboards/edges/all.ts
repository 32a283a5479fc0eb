/** Every edge at a glance. */
import type { Row } from '../build/dashboard.js';
import { stateTimeline, table } from '../build/kinds.js';
import { rising, words, wrongFrom } from '../build/look.js';
import { atSite, maxBy, over, sumBy } from '../build/queries.js';
import { faultsOf, raised, upOrDown } from '../common.js';
import { identifiers } from '../variables.js';

const eachEdge = 'site, edge';

export const all: Row = {
  title: 'All edges',
  panels: [
    table({
      title: 'Edges',
      description:
        'Every edge as the aggregator knows it, whether or not Prometheus reaches the edge itself. An edge that is cut off goes on by itself; what it has to tell waits in its outbox.',
      unit: 'short',
      width: 24,
      keys: {
        site: { title: 'Site' },
        edge: {
          title: 'Edge',
          link: `/d/${identifiers['Gates and edges']}?var-edge=\${__value.raw}&\${__url_time_range}`,
        },
      },
      columns: [
        { title: 'Connected', expr: maxBy(eachEdge, atSite('gatehouse_edge_up')), mappings: [upOrDown] },
        {
          title: 'Last heard',
          expr: `time() - ${maxBy(eachEdge, atSite('gatehouse_edge_last_seen_timestamp_seconds'))}`,
          unit: 's',
          thresholds: rising(30, 120),
        },
        {
          title: 'Faults',
          expr: sumBy(eachEdge, atSite('gatehouse_gate_faults')),
          unit: 'short',
          thresholds: wrongFrom(1),
        },
        {
          title: 'Events waiting',
          expr: maxBy(eachEdge, atSite('gatehouse_edge_outbox_events')),
          unit: 'short',
          thresholds: rising(100, 10_000),
        },
        {
          title: 'Oldest waits for',
          expr: maxBy(eachEdge, atSite('gatehouse_edge_outbox_oldest_age_seconds')),
          unit: 's',
          thresholds: rising(60, 900),
        },
        { title: 'Clock ahead by', expr: maxBy(eachEdge, atSite('gatehouse_edge_clock_offset_seconds')), unit: 's' },
        { title: 'Last decision', expr: maxBy(eachEdge, atSite('gatehouse_edge_decision_seconds')), unit: 's' },
        { title: 'Slots set aside', expr: sumBy(eachEdge, atSite('gatehouse_edge_allowance_slots')), unit: 'short' },
        {
          title: 'History broken',
          expr: maxBy(eachEdge, atSite('gatehouse_edge_conflict')),
          mappings: [words({ 0: { text: 'no', colour: 'green' }, 1: { text: 'yes', colour: 'red' } })],
        },
      ],
      runbook: 'edge-offline',
    }),
    stateTimeline({
      title: 'Connections',
      description: 'When each edge was connected to the aggregator.',
      unit: 'short',
      width: 12,
      queries: [over(maxBy(eachEdge, atSite('gatehouse_edge_up')), '{{site}} {{edge}}')],
      mappings: [upOrDown],
      runbook: 'edge-offline',
    }),
    stateTimeline({
      title: 'Faults',
      description: 'Faults that were raised in the time shown, at a gate or at a whole edge, as edges report them.',
      unit: 'short',
      width: 12,
      noValue: 'no fault was raised',
      queries: [over(faultsOf(atSite('gatehouse_gate_faults')), '{{edge}} {{gate}} {{fault}}')],
      mappings: [raised],
      runbook: 'faults',
    }),
  ],
};
