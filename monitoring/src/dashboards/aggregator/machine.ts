/** What the aggregator takes of its machine. */
import type { Row } from '../build/dashboard.js';
import { timeSeries } from '../build/kinds.js';
import { named, rising } from '../build/look.js';
import { maxBy, ofProgram, over, rate, sumBy } from '../build/queries.js';

import { ofAggregator } from './series.js';

export const machine: Row = {
  title: 'Disk and process',
  panels: [
    timeSeries({
      title: 'Disk',
      description:
        'Room on the volume that holds the data, and the size of the store with its log. A full disk stops commits; edges then keep what they have to tell.',
      unit: 'bytes',
      width: 8,
      min: 0,
      queries: [
        over(maxBy('instance', ofProgram('gatehouse_data_volume_free_bytes')), 'free'),
        over(maxBy('instance', ofProgram('gatehouse_data_volume_size_bytes')), 'size'),
        over(maxBy('instance', ofProgram('gatehouse_store_bytes')), 'store'),
      ],
      runbook: 'disk-filling',
    }),
    timeSeries({
      title: 'Processor',
      description: 'Share of one core that the program uses.',
      unit: 'percentunit',
      width: 8,
      min: 0,
      legend: ['mean', 'max'],
      queries: [over(rate(ofAggregator('process_cpu_seconds_total')), '{{instance}}')],
      thresholds: rising(0.7, 0.9),
    }),
    timeSeries({
      title: 'Memory',
      description: 'Memory of the process, and the part that JavaScript uses.',
      unit: 'bytes',
      width: 8,
      min: 0,
      queries: [
        over(ofAggregator('process_resident_memory_bytes'), 'process {{instance}}'),
        over(ofAggregator('nodejs_heap_size_used_bytes'), 'JavaScript {{instance}}'),
      ],
    }),
    timeSeries({
      title: 'Event loop',
      description: 'How late the program gets to what is due. Above a tenth of a second, everything waits.',
      unit: 's',
      width: 8,
      min: 0,
      queries: [
        over(ofAggregator('nodejs_eventloop_lag_p50_seconds'), 'median'),
        over(ofAggregator('nodejs_eventloop_lag_p99_seconds'), '99 %'),
      ],
      thresholds: rising(0.1, 0.5),
    }),
    timeSeries({
      title: 'Garbage collection',
      description: 'Share of the time that is spent on collecting garbage, by kind.',
      unit: 'percentunit',
      width: 8,
      min: 0,
      legend: ['mean', 'max'],
      queries: [over(sumBy('kind', rate(ofAggregator('nodejs_gc_duration_seconds_sum'))), '{{kind}}')],
    }),
    timeSeries({
      title: 'Open files',
      description: 'Files and sockets that are open, and how many the system allows.',
      unit: 'short',
      width: 8,
      min: 0,
      queries: [over(ofAggregator('process_open_fds'), 'open'), over(ofAggregator('process_max_fds'), 'allowed')],
      overrides: [named('allowed', { 'custom.hideFrom': { legend: false, tooltip: false, viz: true } })],
    }),
  ],
};
