/** Where metrics of what is so at this moment are read from, at each scrape. */
import type { Clock, LayoutGate } from '@gatehouse/shared';
import type { Aggregator, EdgeStatusView } from '../app/aggregator.js';
import { gatesOf } from '../domain/engine.js';
import type { SiteState } from '../domain/engine.js';

export interface MetricsClocks {
  /** The time of records: what `At` and opening hours go by. */
  readonly clock: Clock;
  /** The machine's, also when `clock` is scaled; the link's monotonic time is its. */
  readonly systemClock: Clock;
}

export interface MetricsSource extends MetricsClocks {
  readonly aggregator: Aggregator;
}

/** Answers undefined until there is something to read. */
export type Source = () => MetricsSource | undefined;

export interface SeenSite {
  readonly siteId: string;
  readonly state: SiteState;
}

export function sitesOf(source: Source): SeenSite[] {
  const aggregator = source()?.aggregator;
  return (aggregator?.siteIds() ?? []).flatMap((siteId) => {
    const state = aggregator?.site(siteId);
    return state === undefined ? [] : [{ siteId, state }];
  });
}

export interface SeenEdge {
  readonly labels: { readonly site: string; readonly edge: string };
  readonly isRevoked: boolean;
  readonly status: EdgeStatusView;
  /** Its gates by the present layout. */
  readonly gates: readonly LayoutGate[];
}

/** Edges that are registered, those that were revoked too. */
export function edgesOf(source: Source): SeenEdge[] {
  const aggregator = source()?.aggregator;
  const seen: SeenEdge[] = [];
  for (const { edgeId, siteId, revokedAtMs } of aggregator?.directory.edges() ?? []) {
    const status = aggregator?.edgeStatus(edgeId);
    const site = aggregator?.site(siteId);
    if (status === undefined) continue;
    const gates = site === undefined ? [] : gatesOf(site, edgeId);
    seen.push({ labels: { site: siteId, edge: edgeId }, isRevoked: revokedAtMs !== null, status, gates });
  }
  return seen;
}

/** A moment of the time of records as seconds of real time: as long ago as it is by the records. */
export function timestampSeconds({ clock, systemClock }: MetricsClocks, atMs: number): number {
  return (clock === systemClock ? atMs : systemClock.wallMs() - (clock.wallMs() - atMs)) / 1000;
}
