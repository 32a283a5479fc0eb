/** What an edge has to tell, and how fast it is. */
import { heatmap, timeSeries } from '../build/kinds.js';
import { named, nearZero, rising } from '../build/look.js';
import type { Unplaced } from '../build/panel.js';
import { atEdge, buckets, grown, maxBy, over, quantile, rate, sumBy } from '../build/queries.js';

const decisionBuckets = atEdge('gatehouse_agent_decision_duration_seconds_bucket');

const right = { 'custom.axisPlacement': 'right' };

export const timing: readonly Unplaced[] = [
  timeSeries({
    title: 'Outbox',
    description:
      'Events that wait to be acknowledged, as the edge and as the aggregator count them, and how old the oldest is.',
    unit: 'short',
    width: 8,
    min: 0,
    queries: [
      over(maxBy('edge', atEdge('gatehouse_agent_outbox_unacknowledged_events')), 'events, says the edge'),
      over(maxBy('edge', atEdge('gatehouse_edge_outbox_events')), 'events, says the aggregator'),
      over(maxBy('edge', atEdge('gatehouse_edge_outbox_oldest_age_seconds')), 'age of the oldest'),
    ],
    overrides: [named('age of the oldest', { unit: 's', ...right })],
    runbook: 'outbox-growing-or-old',
  }),
  timeSeries({
    title: 'Clock',
    description: 'The clock of the edge less that of the aggregator, as estimated from its messages.',
    unit: 's',
    width: 8,
    queries: [over(maxBy('edge', atEdge('gatehouse_edge_clock_offset_seconds')), 'ahead by')],
    thresholds: nearZero(2, 30),
    showThresholds: true,
    runbook: 'clock',
  }),
  timeSeries({
    title: 'Decision latency',
    description:
      'From the arrival to the answer at the gate: median, one in a hundred, and the latest one as the aggregator heard of it. After 1.5 s the edge decides alone.',
    unit: 's',
    width: 8,
    min: 0,
    noValue: 'no decision yet',
    queries: [
      over(quantile(0.5, 'by', decisionBuckets), 'median, by the {{by}}'),
      over(quantile(0.99, 'by', decisionBuckets), '99 %, by the {{by}}'),
      over(maxBy('edge', atEdge('gatehouse_edge_decision_seconds')), 'latest'),
    ],
    thresholds: rising(0.5, 1.5),
    showThresholds: true,
    runbook: 'decision-budget',
  }),
  heatmap({
    title: 'Decisions by how long they took',
    description:
      'How many decisions took how long, moment by moment. Two bands apart are two ways: the aggregator and the edge alone.',
    unit: 's',
    width: 8,
    noValue: 'no decision yet',
    queries: [buckets(sumBy('le', grown(decisionBuckets)))],
    runbook: 'decision-budget',
  }),
  timeSeries({
    title: 'Commits to the outbox',
    description:
      'How long the edge takes to write an event down. Slow commits mean a worn or cheap card, and slow gates.',
    unit: 's',
    width: 8,
    min: 0,
    noValue: 'nothing was written yet',
    queries: [
      over(quantile(0.5, '', atEdge('gatehouse_agent_commit_duration_seconds_bucket')), 'median'),
      over(quantile(0.99, '', atEdge('gatehouse_agent_commit_duration_seconds_bucket')), '99 %'),
    ],
    thresholds: rising(0.1, 0.5),
  }),
  timeSeries({
    title: 'Storage of the edge',
    description: 'Room on the volume that holds the outbox, and what the outbox takes of it up to its own limit.',
    unit: 'bytes',
    width: 8,
    min: 0,
    queries: [
      over(maxBy('edge', atEdge('gatehouse_agent_data_volume_free_bytes')), 'free on the volume'),
      over(maxBy('edge', atEdge('gatehouse_agent_outbox_bytes')), 'outbox'),
      over(maxBy('edge', atEdge('gatehouse_agent_outbox_limit_bytes')), 'limit of the outbox'),
    ],
    runbook: 'disk-filling',
  }),
  timeSeries({
    title: 'Link',
    description:
      'What the link does: batches sent, sent again for want of an answer, and messages that were refused or dropped.',
    unit: 'cps',
    width: 12,
    min: 0,
    legend: ['mean', 'max'],
    queries: [
      over(sumBy('edge', rate(atEdge('gatehouse_agent_batches_published_total'))), 'batches sent'),
      over(sumBy('edge', rate(atEdge('gatehouse_agent_batches_resent_total'))), 'sent again'),
      over(sumBy('edge', rate(atEdge('gatehouse_agent_messages_refused_total'))), 'refused'),
      over(sumBy('edge', rate(atEdge('gatehouse_agent_messages_dropped_total'))), 'dropped'),
    ],
  }),
  timeSeries({
    title: 'What must not happen',
    description:
      'Events lost, new epochs begun because the history could not be continued, and inputs dropped because too many came.',
    unit: 'short',
    width: 12,
    min: 0,
    legend: ['max'],
    queries: [
      over(sumBy('edge', grown(atEdge('gatehouse_agent_events_lost_total'))), 'events lost'),
      over(sumBy('edge', grown(atEdge('gatehouse_agent_epochs_begun_total'))), 'epochs begun'),
      over(sumBy('edge', grown(atEdge('gatehouse_agent_inputs_dropped_total'))), 'inputs dropped'),
    ],
    runbook: 'events-lost',
  }),
];
