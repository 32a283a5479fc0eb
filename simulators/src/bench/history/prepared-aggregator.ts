/** An aggregator of production over a store that was filled before it was started. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import sqlite3 from 'sqlite3';
import type { SlotClass } from '@gatehouse/shared';
import { System } from '../../processes/index.js';
import type { TidyUp } from '../../processes/index.js';
import type { BareEdgeOptions, Outbox } from './bare-edge.js';
import { eventsBehind, fillStore, historyEpoch, historyHash } from './fill-store.js';
import type { FilledSite, History } from './fill-store.js';

/** The most that can be set: what is measured must not be the bound on how often a key may ask. */
const requestsPerKeyPerMinute = 1_000_000;
const edgePassword = 'a5'.repeat(32);

export interface PreparedAggregator {
  readonly system: System;
  readonly sites: readonly FilledSite[];
  readonly history: History;
  /** Of the database, once it was filled. */
  readonly bytes: number;
  /** The longest PUT of a layout. */
  readonly putLayoutMs: number;
}

export interface Preparation {
  readonly sites: readonly PlannedSite[];
  readonly history: Omit<History, 'nowMs'>;
}

export interface PlannedSite {
  readonly slots: number;
  readonly inside: number;
  /** Of slots, by turns; default: one zone of standard ones. */
  readonly zones?: number;
  readonly slotClasses?: readonly SlotClass[];
}

/** Stopped, its store filled. */
export async function prepareAggregator(
  { sites: planned, history: told }: Preparation,
  tidyUp: TidyUp,
  say: (text: string) => void,
): Promise<PreparedAggregator> {
  const system = new System(1, { http: { rate: { requestsPerKeyPerMinute } } }).endWith(tidyUp);
  const sites = planned.map((site, index) => siteOf(index + 1, site));
  await system.startAggregator();
  const putMs: number[] = [];
  for (const [index, site] of sites.entries()) putMs.push(await createSite(system, site, planned[index]));
  await system.aggregator?.kill('SIGTERM');
  const history = { ...told, nowMs: Date.now() };
  const file = path.join(system.aggregatorDirectory, 'gatehouse.db');
  const { bytes } = await fillStore(file, sites, history, say);
  await enrolAll(file);
  return { system, sites, history, bytes, putLayoutMs: Math.max(...putMs) };
}

/** What each edge of a site is connected with: it goes on from where the history ends. */
export function edgesOf(
  { system, sites, history }: PreparedAggregator,
  site: FilledSite,
): Record<'entry' | 'exit', { options: BareEdgeOptions; outbox: Outbox }> {
  const edge = (edgeId: string, gateIds: readonly string[], direction: 'entry' | 'exit') => ({
    options: {
      port: system.mqttPort,
      siteId: site.siteId,
      edgeId,
      password: edgePassword,
      gates: gateIds.map((gateId) => ({ gateId, direction })),
    },
    outbox: { epoch: historyEpoch, next: eventsBehind(history, sites.length) + 1, hash: historyHash },
  });
  return {
    entry: edge(site.entryEdgeId, site.entryGateIds, 'entry'),
    exit: edge(site.exitEdgeId, site.exitGateIds, 'exit'),
  };
}

function siteOf(number: number, { slots, inside }: PlannedSite): FilledSite {
  const siteId = `site-${String(number)}`;
  return {
    siteId,
    slots,
    inside,
    entryEdgeId: `${siteId}-in`,
    exitEdgeId: `${siteId}-out`,
    entryGateIds: ['entry-1', 'entry-2'],
    exitGateIds: ['exit-1', 'exit-2'],
  };
}

/** Answers how many milliseconds the layout took. */
async function createSite(system: System, site: FilledSite, planned: PlannedSite | undefined): Promise<number> {
  const { siteId, entryEdgeId, exitEdgeId, entryGateIds, exitGateIds } = site;
  const zoneIds = Array.from({ length: planned?.zones ?? 1 }, (_, index) => `zone-${String(index + 1)}`);
  const slotClasses = planned?.slotClasses ?? ['standard'];
  const gate = (gateId: string, edgeId: string, direction: 'entry' | 'exit') => ({
    gateId,
    edgeId,
    direction,
    name: gateId,
    nearestZones: direction === 'entry' ? zoneIds : [],
  });
  const startedMs = performance.now();
  await system.api('PUT', `/api/v1/sites/${siteId}`, {
    siteId,
    name: siteId,
    zones: zoneIds.map((zoneId) => ({ zoneId, name: zoneId })),
    slots: Array.from({ length: site.slots }, (_, index) => ({
      slotId: `s${String(index + 1)}`,
      zoneId: zoneIds[index % zoneIds.length],
      label: String(index + 1),
      slotClass: slotClasses[Math.floor(index / zoneIds.length) % slotClasses.length],
    })),
    gates: [
      ...entryGateIds.map((gateId) => gate(gateId, entryEdgeId, 'entry')),
      ...exitGateIds.map((gateId) => gate(gateId, exitEdgeId, 'exit')),
    ],
  });
  const tookMs = performance.now() - startedMs;
  await system.registerEdge(siteId, entryEdgeId);
  await system.registerEdge(siteId, exitEdgeId);
  return tookMs;
}

/** As if each had redeemed its code. */
function enrolAll(file: string): Promise<void> {
  const digest = createHash('sha256').update(edgePassword).digest('hex');
  return new Promise((resolve, reject) => {
    const database = new sqlite3.Database(file, sqlite3.OPEN_READWRITE, (opening) => {
      if (opening !== null) {
        reject(opening);
        return;
      }
      database.run(`UPDATE edges SET secretHash = ?, enrolledAtMs = registeredAtMs`, [digest], (error) => {
        database.close(() => {
          if (error === null) resolve();
          else reject(error);
        });
      });
    });
  });
}
