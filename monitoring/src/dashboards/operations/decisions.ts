/** Who is let in and by whom, and what edges may give out alone. */
import type { Row } from '../build/dashboard.js';
import { stat, timeSeries } from '../build/kinds.js';
import { series, wrongFrom } from '../build/look.js';
import { anHour, atSite, grown, grownInRange, now, over, sumBy } from '../build/queries.js';

export const decisions: Row = {
  title: 'Decisions and allowance',
  panels: [
    timeSeries({
      title: 'Denials by reason',
      description: 'Vehicles turned away in each interval, by the aggregator and by edges that were cut off.',
      unit: 'short',
      width: 8,
      style: 'bars',
      min: 0,
      decimals: 0,
      legend: ['sum'],
      queries: [over(`${sumBy('reason', grown(atSite('gatehouse_denials_total')))} > 0`, '{{reason}}')],
      noValue: 'nobody was turned away',
    }),
    timeSeries({
      title: 'Who decides',
      description:
        'Decisions an hour by the aggregator, and by edges alone because the aggregator did not answer in time.',
      unit: 'short',
      width: 8,
      style: 'stacked',
      min: 0,
      legend: ['mean', 'max'],
      queries: [over(anHour('by', atSite('gatehouse_decisions_total')), 'by the {{by}}')],
      overrides: series({
        'by the aggregator': { text: 'by the aggregator', colour: 'green' },
        'by the edge': { text: 'by the edge', colour: 'orange' },
      }),
      runbook: 'decision-budget',
    }),
    timeSeries({
      title: 'Allowance',
      description:
        'Slots set aside for edges. In the set: to give out while cut off. Withdrawn: called back and not yet returned. Frozen: an operator has to release them.',
      unit: 'short',
      width: 8,
      style: 'stacked',
      min: 0,
      legend: ['lastNotNull'],
      runbook: 'allowance-used-up',
      queries: [
        over(sumBy('site, edge, state', atSite('gatehouse_edge_allowance_slots')), '{{site}} {{edge}} {{state}}'),
      ],
    }),
    stat({
      title: 'Admitted by edges alone',
      description:
        'Vehicles that edges let in by themselves in the time shown, into slots that were set aside for them.',
      unit: 'short',
      width: 6,
      decimals: 0,
      isBare: true,
      queries: [now(sumBy('site', grownInRange(atSite('gatehouse_allowance_admissions_total'))), '{{site}}')],
      noValue: 'none',
    }),
    stat({
      title: 'Turned away',
      description: 'Vehicles turned away in the time shown, for whatever reason.',
      unit: 'short',
      width: 6,
      decimals: 0,
      isBare: true,
      queries: [now(sumBy('site', grownInRange(atSite('gatehouse_denials_total'))), '{{site}}')],
    }),
    stat({
      title: 'Left out of access lists',
      description:
        'Blocked and permitted vehicles that entries do not know while they are cut off, for want of room in their lists.',
      unit: 'short',
      width: 6,
      isBare: true,
      queries: [now(sumBy('site', atSite('gatehouse_access_list_entries', 'state="left_out"')), '{{site}}')],
      thresholds: wrongFrom(1, 'orange'),
    }),
    stat({
      title: 'Events lost',
      description:
        'Events that edges had no room for or lost with their storage, in the time shown. Zero is the promise.',
      unit: 'short',
      width: 6,
      decimals: 0,
      isBare: true,
      queries: [now(sumBy('site', grownInRange(atSite('gatehouse_lost_events_total'))), '{{site}}')],
      thresholds: wrongFrom(1),
      runbook: 'events-lost',
    }),
  ],
};
