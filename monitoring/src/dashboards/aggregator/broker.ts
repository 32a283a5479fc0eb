/** The broker inside the aggregator. */
import type { Row } from '../build/dashboard.js';
import { timeSeries } from '../build/kinds.js';
import { ofProgram, over, rate, sumBy } from '../build/queries.js';

export const broker: Row = {
  title: 'Broker inside',
  panels: [
    timeSeries({
      title: 'Clients',
      description:
        'Clients of the broker inside, and connections that have not shown a credential yet. Without a broker inside there is nothing to show.',
      unit: 'short',
      width: 8,
      min: 0,
      noValue: 'the broker is outside',
      queries: [
        over(sumBy('instance', ofProgram('gatehouse_broker_clients')), 'clients'),
        over(sumBy('instance', ofProgram('gatehouse_broker_unauthenticated_connections')), 'without credential'),
      ],
    }),
    timeSeries({
      title: 'Messages',
      description: 'Messages from edges, and to edges and signs.',
      unit: 'mps',
      width: 8,
      min: 0,
      legend: ['mean', 'max'],
      noValue: 'the broker is outside',
      queries: [
        over(sumBy('instance', rate(ofProgram('gatehouse_broker_messages_received_total'))), 'received'),
        over(sumBy('instance', rate(ofProgram('gatehouse_broker_messages_sent_total'))), 'sent'),
      ],
    }),
    timeSeries({
      title: 'Connections made and refused',
      description: 'New connections, and what was refused: wrong credentials, foreign topics, too much of something.',
      unit: 'cps',
      width: 8,
      min: 0,
      legend: ['mean', 'max'],
      noValue: 'the broker is outside',
      queries: [
        over(sumBy('instance', rate(ofProgram('gatehouse_broker_connections_total'))), 'connections'),
        over(sumBy('reason', rate(ofProgram('gatehouse_broker_refused_total'))), 'refused {{reason}}'),
      ],
    }),
  ],
};
