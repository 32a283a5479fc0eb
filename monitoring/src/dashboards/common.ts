/** Panels that are on more than one dashboard, and what panels say alike. */
import { words, wrongFrom } from './build/look.js';
import type { Word } from './build/look.js';
import { stat } from './build/kinds.js';
import type { Unplaced } from './build/panel.js';
import { maxBy, over } from './build/queries.js';

/** States of slots: free ones are green wherever they are shown. */
export const slotStates: Readonly<Record<string, Word>> = {
  free: { text: 'free', colour: 'green' },
  reserved: { text: 'reserved', colour: 'yellow' },
  occupied: { text: 'occupied', colour: 'blue' },
  held: { text: 'set aside for edges', colour: 'purple' },
  out_of_service: { text: 'out of service', colour: 'text' },
};

export const upOrDown = words({ 1: { text: 'up', colour: 'green' }, 0: { text: 'down', colour: 'red' } });

export const raised = words({ 0: { text: 'clear', colour: 'green' }, 1: { text: 'raised', colour: 'red' } });

/** Faults that were raised at any moment of the time shown. */
export function faultsOf(series: string): string {
  const keys = 'site, edge, gate, fault';
  return `${maxBy(keys, series)} and on (${keys}) (${maxBy(keys, `max_over_time(${series}[$__range])`)} > 0)`;
}

/** How many alerts are firing now. */
export function firingAlerts(width: number): Unplaced {
  return stat({
    title: 'Alerts firing',
    description:
      'Alerts that are firing now. Which they are is marked on the graphs; what to do about each is in the runbook.',
    unit: 'short',
    width,
    queries: [over('count(ALERTS{alertstate="firing", alertname=~"Gatehouse.+"}) or vector(0)', 'alerts')],
    thresholds: wrongFrom(1),
  });
}
