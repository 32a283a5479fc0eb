/** Metrics of each site as it is at this moment, read at each scrape. */
import { reviewKindNames } from '@gatehouse/shared';
import { isSiteOpen, slotConditions } from '../domain/engine.js';
import type { SiteSummary, SlotCounts } from '../domain/engine.js';
import type { Families } from './metrics-family.js';
import { timestampSeconds } from './metrics-source.js';
import type { SeenSite } from './metrics-source.js';
import { labelTail, labelWithin, noTail } from './metrics-text.js';
import type { LabelHead, Put } from './metrics-text.js';

export function defineSites(families: Families): void {
  defineLedgers(families);
  defineTotals(families);
  defineSlots(families);
  defineReviews(families);
  defineAccessLists(families);
}

function defineLedgers(families: Families): void {
  const bySummary = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    defineBySite(families, name, help, ({ summary }) => read(summary));
  };
  bySummary('gatehouse_vehicles_inside', 'Vehicles inside, by passages.', (summary) => summary.vehiclesInside);
  bySummary('gatehouse_sessions_open', 'Vehicles inside, by identity.', (summary) => summary.sessionsOpen);
  bySummary(
    'gatehouse_sessions_uncertain',
    'Sessions believed to have ended with an exit that nobody could match.',
    (summary) => summary.sessionsUncertain,
  );
  bySummary('gatehouse_occupancy_drift', 'Vehicles counted minus sessions open.', (summary) => summary.drift);
  bySummary('gatehouse_capacity', 'Vehicles the site takes.', (summary) => summary.capacity);
  bySummary('gatehouse_free', 'Vehicles that would still be admitted.', (summary) => summary.free);
  bySummary('gatehouse_site_recovering', '1 while free slots stay back after a restore.', (summary) =>
    summary.recovering ? 1 : 0,
  );
  defineBySite(
    families,
    'gatehouse_site_open',
    '1 in the opening hours of the site, and always where it has none.',
    ({ state, sight }) => (isSiteOpen(state, sight.clock.wallMs()) ? 1 : 0),
  );
}

/** A gauge with one series a site; a site for which `read` answers null has none. */
function defineBySite(families: Families, name: string, help: string, read: (site: SeenSite) => number | null): void {
  families.define('site', {
    name,
    help,
    type: 'gauge',
    labelNames: ['site'],
    each(site, put) {
      const value = read(site);
      if (value !== null) put(site.head, noTail, value);
    },
  });
}

/** Totals that the store keeps: they go on after a restart. */
function defineTotals(families: Families): void {
  const total = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    families.define('site', {
      name,
      help,
      type: 'counter',
      labelNames: ['site'],
      each({ head, summary }, put) {
        put(head, noTail, read(summary));
      },
    });
  };
  total('gatehouse_vehicle_entries_total', 'Vehicles that came in; kept by the store.', (it) => it.entriesTotal);
  total('gatehouse_vehicle_exits_total', 'Vehicles that went out; kept by the store.', (it) => it.exitsTotal);
}

const stateNames = {
  free: 'free',
  reserved: 'reserved',
  occupied: 'occupied',
  held: 'held',
  outOfService: 'out_of_service',
} as const;

const slotStates = slotConditions.map((condition) => ({
  condition,
  tail: labelTail({ state: stateNames[condition] }),
}));

function putSlots(put: Put, head: LabelHead, counts: SlotCounts): void {
  for (const { condition, tail } of slotStates) put(head, tail, counts[condition]);
}

function defineSlots(families: Families): void {
  const type = 'gauge';
  families.define('site', {
    name: 'gatehouse_slots',
    help: 'Slots by state, each in one: out_of_service are those that would be free and are not given out.',
    type,
    labelNames: ['site', 'state'],
    each({ head, slots }, put) {
      putSlots(put, head, slots.all);
    },
  });
  families.define('site', {
    name: 'gatehouse_slots_by_zone',
    help: 'Slots by zone and state.',
    type,
    labelNames: ['site', 'zone', 'state'],
    each({ head, slots }, put) {
      for (const [zone, counts] of slots.zones) putSlots(put, labelWithin(head, 'zone', zone), counts);
    },
  });
  families.define('site', {
    name: 'gatehouse_slots_by_class',
    help: 'Slots by class and state, of the classes that the site has.',
    type,
    labelNames: ['site', 'slot_class', 'state'],
    each({ head, slots }, put) {
      for (const [slotClass, counts] of slots.classes)
        putSlots(put, labelWithin(head, 'slot_class', slotClass), counts);
    },
  });
}

function defineReviews(families: Families): void {
  const kinds = reviewKindNames.map((kind) => ({ kind, tail: labelTail({ kind }) }));
  families.define('site', {
    name: 'gatehouse_reviews_open',
    help: 'Reviews that wait for a person, by kind.',
    type: 'gauge',
    labelNames: ['site', 'kind'],
    each({ head, reviews }, put) {
      for (const { kind, tail } of kinds) put(head, tail, reviews.open.get(kind) ?? 0);
    },
  });
  defineBySite(
    families,
    'gatehouse_review_oldest_timestamp_seconds',
    'When the oldest review that waits was opened; absent when none waits.',
    ({ sight, reviews: { oldestAtMs } }) => (oldestAtMs === null ? null : timestampSeconds(sight, oldestAtMs)),
  );
}

function defineAccessLists(families: Families): void {
  const [listed, leftOut] = [labelTail({ state: 'listed' }), labelTail({ state: 'left_out' })];
  families.define('site', {
    name: 'gatehouse_access_list_entries',
    help: 'Vehicles that entries know while they are cut off: listed, or left out because the list has no room.',
    type: 'gauge',
    labelNames: ['site', 'state'],
    each({ siteId, head, sight }, put) {
      const status = sight.aggregator.accessListStatus(siteId);
      put(head, listed, status.entries);
      put(head, leftOut, status.leftOut);
    },
  });
}
