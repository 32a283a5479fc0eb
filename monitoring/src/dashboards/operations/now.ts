/** What is so at this moment. */
import type { Row } from '../build/dashboard.js';
import { stat, stateTimeline } from '../build/kinds.js';
import { falling, plain, rising, wordFrom, words } from '../build/look.js';
import { atSite, daySeconds, hourSeconds, maxBy, over, sumBy } from '../build/queries.js';
import { firingAlerts } from '../common.js';

const inside = sumBy('site', atSite('gatehouse_vehicles_inside'));
const capacity = sumBy('site', atSite('gatehouse_capacity'));
const free = sumBy('site', atSite('gatehouse_free'));

export const present: Row = {
  title: 'Now',
  panels: [
    stat({
      title: 'Vehicles inside',
      description: 'Vehicles inside by passages: those that came in less those that went out.',
      unit: 'short',
      width: 4,
      queries: [over(inside, '{{site}}')],
      thresholds: plain(),
    }),
    stat({
      title: 'Occupancy',
      description:
        'Vehicles inside as a share of the capacity. Above 100 % there are more vehicles than the site takes.',
      unit: 'percentunit',
      width: 4,
      decimals: 0,
      min: 0,
      max: 1,
      queries: [over(`${inside} / (${capacity} > 0)`, '{{site}}')],
      thresholds: rising(0.85, 0.97),
    }),
    stat({
      title: 'Free places',
      description: 'Vehicles that would still be admitted: free slots, within the capacity.',
      unit: 'short',
      width: 4,
      queries: [over(free, '{{site}}')],
      thresholds: falling(10, 1),
    }),
    stat({
      title: 'Full in',
      description:
        'When the last free place will be taken if the site goes on filling as it did in the past hour. It says so when the site is not filling.',
      unit: 's',
      width: 4,
      decimals: 0,
      queries: [
        over(
          `clamp_max(${free} / clamp_min(- ${sumBy('site', `deriv(${atSite('gatehouse_free')}[1h])`)}, 1e-9), ${String(daySeconds)})`,
          '{{site}}',
        ),
      ],
      mappings: [
        wordFrom(daySeconds, { text: 'not within a day', colour: 'green' }),
        words({ 0: { text: 'full', colour: 'red' } }),
      ],
      thresholds: falling(2 * hourSeconds, hourSeconds / 2),
    }),
    stat({
      title: 'Reviews open',
      description: 'Cases that wait for a person to decide. The API lists them under /api/v1/sites/…/reviews.',
      unit: 'short',
      width: 4,
      queries: [over(sumBy('site', atSite('gatehouse_reviews_open')), '{{site}}')],
      thresholds: rising(1, 20),
      runbook: 'reviews',
    }),
    firingAlerts(4),
    stateTimeline({
      title: 'State of the site',
      description:
        'When each site was open, closed by its hours, or recovering: then its data was restored from a copy, and no free slot is given out until every entry edge has told what it holds.',
      unit: 'short',
      width: 24,
      height: 4,
      queries: [
        over(
          `clamp_max(${maxBy('site', atSite('gatehouse_site_open'))} + 2 * ${maxBy('site', atSite('gatehouse_site_recovering'))}, 2)`,
          '{{site}}',
        ),
      ],
      mappings: [
        words({
          0: { text: 'closed', colour: 'text' },
          1: { text: 'open', colour: 'green' },
          2: { text: 'recovering', colour: 'red' },
        }),
      ],
      runbook: 'site-recovering',
    }),
  ],
};
