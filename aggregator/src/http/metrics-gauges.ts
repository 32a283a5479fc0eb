/** Metrics of what is so at this moment, read from the aggregator at each scrape. */
import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Aggregator } from '../app/aggregator.js';
import { gateStanding, summaryOf } from '../domain/engine.js';
import type { SiteSummary } from '../domain/engine.js';

type Source = () => Aggregator | undefined;

/** Registers them; nothing is told while `source` has none. */
export function defineGauges(registry: Registry, source: Source): void {
  const bySite = (name: string, help: string, read: (summary: SiteSummary) => number): void => {
    new Gauge({
      name,
      help,
      labelNames: ['site'],
      registers: [registry],
      collect() {
        this.reset();
        forEachSite(source, (site, summary) => {
          this.set({ site }, read(summary));
        });
      },
    });
  };
  bySite('gatehouse_vehicles_inside', 'Vehicles inside, by passages.', (summary) => summary.vehiclesInside);
  bySite('gatehouse_sessions_open', 'Vehicles inside, by identity.', (summary) => summary.sessionsOpen);
  bySite(
    'gatehouse_sessions_uncertain',
    'Sessions believed to have ended with an exit that nobody could match.',
    (summary) => summary.sessionsUncertain,
  );
  bySite('gatehouse_occupancy_drift', 'Vehicles counted minus sessions open.', (summary) => summary.drift);
  bySite('gatehouse_capacity', 'Vehicles the site takes.', (summary) => summary.capacity);
  bySite('gatehouse_free', 'Vehicles that would still be admitted.', (summary) => summary.free);
  bySite('gatehouse_reviews_open', 'Reviews that wait for a person.', (summary) => summary.reviewsOpen);
  bySite('gatehouse_site_recovering', '1 while free slots stay back after a restore.', (summary) =>
    summary.recovering ? 1 : 0,
  );
  defineAccessLists(registry, source);
  defineTotals(registry, source);
  defineSlots(registry, source);
  defineEdges(registry, source);
  defineHealth(registry, source);
}

function defineAccessLists(registry: Registry, source: Source): void {
  new Gauge({
    name: 'gatehouse_access_list_entries',
    help: 'Vehicles that entries know while they are cut off: listed, or left out because the list has no room.',
    labelNames: ['site', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const site of source()?.siteIds() ?? []) {
        const status = source()?.accessListStatus(site);
        this.set({ site, state: 'listed' }, status?.entries ?? 0);
        this.set({ site, state: 'left_out' }, status?.leftOut ?? 0);
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
        forEachSite(source, (site, summary) => {
          this.inc({ site }, read(summary));
        });
      },
    });
  };
  total('gatehouse_vehicle_entries_total', 'Vehicles that came in.', (summary) => summary.entriesTotal);
  total('gatehouse_vehicle_exits_total', 'Vehicles that went out.', (summary) => summary.exitsTotal);
}

function defineSlots(registry: Registry, source: Source): void {
  new Gauge({
    name: 'gatehouse_slots',
    help: 'Slots by state.',
    labelNames: ['site', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      forEachSite(source, (site, { slots }) => {
        this.set({ site, state: 'free' }, slots.free);
        this.set({ site, state: 'reserved' }, slots.reserved);
        this.set({ site, state: 'occupied' }, slots.occupied);
        this.set({ site, state: 'held' }, slots.held);
        this.set({ site, state: 'out_of_service' }, slots.outOfService);
      });
    },
  });
}

