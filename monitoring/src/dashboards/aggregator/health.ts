/** Is everything there? */
import type { Row } from '../build/dashboard.js';
import { stat } from '../build/kinds.js';
import { falling, plain } from '../build/look.js';
import { atSite, daySeconds, maxBy, now, ofProgram, over } from '../build/queries.js';
import { firingAlerts, upOrDown } from '../common.js';

import { ofAggregator } from './series.js';

export const health: Row = {
  title: 'Health',
  panels: [
    stat({
      title: 'Ready',
      description: 'Whether the program can do its work: the store takes changes and the broker is there.',
      unit: 'short',
      width: 3,
      isBare: true,
      queries: [now(ofProgram('gatehouse_ready'), '{{instance}}')],
      mappings: [upOrDown],
      runbook: 'aggregator-down',
    }),
    stat({
      title: 'Store',
      description:
        'Whether the store takes changes. While it does not, edges go on alone and keep what they have to tell.',
      unit: 'short',
      width: 3,
      isBare: true,
      queries: [now(ofProgram('gatehouse_store_up'), '{{instance}}')],
      mappings: [upOrDown],
      runbook: 'commit-failures',
    }),
    stat({
      title: 'Broker',
      description: 'Whether the broker is there, inside the program or outside.',
      unit: 'short',
      width: 3,
      isBare: true,
      queries: [now(ofProgram('gatehouse_broker_up'), '{{instance}}')],
      mappings: [upOrDown],
      runbook: 'aggregator-down',
    }),
    stat({
      title: 'Edges connected',
      description: 'Edges that are connected now, of those that are registered.',
      unit: 'short',
      width: 3,
      queries: [
        over(`sum(${atSite('gatehouse_edge_up')})`, 'connected'),
        over(`count(${atSite('gatehouse_edge_up')})`, 'registered'),
      ],
      runbook: 'edge-offline',
    }),
    stat({
      title: 'Running for',
      description: 'Time since the program started.',
      unit: 's',
      width: 3,
      isBare: true,
      queries: [now(`time() - ${ofAggregator('process_start_time_seconds')}`, '{{instance}}')],
      thresholds: plain(),
    }),
    stat({
      title: 'Version',
      description: 'The version of the program.',
      unit: 'short',
      width: 3,
      isBare: true,
      queries: [now(ofProgram('gatehouse_build_info'), '{{version}}')],
      thresholds: plain(),
    }),
    stat({
      title: 'Certificate lasts for',
      description: 'Until the first certificate of a listener expires. Without TLS there is none.',
      unit: 's',
      width: 3,
      isBare: true,
      noValue: 'no TLS',
      queries: [
        now(
          `${maxBy('listener', ofProgram('gatehouse_certificate_expiry_timestamp_seconds'))} - time()`,
          '{{listener}}',
        ),
      ],
      thresholds: falling(21 * daySeconds, 7 * daySeconds),
      runbook: 'certificate-expiry',
    }),
    firingAlerts(3),
  ],
};
