/** Who comes and goes, and how long they stay. */
import type { Row } from '../build/dashboard.js';
import { barGauge, heatmap, stat, timeSeries } from '../build/kinds.js';
import { bucket } from '../build/look.js';
import { anHour, atSite, buckets, grown, grownInRange, now, over, recorded, sumBy } from '../build/queries.js';

const stays = atSite('gatehouse_session_duration_seconds_bucket');
const entries = atSite('gatehouse_vehicle_entries_total');
const exits = atSite('gatehouse_vehicle_exits_total');

/** A quantile of the stays that ended within an hour. */
function stayOfLastHour(share: number): string {
  return `histogram_quantile(${String(share)}, ${sumBy('le', `increase(${stays}[1h])`)})`;
}

/** Upper ends of the buckets of `gatehouse_session_duration_seconds`, and what people call them. */
const stayLengths: Readonly<Record<string, string>> = {
  300: 'to 5 minutes',
  900: '5 to 15 minutes',
  1800: '15 to 30 minutes',
  3600: '30 to 60 minutes',
  7200: '1 to 2 hours',
  14400: '2 to 4 hours',
  28800: '4 to 8 hours',
  43200: '8 to 12 hours',
  86400: '12 to 24 hours',
  172800: '1 to 2 days',
  604800: '2 to 7 days',
  2592000: '7 to 30 days',
  '+Inf': 'longer',
};

export const traffic: Row = {
  title: 'Traffic',
  panels: [
    stat({
      title: 'Total entries and exits',
      description: 'Vehicles that came in and went out in the time shown, and since the site was set up.',
      unit: 'short',
      width: 6,
      height: 8,
      decimals: 0,
      isBare: true,
      queries: [
        now(`sum(${grownInRange(entries)})`, 'entries'),
        now(`sum(${grownInRange(exits)})`, 'exits'),
        now(`sum(${entries})`, 'entries ever'),
        now(`sum(${exits})`, 'exits ever'),
      ],
    }),
    timeSeries({
      title: 'Entry and exit rates',
      description: 'Vehicles an hour that come in and go out.',
      unit: 'short',
      width: 9,
      min: 0,
      legend: ['mean', 'max'],
      queries: [
        over(anHour('site', entries), '{{site}} entries an hour'),
        over(anHour('site', exits), '{{site}} exits an hour'),
      ],
    }),
    timeSeries({
      title: 'Passages by gate',
      description:
        'Vehicles an hour through each gate, in each direction; those that tailgated or drove through an open gate count too. A lane without passages among busy ones is worth a look.',
      unit: 'short',
      width: 9,
      min: 0,
      legend: ['mean', 'max'],
      queries: [
        over(
          anHour('site, gate, direction', atSite('gatehouse_gate_passages_total')),
          '{{site}} {{gate}} {{direction}}',
        ),
      ],
      runbook: 'lane-silent',
    }),
    barGauge({
      title: 'Parking duration distribution',
      description: 'How long vehicles stayed whose session ended in the time shown.',
      unit: 'short',
      width: 8,
      decimals: 0,
      min: 0,
      noValue: 'no session has ended yet',
      queries: [buckets(sumBy('le', grownInRange(stays)), 'instant')],
      overrides: Object.entries(stayLengths).map(([le, displayName]) => bucket(le, { displayName })),
    }),
    timeSeries({
      title: 'Parking trends over time',
      description:
        'Stays that ended in the hour before each moment: half were shorter than the median, nine in ten shorter than the upper line. The median of the day is steadier.',
      unit: 's',
      width: 8,
      min: 0,
      noValue: 'no session has ended yet',
      queries: [
        over(stayOfLastHour(0.5), 'median of the hour'),
        over(stayOfLastHour(0.9), 'nine in ten of the hour'),
        over(recorded('gatehouse:session_duration_seconds:p50_1d'), '{{site}} median of the day'),
        over(recorded('gatehouse:session_duration_seconds:p90_1d'), '{{site}} nine in ten of the day'),
      ],
    }),
    heatmap({
      title: 'Stays over time',
      description: 'How long vehicles had stayed that went out at each moment. Dark means many.',
      unit: 's',
      width: 8,
      noValue: 'no session has ended yet',
      queries: [buckets(sumBy('le', grown(stays)))],
    }),
  ],
};
