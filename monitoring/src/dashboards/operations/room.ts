/** Slots and free places, now, over time and ahead. */
import type { Row } from '../build/dashboard.js';
import { barGauge, donut, timeSeries } from '../build/kinds.js';
import { rising, series } from '../build/look.js';
import { atSite, hourSeconds, now, over, recorded, sumBy } from '../build/queries.js';
import { slotStates } from '../common.js';

const slots = atSite('gatehouse_slots');
const free = sumBy('site', atSite('gatehouse_free'));

/** Of the slots in service, the share that is taken: by zone, by class. */
function takenShare(metric: string, label: string): string {
  const inService = atSite(metric, 'state!="out_of_service"');
  const taken = atSite(metric, 'state!~"free|out_of_service"');
  return `${sumBy(`site, ${label}`, taken)} / (${sumBy(`site, ${label}`, inService)} > 0)`;
}

export const room: Row = {
  title: 'Room',
  panels: [
    barGauge({
      title: 'Slot occupancy',
      description:
        'Slots by state. Reserved: a vehicle has been admitted and is on its way. Set aside: an edge may give it out by itself while it is cut off.',
      unit: 'short',
      width: 8,
      min: 0,
      queries: [now(sumBy('state', slots), '{{state}}')],
      overrides: series(slotStates),
    }),
    donut({
      title: 'Free against occupied',
      description: 'Which part of the slots in service is free now. Reserved and set aside ones count as taken.',
      unit: 'short',
      width: 6,
      queries: [
        now(`sum(${atSite('gatehouse_slots', 'state="free"')})`, 'free'),
        now(`sum(${atSite('gatehouse_slots', 'state=~"occupied|reserved|held"')})`, 'taken'),
      ],
      overrides: series({ free: { text: 'free', colour: 'green' }, taken: { text: 'taken', colour: 'blue' } }),
    }),
    timeSeries({
      title: 'Free against occupied over time',
      description: 'Slots by state, one on top of the other: the height is the number of slots.',
      unit: 'short',
      width: 10,
      style: 'stacked',
      min: 0,
      queries: [over(sumBy('state', slots), '{{state}}')],
      overrides: series(slotStates),
    }),
    barGauge({
      title: 'Occupancy by zone',
      description: 'Share of the slots of each zone in service that is taken: occupied, reserved or set aside.',
      unit: 'percentunit',
      width: 6,
      decimals: 0,
      min: 0,
      max: 1,
      queries: [now(takenShare('gatehouse_slots_by_zone', 'zone'), '{{site}} {{zone}}')],
      thresholds: rising(0.85, 0.97),
    }),
    barGauge({
      title: 'Occupancy by class',
      description: 'The same by what slots are made for. A class can be full while the site has room.',
      unit: 'percentunit',
      width: 6,
      decimals: 0,
      min: 0,
      max: 1,
      queries: [now(takenShare('gatehouse_slots_by_class', 'slot_class'), '{{site}} {{slot_class}}')],
      thresholds: rising(0.85, 0.97),
      runbook: 'slot-class-full',
    }),
    timeSeries({
      title: 'Forecast to full',
      description:
        'Free places, and how many there would be in one and in four hours if the trend went on. Where a forecast reaches zero, the site will be full by then.',
      unit: 'short',
      width: 12,
      min: 0,
      queries: [
        over(free, '{{site}} now'),
        over(
          `clamp_min(${sumBy('site', `predict_linear(${atSite('gatehouse_free')}[1h], ${String(hourSeconds)})`)}, 0)`,
          '{{site}} in 1 h',
        ),
        over(`clamp_min(${recorded('gatehouse:full:predicted_4h')}, 0)`, '{{site}} in 4 h'),
      ],
      runbook: 'site-full',
    }),
  ],
};
