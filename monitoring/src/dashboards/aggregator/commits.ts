/** Transactions of the store. */
import type { Row } from '../build/dashboard.js';
import { timeSeries } from '../build/kinds.js';
import { rising, wrongFrom } from '../build/look.js';
import { ofProgram, over, quantile, rate, sumBy } from '../build/queries.js';

const commitBuckets = ofProgram('gatehouse_commit_duration_seconds_bucket');

export const commits: Row = {
  title: 'Commits',
  panels: [
    timeSeries({
      title: 'Commits and rows',
      description: 'Transactions a second, and rows written by them. A busy aggregator commits fewer, larger groups.',
      unit: 'ops',
      width: 8,
      min: 0,
      legend: ['mean', 'max'],
      queries: [
        over(sumBy('instance', rate(ofProgram('gatehouse_commit_duration_seconds_count'))), 'commits'),
        over(sumBy('instance', rate(ofProgram('gatehouse_commit_rows_total'))), 'rows'),
      ],
    }),
    timeSeries({
      title: 'Commit time',
      description: 'From the first work of a transaction to the answer of the store: median and one in a hundred.',
      unit: 's',
      width: 8,
      min: 0,
      queries: [over(quantile(0.5, '', commitBuckets), 'median'), over(quantile(0.99, '', commitBuckets), '99 %')],
      thresholds: rising(0.1, 0.5),
    }),
    timeSeries({
      title: 'Commit failures',
      description:
        'Transactions that the store refused, by its code. Nothing is lost by one: what was not committed was not acknowledged.',
      unit: 'cps',
      width: 8,
      min: 0,
      legend: ['max'],
      queries: [over(sumBy('code', rate(ofProgram('gatehouse_commit_failures_total'))), 'failed {{code}}')],
      thresholds: wrongFrom(0.000001),
      runbook: 'commit-failures',
    }),
  ],
};
