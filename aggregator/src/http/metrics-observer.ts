/** What happens, counted as it happens. Begins at 0 with each start of the program. */
import { denialReasons, edgeEventKinds, logLineLevels, reviewKindNames } from '@gatehouse/shared';
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { dropReasons, eventResults } from '../app/observer.js';
import type { AggregatorObserver } from '../app/observer.js';
import { storeErrorCodes } from '../app/ports.js';
import { gatesOf } from '../domain/engine.js';
import { sessionBases } from '../domain/rows.js';
import type { SeenSite, Source } from './metrics-source.js';
import { defineTally } from './metrics-tally.js';
import type { Labels, TallyDefinition } from './metrics-tally.js';

const decisionSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5];
const stayMinutesBuckets = [5, 15, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 10_080, 43_200];
const decisionOutcomes = ['admit', 'own', 'deny'] as const;
/** Of what could not be reported for lack of a site that is known. */
const noSite = 'unknown';

/** Registers the counters; `source` tells which series there are before anything was counted. */
export function defineObserver(registry: Registry, source: Source): AggregatorObserver {
  return {
    ...defineCommits(registry),
    ...defineIngest(registry, source),
    ...defineAnswers(registry, source),
    ...definePassages(registry, source),
    onEdgePresence: () => undefined,
  };
}

function defineCommits(registry: Registry): Pick<AggregatorObserver, 'onCommit' | 'onCommitFailed'> {
  const registers = [registry];
  const commits = new Histogram({
    name: 'gatehouse_commit_duration_seconds',
    help: 'Time from the first work of a commit to the answer of the store.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    registers,
  });
  const rows = new Counter({
    name: 'gatehouse_commit_rows_total',
    help: 'Rows inserted, replaced and deleted.',
    registers,
  });
  const failures = defineTally(registry, {
    name: 'gatehouse_commit_failures_total',
    help: 'Commits and reloads that the store refused, by its code.',
    labelNames: ['code'],
    series: () => storeErrorCodes.map((code) => ({ code })),
    stays: () => true,
  });
  return {
    onCommit: (durationMs, count) => {
      commits.observe(durationMs / 1000);
      rows.inc(count);
    },
    onCommitFailed: (code) => {
      failures({ code });
    },
  };
}

function defineIngest(
  registry: Registry,
  source: Source,
): Pick<AggregatorObserver, 'onEvent' | 'onEventsLost' | 'onQuarantine' | 'onDropped' | 'onLogLines'> {
  const events = defineTally(registry, {
    name: 'gatehouse_events_total',
    help: 'Events from edges, by kind and by what became of them.',
    labelNames: ['site', 'kind', 'result'],
    series: eachSite(source, eventFates()),
  });
  const lost = defineTally(registry, {
    name: 'gatehouse_lost_events_total',
    help: 'Events that an edge could not keep, and those in gaps that will never come.',
    labelNames: ['site', 'edge'],
    series: eachEdge(source),
  });
  const quarantined = defineTally(registry, {
    name: 'gatehouse_quarantined_events_total',
    help: 'What was reported and could not be applied.',
    labelNames: ['site'],
    series: eachSite(source, [{}]),
    stays: ({ site }) => site === noSite,
  });
  const dropped = defineTally(registry, {
    name: 'gatehouse_dropped_messages_total',
    help: 'Messages that were not taken, by reason; edges send their events again.',
    labelNames: ['reason'],
    series: () => dropReasons.map((reason) => ({ reason })),
  });
  const logLines = defineTally(registry, {
    name: 'gatehouse_edge_log_lines_total',
    help: 'Log lines that edges told, by severity: those of an edge that nobody asks and that is well are not told.',
    labelNames: ['site', 'edge', 'level'],
    series: () =>
      source()?.edges.flatMap(({ labels, isRevoked }) =>
        isRevoked ? [] : logLineLevels.map((level) => ({ ...labels, level })),
      ) ?? null,
  });
  return {
    onEvent: (site, kind, result, count) => {
      events({ site, kind, result }, count);
    },
    onEventsLost: (site, edge, count) => {
      lost({ site, edge }, count);
    },
    onQuarantine: (site) => {
      quarantined({ site: site ?? noSite });
    },
    onDropped: (reason) => {
      dropped({ reason });
    },
    onLogLines: (site, edge, level, lines) => {
      logLines({ site, edge, level }, lines);
    },
  };
}

/** Every kind, and what can become of it: only what nobody knows is of an unknown kind, and is never applied. */
function eventFates(): Labels[] {
  const known = eventResults.filter((result) => result !== 'unknown-kind');
  const unknown = eventResults.filter((result) => result !== 'applied' && result !== 'resent-applied');
  return [
    ...edgeEventKinds.flatMap((kind) => known.map((result) => ({ kind, result }))),
    ...unknown.map((result) => ({ kind: 'unknown', result })),
  ];
}

