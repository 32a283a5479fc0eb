/** What waits, and who listens. */
import type { Row } from '../build/dashboard.js';
import { timeSeries } from '../build/kinds.js';
import { grown, ofProgram, over, sumBy } from '../build/queries.js';

export const queues: Row = {
  title: 'Queues and streams',
  panels: [
    timeSeries({
      title: 'Queues',
      description:
        'Acts and batches of events that wait for a transaction. They are bounded; steadily above zero means that the store cannot keep up.',
      unit: 'short',
      width: 12,
      min: 0,
      queries: [
        over(sumBy('instance', ofProgram('gatehouse_pending_operations')), 'acts'),
        over(sumBy('instance', ofProgram('gatehouse_pending_batches')), 'batches of events'),
      ],
    }),
    timeSeries({
      title: 'Event streams',
      description: 'Readers that follow what happens, and those that were cut off because they were too slow.',
      unit: 'short',
      width: 12,
      min: 0,
      queries: [
        over(sumBy('instance', ofProgram('gatehouse_streams_open')), 'open'),
        over(sumBy('instance', grown(ofProgram('gatehouse_streams_cut_total'))), 'cut'),
      ],
    }),
  ],
};
