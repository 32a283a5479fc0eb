/** What happens, counted as it happens. Begins at 0 with each start of the program. */
import { denialReasons, edgeEventKinds, logLineLevels, reviewKindNames } from '@gatehouse/shared';
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import { dropReasons, eventResults } from '../app/observer.js';
import type { AggregatorObserver } from '../app/observer.js';
import { storeErrorCodes } from '../app/ports.js';
import { sessionBases } from '../domain/rows.js';
import type { Families } from './metrics-family.js';
import { defineSiteHistogram } from './metrics-histogram.js';
import type { SeenSite } from './metrics-source.js';
import { defineEdgeTally, defineReasons, defineSiteTally } from './metrics-tally.js';
import type { Words } from './metrics-tally.js';

const decisionSecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5];
const stayMinutesBuckets = [5, 15, 30, 60, 120, 240, 480, 720, 1_440, 2_880, 10_080, 43_200];
const decisionOutcomes = ['admit', 'own', 'deny'] as const;
/** Of what could not be reported for lack of a site that is known. */
const noSite = 'unknown';

/** Registers what counts. */
export function defineObserver(registry: Registry, families: Families): AggregatorObserver {
  return {
    ...defineCommits(registry),
    ...defineIngest(registry, families),
    ...defineAnswers(families),
    ...definePassages(families),
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
  const onCommitFailed = defineReasons(registry, {
    name: 'gatehouse_commit_failures_total',
    help: 'Commits and reloads that the store refused, by its code.',
    label: 'code',
    words: storeErrorCodes,
  });
  return {
    onCommit: (durationMs, count) => {
      commits.observe(durationMs / 1000);
      rows.inc(count);
    },
    onCommitFailed,
  };
}

function defineIngest(
  registry: Registry,
  families: Families,
): Pick<AggregatorObserver, 'onEvent' | 'onEventsLost' | 'onQuarantine' | 'onDropped' | 'onLogLines'> {
  const events = defineSiteTally(families, {
    name: 'gatehouse_events_total',
    help: 'Events from edges, by kind and by what became of them.',
    labelNames: ['kind', 'result'],
    series: eventFates(),
  });
  const lost = defineEdgeTally(families, {
    name: 'gatehouse_lost_events_total',
    help: 'Events that an edge could not keep, and those in gaps that will never come.',
    labelNames: [],
    series: [[]],
  });
  const quarantined = defineSiteTally(families, {
    name: 'gatehouse_quarantined_events_total',
    help: 'What was reported and could not be applied.',
    labelNames: [],
    series: [[]],
    stray: noSite,
  });
  const onDropped = defineReasons(registry, {
    name: 'gatehouse_dropped_messages_total',
    help: 'Messages that were not taken, by reason; edges send their events again.',
    label: 'reason',
    words: dropReasons,
  });
  const logLines = defineEdgeTally(families, {
    name: 'gatehouse_edge_log_lines_total',
    help: 'Log lines that edges told, by severity: those of an edge that nobody asks and that is well are not told.',
    labelNames: ['level'],
    series: logLineLevels.map((level) => [level]),
  });
  return {
    onEvent: (siteId, kind, result, count) => {
      events(siteId, [kind, result], count);
    },
    onEventsLost: (siteId, edgeId, count) => {
      lost(siteId, edgeId, [], count);
    },
    onQuarantine: (siteId) => {
      quarantined(siteId ?? noSite, []);
    },
    onDropped,
    onLogLines: (siteId, edgeId, level, lines) => {
      logLines(siteId, edgeId, [level], lines);
    },
  };
}

/** Every kind, and what can become of it: only what nobody knows is of an unknown kind, and is never applied. */
function eventFates(): Words[] {
  const known = eventResults.filter((result) => result !== 'unknown-kind');
  const unknown = eventResults.filter((result) => result !== 'applied' && result !== 'resent-applied');
  return [
    ...edgeEventKinds.flatMap((kind) => known.map((result) => [kind, result])),
    ...unknown.map((result) => ['unknown', result]),
  ];
}

function defineAnswers(
  families: Families,
): Pick<AggregatorObserver, 'onDecision' | 'onAnswered' | 'onDenied' | 'onAllowanceAdmission'> {
  const durations = defineSiteHistogram(families, {
    name: 'gatehouse_decision_duration_seconds',
    help: 'Time from the receipt of an arrival to the publication of its decision.',
    label: 'outcome',
    words: decisionOutcomes,
    bounds: decisionSecondsBuckets,
  });
  const decisions = defineSiteTally(families, {
    name: 'gatehouse_decisions_total',
    help: 'Arrivals that were answered: by a decision of the aggregator, or by an edge that did not wait for one. An answer that came too late counts with both. What operators and locked lanes answer counts with neither.',
    labelNames: ['by'],
    series: [['aggregator'], ['edge']],
  });
  const denials = defineSiteTally(families, {
    name: 'gatehouse_denials_total',
    help: 'Vehicles that were turned away, by the aggregator or by an edge alone, by reason.',
    labelNames: ['reason'],
    series: denialReasons.map((reason) => [reason]),
  });
  const fromAllowance = defineEdgeTally(families, {
    name: 'gatehouse_allowance_admissions_total',
    help: 'Vehicles that an edge let in by itself, into slots that were set aside for it.',
    labelNames: [],
    series: [[]],
  });
  return {
    onDecision: (siteId, durationMs, outcome) => {
      durations(siteId, outcome, durationMs / 1000);
    },
    onAnswered: (siteId, by) => {
      decisions(siteId, [by]);
    },
    onDenied: (siteId, reason) => {
      denials(siteId, [reason]);
    },
    onAllowanceAdmission: (siteId, edgeId) => {
      fromAllowance(siteId, edgeId, []);
    },
  };
}

function definePassages(
  families: Families,
): Pick<AggregatorObserver, 'onPassage' | 'onReviewOpened' | 'onSessionClosed'> {
  const passages = defineSiteTally(families, {
    name: 'gatehouse_gate_passages_total',
    help: 'Vehicles that went through a gate, invited or not. A direction that is not the gate’s own appears when somebody went the wrong way.',
    labelNames: ['gate', 'direction'],
    series: servedDirections,
    stays: ({ gates }, [gateId]) => gates.some((gate) => gate.gateId === gateId),
  });
  const reviews = defineSiteTally(families, {
    name: 'gatehouse_reviews_opened_total',
    help: 'Reviews that were opened, by kind.',
    labelNames: ['kind'],
    series: reviewKindNames.map((kind) => [kind]),
  });
  const stays = defineSiteHistogram(families, {
    name: 'gatehouse_session_duration_seconds',
    help: 'Length of sessions that have ended, by how the end is known.',
    label: 'basis',
    words: sessionBases,
    bounds: stayMinutesBuckets.map((minutes) => minutes * 60),
  });
  return {
    onPassage: (siteId, gateId, direction) => {
      passages(siteId, [gateId, direction]);
    },
    onReviewOpened: (siteId, kind) => {
      reviews(siteId, [kind]);
    },
    onSessionClosed: (siteId, durationMs, basis) => {
      stays(siteId, basis, durationMs / 1000);
    },
  };
}

function servedDirections({ gates }: SeenSite): Words[] {
  return gates.flatMap(({ gateId, direction }) =>
    (direction === 'both' ? ['entry', 'exit'] : [direction]).map((way) => [gateId, way]),
  );
}