function defineAnswers(
  registry: Registry,
  source: Source,
): Pick<AggregatorObserver, 'onDecision' | 'onAnswered' | 'onDenied' | 'onAllowanceAdmission'> {
  const durations = defineHistogram(registry, source, {
    name: 'gatehouse_decision_duration_seconds',
    help: 'Time from the receipt of an arrival to the publication of its decision.',
    label: 'outcome',
    values: decisionOutcomes,
    buckets: decisionSecondsBuckets,
  });
  const decisions = defineTally(registry, {
    name: 'gatehouse_decisions_total',
    help: 'Arrivals that were answered: by a decision of the aggregator, or by an edge that did not wait for one. An answer that came too late counts with both. What operators and locked lanes answer counts with neither.',
    labelNames: ['site', 'by'],
    series: eachSite(source, [{ by: 'aggregator' }, { by: 'edge' }]),
  });
  const denials = defineTally(registry, {
    name: 'gatehouse_denials_total',
    help: 'Vehicles that were turned away, by the aggregator or by an edge alone, by reason.',
    labelNames: ['site', 'reason'],
    series: eachSite(
      source,
      denialReasons.map((reason) => ({ reason })),
    ),
  });
  const fromAllowance = defineTally(registry, {
    name: 'gatehouse_allowance_admissions_total',
    help: 'Vehicles that an edge let in by itself, into slots that were set aside for it.',
    labelNames: ['site', 'edge'],
    series: eachEdge(source),
  });
  return {
    onDecision: (site, durationMs, outcome) => {
      durations({ site, outcome }, durationMs / 1000);
    },
    onAnswered: (site, by) => {
      decisions({ site, by });
    },
    onDenied: (site, reason) => {
      denials({ site, reason });
    },
    onAllowanceAdmission: (site, edge) => {
      fromAllowance({ site, edge });
    },
  };
}

function definePassages(
  registry: Registry,
  source: Source,
): Pick<AggregatorObserver, 'onPassage' | 'onReviewOpened' | 'onSessionClosed'> {
  const passages = defineTally(registry, {
    name: 'gatehouse_gate_passages_total',
    help: 'Vehicles that went through a gate, invited or not. A direction that is not the gate’s own appears when somebody went the wrong way.',
    labelNames: ['site', 'gate', 'direction'],
    series: () => source()?.sites.flatMap(servedDirections) ?? null,
    stays: ({ site = '', gate = '' }) => isAtGate(source, site, gate),
  });
  const reviews = defineTally(registry, {
    name: 'gatehouse_reviews_opened_total',
    help: 'Reviews that were opened, by kind.',
    labelNames: ['site', 'kind'],
    series: eachSite(
      source,
      reviewKindNames.map((kind) => ({ kind })),
    ),
  });
  const stays = defineHistogram(registry, source, {
    name: 'gatehouse_session_duration_seconds',
    help: 'Length of sessions that have ended, by how the end is known.',
    label: 'basis',
    values: sessionBases,
    buckets: stayMinutesBuckets.map((minutes) => minutes * 60),
  });
  return {
    onPassage: (site, gate, direction) => {
      passages({ site, gate, direction });
    },
    onReviewOpened: (site, kind) => {
      reviews({ site, kind });
    },
    onSessionClosed: (site, durationMs, basis) => {
      stays({ site, basis }, durationMs / 1000);
    },
  };
}

function servedDirections({ siteId: site, state }: SeenSite): Labels[] {
  return gatesOf(state).flatMap(({ gateId: gate, direction }) =>
    (direction === 'both' ? ['entry', 'exit'] : [direction]).map((way) => ({ site, gate, direction: way })),
  );
}

function isAtGate(source: Source, siteId: string, gateId: string): boolean {
  const site = source()?.sites.find((seen) => seen.siteId === siteId);
  return site !== undefined && gatesOf(site.state).some((gate) => gate.gateId === gateId);
}

/** For each site one series of each of these. */
function eachSite(source: Source, rest: readonly Labels[]): TallyDefinition['series'] {
  return () => source()?.sites.flatMap(({ siteId }) => rest.map((labels) => ({ site: siteId, ...labels }))) ?? null;
}

/** One for each edge that is not revoked. */
function eachEdge(source: Source): TallyDefinition['series'] {
  return () => source()?.edges.flatMap(({ labels, isRevoked }) => (isRevoked ? [] : [labels])) ?? null;
}

interface HistogramDefinition {
  readonly name: string;
  readonly help: string;
  /** Besides the site. */
  readonly label: string;
  readonly values: readonly string[];
  readonly buckets: number[];
}

/** A histogram by site and one other label that shows all its series from the start. */
function defineHistogram(
  registry: Registry,
  source: Source,
  { name, help, label, values, buckets }: HistogramDefinition,
): (labels: Labels, seconds: number) => void {
  const begun = new Set<string>();
  const begin = (site: string): void => {
    if (begun.has(site)) return;
    begun.add(site);
    for (const value of values) histogram.zero({ site, [label]: value });
  };
  const histogram = new Histogram({
    name,
    help,
    labelNames: ['site', label],
    buckets,
    registers: [registry],
    collect() {
      for (const { siteId } of source()?.sites ?? []) begin(siteId);
    },
  });
  return (labels, seconds) => {
    begin(labels.site ?? '');
    histogram.observe(labels, seconds);
  };
}
