/** The API. */
import type { Row } from '../build/dashboard.js';
import { timeSeries } from '../build/kinds.js';
import { wrongFrom } from '../build/look.js';
import { ofProgram, over, quantile, rate, sumBy } from '../build/queries.js';

/** Streams last for as long as somebody listens. */
const requestBuckets = ofProgram('gatehouse_http_request_duration_seconds_bucket', 'route!="/api/v1/stream"');
const requestCount = ofProgram('gatehouse_http_request_duration_seconds_count');

export const http: Row = {
  title: 'HTTP',
  panels: [
    timeSeries({
      title: 'Requests by status',
      description: 'Requests a second by the status of the answer. 5xx is ours to mend, 4xx the caller’s.',
      unit: 'reqps',
      width: 8,
      style: 'stacked',
      min: 0,
      legend: ['mean', 'max'],
      queries: [over(sumBy('status', rate(requestCount)), '{{status}}')],
    }),
    timeSeries({
      title: 'Request time',
      description: 'From a request to the end of its answer, event streams aside: median and one in a hundred.',
      unit: 's',
      width: 8,
      min: 0,
      queries: [over(quantile(0.5, '', requestBuckets), 'median'), over(quantile(0.99, '', requestBuckets), '99 %')],
    }),
    timeSeries({
      title: 'Slowest routes',
      description: 'The five routes with the longest request times, one in a hundred.',
      unit: 's',
      width: 8,
      min: 0,
      legend: ['max'],
      queries: [over(`topk(5, ${quantile(0.99, 'method, route', requestBuckets)})`, '{{method}} {{route}}')],
    }),
    timeSeries({
      title: 'Connections refused',
      description: 'Connections to the API that were ended because there were too many, of all or of one address.',
      unit: 'cps',
      width: 24,
      height: 5,
      min: 0,
      legend: ['max'],
      queries: [
        over(sumBy('reason', rate(ofProgram('gatehouse_http_connections_refused_total'))), 'refused {{reason}}'),
      ],
      thresholds: wrongFrom(0.000001, 'orange'),
    }),
  ],
};
