/** One turn: what work may do to memory, and the rows, notices and decisions that come of it. */
import type { Random, Sha256 } from '@gatehouse/shared';
import { decide, decisionsOf, evolve, newSite, noticesOf, takeChanges } from '../../domain/engine.js';
import type { DecisionToSend, SiteFact, SiteState } from '../../domain/engine.js';
import { Refusal } from '../../domain/refusal.js';
import { createEventFates } from '../ingest/event-fates.js';
import type { EventFates } from '../ingest/event-fates.js';
import type { Turn } from '../committer.js';
import type { ChangeSet, NoticeRow } from '../ports.js';
import { nextAuditRow } from './audit-chain.js';
import { createChangeCollector } from './change-collector.js';
import type { Memory } from './memory.js';
import { createIds } from './new-id.js';

/** What a turn leaves behind. */
export interface TurnOutcome {
  readonly changes: ChangeSet;
  readonly notices: readonly NoticeRow[];
  readonly decisions: readonly DecisionToSend[];
  /** Of each input that changed something, in order. */
  readonly facts: readonly { readonly siteId: string; readonly facts: readonly SiteFact[] }[];
  readonly touchedSites: ReadonlySet<string>;
  /** What became of events. */
  readonly fates: EventFates;
  /** To be called in order once the changes are stored. */
  readonly afterCommit: readonly (() => void)[];
  /** To be called in order after all of these. */
  readonly whenAnswered: readonly (() => void)[];
}

export interface OpenTurn extends Turn {
  /** Rises with everything that changes memory or adds to the commit. No getter: one that is made anew with each turn keeps it alive. */
  changeCount(): number;
  /** What became of events, told once the turn is stored and edges have been answered. */
  readonly fates: EventFates;
  /** Edges whose batches of this turn will be acknowledged, and of which instance and epoch these are. */
  readonly acknowledged: Map<string, { readonly instance: string; readonly epoch: string }>;
  findSite(siteId: string): SiteState | undefined;
  /** For what is only counted: called after everything that was to be done after the commit, in order; must not throw. */
  whenAnswered(action: () => void): void;
  finish(): TurnOutcome;
}

export interface TurnPorts {
  readonly random: Random;
  readonly sha256: Sha256;
  readonly decisionTtlMs: number;
}

export function openTurn(memory: Memory, ports: TurnPorts, nowMs: number): OpenTurn {
  const collector = createChangeCollector();
  const touchedSites = new Set<string>();
  const notices: NoticeRow[] = [];
  const decisions: DecisionToSend[] = [];
  const allFacts: { siteId: string; facts: readonly SiteFact[] }[] = [];
  const afterCommit: (() => void)[] = [];
  const whenAnswered: (() => void)[] = [];
  const fates = createEventFates();
  let changeCount = 0;
  const drawId = createIds(ports.random, nowMs);
  const context = { nowMs, newId: drawId, decisionTtlMs: ports.decisionTtlMs };

  const turn: OpenTurn = {
    nowMs,
    newId: drawId,
    directory: memory.directory,
    findSite: (siteId) => memory.sites.get(siteId),
    site(siteId) {
      const site = memory.sites.get(siteId);
      if (site === undefined) throw new Refusal('site-unknown', `There is no site "${siteId}".`, 'siteId');
      return site;
    },
    apply(siteId, input) {
      const known = memory.sites.get(siteId);
      const site = known ?? (input.type === 'put-layout' ? newSite(siteId) : turn.site(siteId));
      const facts = decide(site, input, context);
      if (facts.length === 0) return facts;
      changeCount += 1;
      memory.sites.set(siteId, site);
      touchedSites.add(siteId);
      for (const fact of facts) evolve(site, fact);
      for (const notice of noticesOf(site, facts, nowMs)) turn.notice(notice);
      for (const decision of decisionsOf(facts)) decisions.push(decision);
      allFacts.push({ siteId, facts });
      return facts;
    },
    credential(wanted) {
      const known = memory.directory.credentialByText(wanted);
      if (known !== undefined) return known;
      const row = { credentialId: drawId(), kind: wanted.kind, value: wanted.value };
      turn.put('credentials', row);
      return row;
    },
    put(table, row) {
      changeCount += 1;
      collector.put(table, row);
      memory.directory.follow(table, row);
    },
    audit(entry) {
      changeCount += 1;
      const row = nextAuditRow(ports.sha256, memory.lastAudit, nowMs, entry);
      memory.lastAudit = { auditId: row.auditId, hash: row.hash };
      collector.put('audit', row);
    },
    notice({ kind, siteId, atMs, gateId, sessionId, slotId, reviewId, detail }) {
      changeCount += 1;
      memory.lastNoticeId += 1;
      const noticeId = memory.lastNoticeId;
      const row = { noticeId, kind, siteId, atMs, gateId, sessionId, slotId, reviewId, detail };
      notices.push(row);
      collector.put('notices', row);
    },
    afterCommit(action) {
      changeCount += 1;
      afterCommit.push(action);
    },
    whenAnswered(action) {
      changeCount += 1;
      whenAnswered.push(action);
    },
    fates,
    acknowledged: new Map(),
    changeCount: () => changeCount,
    finish() {
      for (const siteId of touchedSites) collector.putChanges(takeChanges(turn.site(siteId)));
      return {
        changes: collector.build(),
        notices,
        decisions,
        facts: allFacts,
        touchedSites,
        fates,
        afterCommit,
        whenAnswered,
      };
    },
  };
  return turn;
}
