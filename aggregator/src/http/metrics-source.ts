/** What metrics of this moment are read from: each site and each edge is looked at once a scrape, by all of them. */
import type { Clock, LayoutGate } from '@gatehouse/shared';
import type { Aggregator, AggregatorHealth, EdgeStatusView } from '../app/aggregator.js';
import { gatesOf, openReviews, slotBreakdownOf, summaryOf } from '../domain/engine.js';
import type { SiteState, SiteSummary, SlotBreakdown } from '../domain/engine.js';
import { labelHead, labelWithin } from './metrics-text.js';
import type { LabelHead } from './metrics-text.js';

export interface MetricsClocks {
  /** The time of records: what opening hours go by. */
  readonly clock: Clock;
  /** The machine's, also when `clock` is scaled; the link's monotonic time is its. */
  readonly systemClock: Clock;
}

/** Begun at a scrape. */
export interface Sight extends MetricsClocks {
  readonly aggregator: Aggregator;
  readonly health: AggregatorHealth;
}

/** What was seen last; undefined until there is something to look at. */
export type Source = () => Sight | undefined;

export interface SeenSite {
  readonly siteId: string;
  readonly head: LabelHead;
  readonly sight: Sight;
  readonly state: SiteState;
  readonly summary: SiteSummary;
  readonly slots: SlotBreakdown;
  readonly gates: readonly LayoutGate[];
  /** By kind; and when the oldest was opened, null when none is. */
  readonly reviews: { readonly open: ReadonlyMap<string, number>; readonly oldestAtMs: number | null };
}

/** One that is registered; of a revoked one only what is still set aside for it is told. */
export interface SeenEdge {
  readonly siteId: string;
  readonly edgeId: string;
  readonly head: LabelHead;
  readonly sight: Sight;
  readonly isRevoked: boolean;
  readonly status: EdgeStatusView;
  /** Its gates by the present layout. */
  readonly gates: readonly SeenGate[];
}

export interface SeenGate {
  readonly head: LabelHead;
  /** By its edge. */
  readonly reported: ReportedGate | undefined;
}

type ReportedGate = NonNullable<EdgeStatusView['lastState']>['gates'][number];

export function beginSight(aggregator: Aggregator, clocks: MetricsClocks): Sight {
  return { aggregator, health: aggregator.health(), ...clocks };
}

/**
 * Every site and every edge, those of a site after it. Each is looked at when it is asked for, and is one moment's by itself; what is
 * gone by then is left out.
 */
export function* lookAround(sight: Sight): Generator<readonly ['site', SeenSite] | readonly ['edge', SeenEdge]> {
  const { aggregator } = sight;
  const edgesBySite = groupBy(aggregator.directory.edges(), ({ siteId }) => siteId);
  for (const siteId of new Set([...aggregator.siteIds(), ...edgesBySite.keys()])) {
    const site = siteOf(sight, siteId);
    if (site !== undefined) yield ['site', site];
    const gates = groupBy(site?.gates ?? [], ({ edgeId }) => edgeId);
    for (const { edgeId } of edgesBySite.get(siteId) ?? []) {
      const seen = edgeOf(sight, edgeId, gates.get(edgeId) ?? []);
      if (seen !== undefined) yield ['edge', seen];
    }
  }
}

function siteOf(sight: Sight, siteId: string): SeenSite | undefined {
  const state = sight.aggregator.site(siteId);
  if (state === undefined) return undefined;
  const open = new Map<string, number>();
  let oldestAtMs: number | null = null;
  for (const { kind, openedAtMs } of openReviews(state)) {
    open.set(kind, (open.get(kind) ?? 0) + 1);
    oldestAtMs = Math.min(oldestAtMs ?? openedAtMs, openedAtMs);
  }
  return {
    siteId,
    head: labelHead({ site: siteId }),
    sight,
    state,
    summary: summaryOf(state),
    slots: slotBreakdownOf(state),
    gates: gatesOf(state),
    reviews: { open, oldestAtMs },
  };
}

function edgeOf(sight: Sight, edgeId: string, gates: readonly LayoutGate[]): SeenEdge | undefined {
  const row = sight.aggregator.directory.edge(edgeId);
  const status = sight.aggregator.edgeStatus(edgeId);
  if (row === undefined || status === undefined) return undefined;
  const { siteId } = row;
  const head = labelHead({ site: siteId, edge: edgeId });
  const reported = new Map(status.lastState?.gates.map((gate) => [gate.gateId, gate]));
  return {
    siteId,
    edgeId,
    head,
    sight,
    isRevoked: row.revokedAtMs !== null,
    status,
    gates: gates.map(({ gateId }) => ({ head: labelWithin(head, 'gate', gateId), reported: reported.get(gateId) })),
  };
}

function groupBy<T>(all: Iterable<T>, keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) entryOf(groups, keyOf(one), (): T[] => []).push(one);
  return groups;
}

/** The entry of a map, made when it is not there. */
export function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}

/** A moment of the time of records as seconds of real time: as long ago as it is by the records. */
export function timestampSeconds({ clock, systemClock }: MetricsClocks, atMs: number): number {
  return (clock === systemClock ? atMs : systemClock.wallMs() - (clock.wallMs() - atMs)) / 1000;
}