function defineEdges(registry: Registry, source: Source): void {
  const registers = [registry];
  const labelNames = ['site', 'edge'];
  const perEdge = (
    name: string,
    help: string,
    read: (status: ReturnType<Aggregator['edgeStatus']>) => number | null,
  ): void => {
    new Gauge({
      name,
      help,
      labelNames,
      registers,
      collect() {
        this.reset();
        for (const edge of source()?.directory.edges() ?? []) {
          if (edge.revokedAtMs !== null) continue;
          const value = read(source()?.edgeStatus(edge.edgeId));
          if (value !== null) this.set({ site: edge.siteId, edge: edge.edgeId }, value);
        }
      },
    });
  };
  perEdge('gatehouse_edge_up', '1 while the edge is connected.', (status) => (status?.presence === 'online' ? 1 : 0));
  perEdge(
    'gatehouse_edge_outbox_events',
    'Events that the edge has committed and the aggregator has not.',
    (status) => status?.backlogEvents ?? null,
  );
  perEdge('gatehouse_edge_outbox_bytes', 'Size of the outbox of the edge.', (status) => status?.outboxBytes ?? null);
  perEdge('gatehouse_edge_clock_offset_seconds', 'The clock of the edge minus ours.', (status) =>
    status?.clockOffsetMs == null ? null : status.clockOffsetMs / 1000,
  );
  perEdge('gatehouse_edge_conflict', '1 while the history of the edge cannot be continued.', (status) =>
    status?.conflict == null ? 0 : 1,
  );
  new Gauge({
    name: 'gatehouse_edge_allowance_slots',
    help: 'Slots set aside for the edge: in its set, taken out of it and not yet returned, or frozen until an operator releases them.',
    labelNames: [...labelNames, 'state'],
    registers,
    collect() {
      this.reset();
      for (const edge of source()?.directory.edges() ?? []) {
        const allowance = source()?.edgeStatus(edge.edgeId)?.allowance;
        if (allowance == null || (edge.revokedAtMs !== null && allowance.held === 0)) continue;
        const { held, inSet, frozen } = allowance;
        const labels = { site: edge.siteId, edge: edge.edgeId };
        this.set({ ...labels, state: 'in_set' }, inSet);
        this.set({ ...labels, state: 'withdrawn' }, held - inSet - frozen);
        this.set({ ...labels, state: 'frozen' }, frozen);
      }
    },
  });
  new Gauge({
    name: 'gatehouse_gate_faults',
    help: '1 while a fault of the catalogue is raised; gate is empty for a fault of the whole edge.',
    labelNames: ['site', 'edge', 'gate', 'fault'],
    registers,
    collect() {
      this.reset();
      for (const edge of source()?.directory.edges() ?? []) {
        const state = source()?.edgeStatus(edge.edgeId)?.lastState;
        if (state == null || edge.revokedAtMs !== null) continue;
        const labels = { site: edge.siteId, edge: edge.edgeId };
        for (const fault of state.faults) this.set({ ...labels, gate: '', fault }, 1);
        const site = source()?.site(edge.siteId);
        for (const gate of state.gates) {
          if (site !== undefined && gateStanding(site, edge.edgeId, gate.gateId) === 'retired') continue;
          for (const fault of gate.faults) this.set({ ...labels, gate: gate.gateId, fault }, 1);
        }
      }
    },
  });
}

function defineHealth(registry: Registry, source: Source): void {
  const gauge = (name: string, help: string, read: (aggregator: Aggregator) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const aggregator = source();
        this.set(aggregator === undefined ? 0 : read(aggregator));
      },
    });
  };
  gauge('gatehouse_ready', '1 while the program can do its work.', (it) => (it.health().ready ? 1 : 0));
  gauge('gatehouse_store_up', '1 while the store takes changes.', (it) => (it.health().storeOk ? 1 : 0));
  gauge('gatehouse_broker_up', '1 while the broker is there.', (it) => (it.health().linkOk ? 1 : 0));
  gauge('gatehouse_pending_operations', 'Acts that wait to be committed.', (it) => it.health().pendingOperations);
  gauge('gatehouse_pending_batches', 'Event batches that wait.', (it) => it.health().pendingBatches);
  gauge('gatehouse_vehicles_registered', 'Vehicles in the register.', (it) => it.directory.vehicleCount);
}

function forEachSite(source: Source, visit: (siteId: string, summary: SiteSummary) => void): void {
  const aggregator = source();
  for (const siteId of aggregator?.siteIds() ?? []) {
    const state = aggregator?.site(siteId);
    if (state !== undefined) visit(siteId, summaryOf(state));
  }
}
