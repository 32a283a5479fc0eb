/** Metrics of each site as it is at this moment, read at each scrape. */
import { reviewKindNames } from '@gatehouse/shared';
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import { isSiteOpen, openReviews, slotBreakdownOf, slotConditions } from '../domain/engine.js';
import type { SiteSummary, SlotCounts } from '../domain/engine.js';
import { timestampSeconds } from './metrics-source.js';
import type { SeenSite, Source } from './metrics-source.js';

/** Registers them. */
export function defineSites(registry: Registry, source: Source): void {
  defineLedgers(registry, source);
  defineTotals(registry, source);
  defineSlots(registry, source);
  defineReviews(registry, source);
  defineAccessLists(registry, source);
}

function defineLedgers(registry: Registry, source: Source): void {
  const bySummary = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    defineBySite(registry, source, name, help, ({ summary }) => read(summary));
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
    registry,
    source,
    'gatehouse_site_open',
    '1 in the opening hours of the site, and always where it has none.',
    ({ state }) => (isSiteOpen(state, source()?.clock.wallMs() ?? 0) ? 1 : 0),
  );
}

/** A gauge with one series a site; a site for which `read` answers null has none. */
function defineBySite(
  registry: Registry,
  source: Source,
  name: string,
  help: string,
  read: (site: SeenSite) => number | null,
): void {
  new Gauge({
    name,
    help,
    labelNames: ['site'],
    registers: [registry],
    collect() {
      this.reset();
      for (const site of source()?.sites ?? []) {
        const value = read(site);
        if (value !== null) this.set({ site: site.siteId }, value);
      }
    },
  });
}

/** Totals that the store keeps: they go on after a restart. */
function defineTotals(registry: Registry, source: Source): void {
  const total = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    new Counter({
      name,
      help,
      labelNames: ['site'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { siteId, summary } of source()?.sites ?? []) this.inc({ site: siteId }, read(summary));
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

/** Slots are looked at once a scrape, when the first of the three is collected. */
function defineSlots(registry: Registry, source: Source): void {
  const registers = [registry];
  const setAll = (gauge: Gauge, labels: Record<string, string>, counts: SlotCounts): void => {
    for (const condition of slotConditions) gauge.set({ ...labels, state: stateNames[condition] }, counts[condition]);
  };
  const slots = new Gauge<string>({
    name: 'gatehouse_slots',
    help: 'Slots by state, each in one: out_of_service are those that would be free and are not given out.',
    labelNames: ['site', 'state'],
    registers,
    collect() {
      for (const gauge of [slots, byZone, byClass]) gauge.reset();
      for (const { siteId: site, state } of source()?.sites ?? []) {
        const { all, zones, classes } = slotBreakdownOf(state);
        setAll(slots, { site }, all);
        for (const [zone, counts] of zones) setAll(byZone, { site, zone }, counts);
        for (const [slotClass, counts] of classes) setAll(byClass, { site, slot_class: slotClass }, counts);
      }
    },
  });
  const byZone = new Gauge<string>({
    name: 'gatehouse_slots_by_zone',
    help: 'Slots by zone and state.',
    labelNames: ['site', 'zone', 'state'],
    registers,
  });
  const byClass = new Gauge<string>({
    name: 'gatehouse_slots_by_class',
    help: 'Slots by class and state, of the classes that the site has.',
    labelNames: ['site', 'slot_class', 'state'],
    registers,
  });
}

function defineReviews(registry: Registry, source: Source): void {
  new Gauge({
    name: 'gatehouse_reviews_open',
    help: 'Reviews that wait for a person, by kind.',
    labelNames: ['site', 'kind'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { siteId: site, state } of source()?.sites ?? []) {
        for (const kind of reviewKindNames) this.set({ site, kind }, 0);
        for (const { kind } of openReviews(state)) this.inc({ site, kind });
      }
    },
  });
  defineBySite(
    registry,
    source,
    'gatehouse_review_oldest_timestamp_seconds',
    'When the oldest review that waits was opened; absent when none waits.',
    ({ state }) => {
      let oldestMs = Infinity;
      for (const { openedAtMs } of openReviews(state)) oldestMs = Math.min(oldestMs, openedAtMs);
      const clocks = source();
      return clocks === undefined || !Number.isFinite(oldestMs) ? null : timestampSeconds(clocks, oldestMs);
    },
  );
}

function defineAccessLists(registry: Registry, source: Source): void {
  new Gauge({
    name: 'gatehouse_access_list_entries',
    help: 'Vehicles that entries know while they are cut off: listed, or left out because the list has no room.',
    labelNames: ['site', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { siteId: site } of source()?.sites ?? []) {
        const status = source()?.aggregator.accessListStatus(site);
        this.set({ site, state: 'listed' }, status?.entries ?? 0);
        this.set({ site, state: 'left_out' }, status?.leftOut ?? 0);
      }
    },
  });
}
