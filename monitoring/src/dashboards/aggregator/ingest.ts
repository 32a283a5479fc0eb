/** What edges tell, and how fast they are answered. */
import type { Row } from '../build/dashboard.js';
import { heatmap, timeSeries } from '../build/kinds.js';
import { rising } from '../build/look.js';
import { atSite, buckets, grown, ofProgram, over, quantile, rate, recorded, sumBy } from '../build/queries.js';

const decisionBuckets = atSite('gatehouse_decision_duration_seconds_bucket');

export const ingest: Row = {
  title: 'Ingest and decisions',
  panels: [
    timeSeries({
      title: 'Events by kind',
      description: 'Events from edges, by kind.',
      unit: 'eps',
      width: 8,
      style: 'stacked',
      min: 0,
      legend: ['mean', 'max'],
      queries: [over(sumBy('kind', rate(atSite('gatehouse_events_total'))), '{{kind}}')],
    }),
    timeSeries({
      title: 'Events by result',
      description:
        'What became of events. Duplicates are harmless: something was resent. Others than applied and duplicates deserve a look.',
      unit: 'eps',
      width: 8,
      style: 'stacked',
      min: 0,
      legend: ['mean', 'max'],
      queries: [over(sumBy('result', rate(atSite('gatehouse_events_total'))), '{{result}}')],
    }),
    timeSeries({
      title: 'Not taken',
      description:
        'Messages dropped for want of room (edges send them again), and events put into quarantine because they could not be applied.',
      unit: 'eps',
      width: 8,
      min: 0,
      legend: ['mean', 'max'],
      queries: [
        over(sumBy('reason', rate(ofProgram('gatehouse_dropped_messages_total'))), 'dropped {{reason}}'),
        over(sumBy('site', rate(ofProgram('gatehouse_quarantined_events_total'))), 'quarantined {{site}}'),
      ],
      runbook: 'quarantine',
    }),
    timeSeries({
      title: 'Decision latency',
      description:
        'From the receipt of an arrival to the publication of its decision: median, one in ten, one in a hundred.',
      unit: 's',
      width: 8,
      min: 0,
      noValue: 'no decision yet',
      queries: [
        over(quantile(0.5, '', decisionBuckets), 'median'),
        over(quantile(0.9, '', decisionBuckets), '90 %'),
        over(quantile(0.99, '', decisionBuckets), '99 %'),
      ],
      thresholds: rising(0.25, 1),
      showThresholds: true,
      runbook: 'decision-budget',
    }),
    heatmap({
      title: 'Decisions by how long they took',
      description: 'How many decisions took how long, moment by moment.',
      unit: 's',
      width: 8,
      noValue: 'no decision yet',
      queries: [buckets(sumBy('le', grown(decisionBuckets)))],
      runbook: 'decision-budget',
    }),
    timeSeries({
      title: 'Decisions missed or late',
      description:
        'Share of decisions that an edge had to make alone, or that took longer than a second, over windows of five minutes to six hours. The alerts on the objective look at the same.',
      unit: 'percentunit',
      width: 8,
      min: 0,
      max: 1,
      noValue: 'no decision yet',
      queries: ['5m', '30m', '1h', '6h'].map((window) =>
        over(recorded(`gatehouse:decision_errors:ratio_rate${window}`), `{{site}} ${window}`),
      ),
      runbook: 'decision-budget',
    }),
  ],
};
