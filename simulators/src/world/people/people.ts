/** The people of a world: at the desk they do the right thing at a bad moment, and the wrong thing now and then. */
import type { CommandKind, SiteLayout } from '@gatehouse/shared';
import { exponential } from '../../random.js';
import type { ActResult, CreatePeople, OperatorAct } from '../operator-desk.js';
import type { SitePlan } from '../scenario.js';
import { drawAct, oneOf } from './draw-act.js';
import { drawLayout } from './draw-layout.js';
import { createTidying } from './tidying.js';

const hourMs = 3_600_000;
/** How long a lane stays held open or locked, and a vehicle blocked. */
const meanOfOrdersMs = 40_000;
/** How long somebody who did not succeed waits before trying again. */
const retryMs = 5_000;

export const createPeople: CreatePeople = (ports) => {
  const { clock, random, desk, sites, plan, tell } = ports;
  /** As the sites were built. */
  const originals = new Map<string, SiteLayout>();
  let isWorking = false;

  const perform = async (act: OperatorAct): Promise<ActResult> => {
    const result = await desk.act(act);
    const { outcome, detail } = result;
    const what = [wordsFor(act), detail].filter((words) => words !== '').join(': ');
    tell({ type: 'operator-acted', act: act.kind, siteId: act.siteId, target: targetOf(act), outcome, detail: what });
    return result;
  };
  const rememberOriginals = (): void => {
    for (const { siteId } of sites) {
      const view = originals.has(siteId) ? undefined : desk.view(siteId);
      if (view !== undefined) originals.set(siteId, view.layout);
    }
  };
  const tidying = createTidying({ clock, desk, perform, sites, originals });

  /** Again and again, at random; whoever is at it when work ends lets it be. */
  const keepDoing = (perHour: number, run: () => void): void => {
    if (perHour <= 0) return;
    clock.setTimer(exponential(random, hourMs / perHour), () => {
      if (!isWorking) return;
      rememberOriginals();
      run();
      keepDoing(perHour, run);
    });
  };
  /** Tries until it is done, or until work ends: then tidying takes over. */
  const insist = (delayMs: number, act: OperatorAct, done: () => void): void => {
    clock.setTimer(delayMs, () => {
      if (!isWorking) return;
      void perform(act).then(({ outcome }) => {
        if (outcome === 'done') done();
        else insist(retryMs, act, done);
      });
    });
  };
  const anySite = (): SitePlan | undefined => oneOf(random, sites);

  const actOnce = (): void => {
    const site = anySite();
    const view = site && desk.view(site.siteId);
    const act = view && drawAct({ random, site, view, plan });
    if (act === undefined) return;
    void perform(act).then(({ outcome }) => {
      const undone = outcome === 'done' ? undoing(act) : undefined;
      if (undone !== undefined) insist(exponential(random, meanOfOrdersMs), undone, () => undefined);
    });
  };
  const rebuild = (): void => {
    const site = anySite();
    const view = site && desk.view(site.siteId);
    const original = site && originals.get(site.siteId);
    const layout = view && original && drawLayout(random, view.layout, original);
    if (site === undefined || layout === undefined) return;
    const { siteId } = site;
    void perform({ kind: 'put-layout', siteId, layout }).then(({ outcome }) => {
      const detail = `${String(layout.slots.length)} slots, ${String(layout.gates.length)} gates`;
      if (outcome === 'done') tell({ type: 'fault', kind: 'layout-change', target: siteId, detail });
    });
  };
  const revoke = (): void => {
    const site = anySite();
    const view = site && desk.view(site.siteId);
    const edge =
      view &&
      oneOf(
        random,
        view.edges.filter(({ revokedAtMs }) => revokedAtMs === null),
      );
    if (site === undefined || edge === undefined) return;
    const { edgeId } = edge;
    const { siteId } = site;
    void perform({ kind: 'revoke-edge', siteId, edgeId }).then(({ outcome }) => {
      if (outcome !== 'done') return;
      tell({ type: 'fault', kind: 'edge-revoked', target: edgeId, detail: '' });
      insist(exponential(random, plan.revokedMeanMs), { kind: 'enrol-edge', siteId, edgeId }, () => {
        tell({ type: 'fault-over', kind: 'edge-revoked', target: edgeId });
      });
    });
  };

  return {
    start() {
      isWorking = true;
      rememberOriginals();
      keepDoing(plan.actsPerHour, actOnce);
      keepDoing(plan.layoutChangesPerHour, rebuild);
      keepDoing(plan.revocationsPerHour, revoke);
    },
    rest() {
      isWorking = false;
      tidying.start();
    },
  };
};

/** What the same person does about it a little later. */
function undoing(act: OperatorAct): OperatorAct | undefined {
  if (act.kind === 'command' && (act.command === 'hold-open' || act.command === 'lock')) {
    return { ...act, command: 'automatic' satisfies CommandKind };
  }
  return act.kind === 'block-vehicle' && act.blocked ? { ...act, blocked: false } : undefined;
}

/** What the act is about; never a plate. */
function targetOf(act: OperatorAct): string | null {
  switch (act.kind) {
    case 'command':
    case 'admit':
      return act.gateId;
    case 'assign-slot':
    case 'release-slot':
    case 'out-of-service':
      return act.slotId;
    case 'release-holdings':
    case 'revoke-edge':
    case 'enrol-edge':
      return act.edgeId;
    case 'resolve-review':
      return act.reviewId;
    case 'move-session':
    case 'close-session':
    case 'merge-sessions':
      return act.sessionId;
    case 'correct-count':
    case 'put-layout':
    case 'override-recovery':
    case 'block-vehicle':
      return null;
  }
}

function wordsFor(act: OperatorAct): string {
  switch (act.kind) {
    case 'command':
      return act.command;
    case 'admit':
      return [act.arrivalKey ?? 'who waits', act.slotId ?? 'any slot'].join(' into ');
    case 'release-slot':
      return act.force ? 'by force' : '';
    case 'out-of-service':
      return act.outOfService ? 'taken out' : 'put back';
    case 'correct-count':
      return String(act.count);
    case 'move-session':
      return `to ${act.slotId}`;
    case 'merge-sessions':
      return `with ${act.duplicateSessionId}`;
    case 'resolve-review':
      return act.sessionId === null ? '' : `it was ${act.sessionId}`;
    case 'block-vehicle':
      return act.blocked ? 'blocked' : 'unblocked';
    default:
      return '';
  }
}
