/** As much of an aggregator as metrics look at, with as many sites and edges as is wanted. */
import { createVirtualClock, siteLayoutSchema } from '@gatehouse/shared';
import type { Aggregator, EdgeStatusView } from '../../src/app/aggregator.js';
import type { EdgeRow } from '../../src/app/ports.js';
import { decide, evolve, newSite } from '../../src/domain/engine.js';
import type { SiteState } from '../../src/domain/engine.js';
import type { MetricsClocks } from '../../src/http/metrics-source.js';
import { edgeRow } from '../app/support.js';

export interface MadeUp {
  readonly aggregator: Aggregator;
  readonly clocks: MetricsClocks;
  readonly sites: Map<string, SiteState>;
  readonly edges: Map<string, EdgeRow>;
  /** How often somebody began to look at all of it. */
  looks(): number;
  /** The next look fails with this. */
  failNext(error: Error): void;
}

/** Each edge has an entry and an exit. */
export function madeUpAggregator(size: { readonly sites: number; readonly edgesPerSite: number }): MadeUp {
  const sites = new Map<string, SiteState>();
  const edges = new Map<string, EdgeRow>();
  for (let site = 1; site <= size.sites; site += 1) {
    const siteId = `site-${String(site)}`;
    const edgeIds = Array.from({ length: size.edgesPerSite }, (_, index) => `${siteId}-edge-${String(index + 1)}`);
    sites.set(siteId, siteWith(siteId, edgeIds));
    for (const edgeId of edgeIds) edges.set(edgeId, { ...edgeRow(edgeId), siteId });
  }
  let looks = 0;
  let failure: Error | null = null;
  const health = () => {
    looks += 1;
    const error = failure;
    failure = null;
    if (error !== null) throw error;
    return { ready: true, storeOk: true, linkOk: true, pendingOperations: 0, pendingBatches: 0 };
  };
  const aggregator = {
    siteIds: () => [...sites.keys()],
    site: (siteId: string) => sites.get(siteId),
    edgeStatus: (edgeId: string) => ({ ...status, edgeId, siteId: edges.get(edgeId)?.siteId }),
    accessListStatus: () => ({ entries: 0, leftOut: 0 }),
    directory: { edges: () => edges.values(), edge: (edgeId: string) => edges.get(edgeId), vehicleCount: 0 },
    health,
  };
  const clock = createVirtualClock({ wallMs: 0, monoMs: 0 });
  return {
    aggregator: aggregator as unknown as Aggregator,
    clocks: { clock, systemClock: clock },
    sites,
    edges,
    looks: () => looks,
    failNext(error) {
      failure = error;
    },
  };
}

const status: Omit<EdgeStatusView, 'edgeId' | 'siteId'> = {
  presence: 'online',
  instance: null,
  lastState: null,
  lastStateAtMs: 0,
  lastSeenAtMs: 0,
  lastSeenMonoMs: 0,
  clockOffsetMs: 0,
  clockOff: false,
  epoch: null,
  upTo: 0,
  backlogEvents: 0,
  outboxBytes: 0,
  conflict: null,
  allowance: { version: 0, settled: true, mustReport: false, held: 0, inSet: 0, frozen: 0 },
};

function siteWith(siteId: string, edgeIds: readonly string[]): SiteState {
  const layout = siteLayoutSchema.parse({
    siteId,
    name: siteId,
    zones: [{ zoneId: 'zone', name: 'Zone' }],
    slots: [],
    gates: edgeIds.flatMap((edgeId) =>
      (['entry', 'exit'] as const).map((direction) => {
        const gateId = `${edgeId}-${direction}`;
        return { gateId, edgeId, name: gateId, direction };
      }),
    ),
  });
  const state = newSite(siteId);
  const context = { nowMs: 0, newId: () => '0'.repeat(32), decisionTtlMs: 1 };
  for (const fact of decide(state, { type: 'put-layout', layout, by: 'nobody', reason: '' }, context)) {
    evolve(state, fact);
  }
  return state;
}
