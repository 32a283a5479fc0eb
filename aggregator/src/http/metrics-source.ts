/** What metrics of this moment are read from: looked at once a scrape, by all of them. */
import type { Clock, LayoutGate } from '@gatehouse/shared';
import type { Aggregator, EdgeStatusView } from '../app/aggregator.js';
import { gatesOf, summaryOf } from '../domain/engine.js';
import type { SiteState, SiteSummary } from '../domain/engine.js';

export interface MetricsClocks {
  /** The time of records: what opening hours go by. */
  readonly clock: Clock;
  /** The machine's, also when `clock` is scaled; the link's monotonic time is its. */
  readonly systemClock: Clock;
}

export interface Sight extends MetricsClocks {
  readonly aggregator: Aggregator;
  readonly sites: readonly SeenSite[];
  /** Those that are registered; of the revoked ones only what is still set aside for them is told. */
  readonly edges: readonly SeenEdge[];
}

/** What was seen last; undefined until there is something to look at. */
export type Source = () => Sight | undefined;

export interface SeenSite {
  readonly siteId: string;
  readonly state: SiteState;
  readonly summary: SiteSummary;
}

export interface SeenEdge {
  readonly labels: { readonly site: string; readonly edge: string };
  readonly isRevoked: boolean;
  readonly status: EdgeStatusView;
  /** Its gates by the present layout. */
  readonly gates: readonly LayoutGate[];
}

export function lookAt(aggregator: Aggregator, clocks: MetricsClocks): Sight {
  const sites = aggregator.siteIds().flatMap((siteId) => {
    const state = aggregator.site(siteId);
    return state === undefined ? [] : [{ siteId, state, summary: summaryOf(state) }];
  });
  return { aggregator, ...clocks, sites, edges: edgesOf(aggregator, sites) };
}

function edgesOf(aggregator: Aggregator, sites: readonly SeenSite[]): SeenEdge[] {
  const gatesByEdge = new Map<string, LayoutGate[]>();
  for (const { siteId, state } of sites) {
    for (const gate of gatesOf(state)) {
      const key = `${siteId}/${gate.edgeId}`;
      const gates = gatesByEdge.get(key);
      if (gates === undefined) gatesByEdge.set(key, [gate]);
      else gates.push(gate);
    }
  }
  return [...aggregator.directory.edges()].flatMap(({ edgeId, siteId, revokedAtMs }) => {
    const status = aggregator.edgeStatus(edgeId);
    if (status === undefined) return [];
    const gates = gatesByEdge.get(`${siteId}/${edgeId}`) ?? [];
    return [{ labels: { site: siteId, edge: edgeId }, isRevoked: revokedAtMs !== null, status, gates }];
  });
}

/** A moment of the time of records as seconds of real time: as long ago as it is by the records. */
export function timestampSeconds({ clock, systemClock }: MetricsClocks, atMs: number): number {
  return (clock === systemClock ? atMs : systemClock.wallMs() - (clock.wallMs() - atMs)) / 1000;
}
