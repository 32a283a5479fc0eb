/**
 * When sets of slots for edges are made anew: some time after a site changed, and at once when somebody was turned away from a
 * full site, when slots are wanted back, or when an edge has to tell what it holds.
 */
import { genesisHash } from '@gatehouse/shared';
import type { CancelTimer, Clock, Sha256 } from '@gatehouse/shared';
import { allowanceOf, allowanceEdges, gateStanding, slotOf } from '../../domain/engine.js';
import type { SiteFact, SiteState } from '../../domain/engine.js';
import type { AllowanceEdge } from '../../domain/inputs.js';
import type { EdgeView } from '../ingest/edge-view.js';
import { beginEpoch } from '../ingest/epochs.js';
import type { OperationQueue } from '../operation-queue.js';
import type { OpenTurn, TurnOutcome } from '../turn/open-turn.js';
import type { AccessLists } from './access.js';

export interface AllowancePlanner {
  /** What a turn changed is stored. */
  onOutcome(outcome: Pick<TurnOutcome, 'facts' | 'touchedSites'>): void;
  /** Something else that sets depend on has changed: the access list. */
  onSite(siteId: string): void;
  stop(): void;
}

export interface PlannerPorts {
  readonly linkClock: Clock;
  readonly sha256: Sha256;
  readonly operations: Pick<OperationQueue, 'enqueueUpkeep'>;
  readonly accessLists: AccessLists;
  site(siteId: string): SiteState | undefined;
  view(edgeId: string): EdgeView | undefined;
}

interface SitePlan {
  plannedAtMonoMs: number;
  /** Somebody was turned away, and not every share has been made exact since. */
  isShort: boolean;
  isQueued: boolean;
  cancel: CancelTimer | null;
}

export function createAllowancePlanner(intervalMs: number, ports: PlannerPorts): AllowancePlanner {
  const { linkClock } = ports;
  const plans = new Map<string, SitePlan>();
  let isStopped = false;

  const planOf = (siteId: string): SitePlan => {
    const known = plans.get(siteId);
    if (known !== undefined) return known;
    const plan = { plannedAtMonoMs: -Infinity, isShort: false, isQueued: false, cancel: null };
    plans.set(siteId, plan);
    return plan;
  };

  const queue = (siteId: string, plan: SitePlan): void => {
    plan.cancel?.();
    plan.cancel = null;
    if (plan.isQueued || isStopped) return;
    plan.isQueued = true;
    ports.operations.enqueueUpkeep(
      (turn) => {
        // Whatever this very turn changes besides is not looked at yet.
        plan.isQueued = false;
        plan.plannedAtMonoMs = linkClock.monoMs();
        plan.isShort = makeSets(ports, turn, siteId, plan.isShort);
      },
      () => {
        plan.isQueued = false;
      },
    );
  };

  const onSite = (siteId: string): void => {
    const plan = planOf(siteId);
    if (plan.cancel !== null || plan.isQueued || isStopped) return;
    const waitMs = plan.plannedAtMonoMs + intervalMs - linkClock.monoMs();
    if (!(waitMs > 0)) {
      queue(siteId, plan);
      return;
    }
    plan.cancel = linkClock.setTimer(waitMs, () => {
      queue(siteId, plan);
    });
  };

  return {
    onOutcome({ facts, touchedSites }) {
      for (const { siteId, facts: ofInput } of facts) {
        const site = ports.site(siteId);
        if (site === undefined) continue;
        for (const fact of ofInput) {
          if (!isUrgent(site, fact)) continue;
          const plan = planOf(siteId);
          if (fact.type === 'arrival-decided') plan.isShort = true;
          queue(siteId, plan);
        }
      }
      touchedSites.forEach(onSite);
    },
    onSite,
    stop() {
      isStopped = true;
      for (const plan of plans.values()) plan.cancel?.();
    },
  };
}

function isUrgent(site: SiteState, fact: SiteFact): boolean {
  switch (fact.type) {
    case 'arrival-decided':
      return fact.decision.outcome === 'own' || fact.decision.reason === 'full';
    case 'slot-recall-changed':
      return fact.recall !== null && slotOf(site, fact.slotId)?.state === 'held';
    case 'allowance-doubted':
      return true;
    default:
      return false;
  }
}

/** Makes the sets that are due; answers whether the site is still to be shared out exactly. */
function makeSets(ports: PlannerPorts, turn: OpenTurn, siteId: string, isShort: boolean): boolean {
  const site = turn.findSite(siteId);
  if (site === undefined) return false;
  const concerned = [...allowanceEdges(site)];
  const edges = concerned.flatMap((edgeId) => connectedEdge(ports, turn, siteId, edgeId) ?? []);
  if (edges.length === 0) return isShort;
  const facts = turn.apply(siteId, { type: 'plan-allowance', edges, isShort });
  for (const fact of facts) if (fact.type === 'allowance-made') ensureCursor(ports, turn, fact.allowance);
  const isWaiting = edges.some(({ edgeId }) => allowanceOf(site, edgeId)?.settled === false);
  return isShort && isWaiting;
}

/** The edge, if what it says of itself agrees with what is stored of it. */
function connectedEdge(ports: PlannerPorts, turn: OpenTurn, siteId: string, edgeId: string): AllowanceEdge | undefined {
  const edge = turn.directory.edge(edgeId);
  const view = ports.view(edgeId);
  const state = view?.lastState ?? null;
  if (edge?.siteId !== siteId || edge.revokedAtMs !== null || view === undefined || state === null) return undefined;
  if (view.presence !== 'online' || view.conflict !== null || view.instance !== state.instance) return undefined;
  const cursor = turn.directory.cursor(edgeId);
  const isNew = cursor === undefined && turn.directory.retiredEpoch(edgeId, state.epoch) === undefined;
  if (!isNew && cursor?.epoch !== state.epoch) return undefined;
  const site = turn.findSite(siteId);
  const entryGates = state.gates.filter(({ gateId, direction }) => {
    return direction !== 'exit' && (site === undefined || gateStanding(site, edgeId, gateId) !== 'retired');
  });
  return {
    edgeId,
    epoch: state.epoch,
    asOf: cursor?.upTo ?? 0,
    reportedVersion: state.allowanceVersion,
    accessVersion: ports.accessLists.version(siteId),
    vehicleClasses: entryGates.map((gate) => gate.vehicleClass),
  };
}

/** An edge that was given slots has an epoch to be remembered, so that another one is seen to replace it. */
function ensureCursor(
  ports: PlannerPorts,
  turn: OpenTurn,
  { edgeId, epoch }: { readonly edgeId: string; readonly epoch: string },
): void {
  const view = ports.view(edgeId);
  if (view === undefined || turn.directory.cursor(edgeId) !== undefined) return;
  beginEpoch(turn, view, { epoch, upTo: 0, hash: genesisHash(ports.sha256, epoch) }, null);
}
