/** What waits for a person: drift of the two ledgers, and reviews. */
import type { Row } from '../build/dashboard.js';
import { stat, timeSeries } from '../build/kinds.js';
import { nearZero, rising } from '../build/look.js';
import { atSite, daySeconds, grown, now, over, sumBy } from '../build/queries.js';

export const people: Row = {
  title: 'What waits for a person',
  panels: [
    timeSeries({
      title: 'Drift',
      description:
        'Vehicles counted less sessions open: the difference of the two ledgers. Near zero is right; a steady trend means that a sensor or a reader misses vehicles. Uncertain sessions belong to vehicles that may have left.',
      unit: 'short',
      width: 8,
      queries: [
        over(sumBy('site', atSite('gatehouse_occupancy_drift')), '{{site}} drift'),
        over(sumBy('site', atSite('gatehouse_sessions_uncertain')), '{{site}} uncertain sessions'),
      ],
      thresholds: nearZero(5, 10),
      runbook: 'occupancy-drift',
    }),
    timeSeries({
      title: 'Reviews open by kind',
      description: 'Cases that wait for a person, by what happened.',
      unit: 'short',
      width: 8,
      style: 'stacked',
      min: 0,
      legend: ['lastNotNull'],
      queries: [over(`${sumBy('kind', atSite('gatehouse_reviews_open'))} > 0`, '{{kind}}')],
      noValue: 'none is open',
      runbook: 'reviews',
    }),
    timeSeries({
      title: 'Reviews opened',
      description: 'New cases in each interval, by what happened.',
      unit: 'short',
      width: 5,
      style: 'bars',
      min: 0,
      decimals: 0,
      legend: ['sum'],
      queries: [over(`${sumBy('kind', grown(atSite('gatehouse_reviews_opened_total')))} > 0`, '{{kind}}')],
      noValue: 'none was opened',
    }),
    stat({
      title: 'Oldest review',
      description: 'How long the oldest open case has waited.',
      unit: 's',
      width: 3,
      height: 8,
      isBare: true,
      noValue: 'none is open',
      queries: [now(`time() - min by (site) (${atSite('gatehouse_review_oldest_timestamp_seconds')})`, '{{site}}')],
      thresholds: rising(daySeconds, 3 * daySeconds),
      runbook: 'reviews',
    }),
  ],
};
