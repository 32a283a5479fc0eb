/** After the trouble somebody sees to it that nothing stands in the way for ever: modes, revoked edges, layout, frozen slots. */
import type { Clock, SiteLayout } from '@gatehouse/shared';
import type { ActResult, DeskView, OperatorAct, OperatorDesk } from '../operator-desk.js';
import type { SitePlan } from '../scenario.js';
import { restored } from './draw-layout.js';

export interface Tidying {
  start(): void;
}

const roundMs = 10_000;
const maxRounds = 60;
/** Frozen slots may still be accounted for by their edges before. */
const patienceRounds = 6;

export function createTidying(options: {
  readonly clock: Clock;
  readonly desk: OperatorDesk;
  readonly perform: (act: OperatorAct) => Promise<ActResult>;
  readonly sites: readonly SitePlan[];
  readonly originals: ReadonlyMap<string, SiteLayout>;
}): Tidying {
  const { clock, desk, perform, sites, originals } = options;
  let rounds = 0;

  const round = async (): Promise<void> => {
    rounds += 1;
    for (const { siteId } of sites) {
      const view = desk.view(siteId);
      const acts = view === undefined ? [] : leftToDo(siteId, view, originals.get(siteId), rounds > patienceRounds);
      for (const act of acts) await perform(act);
    }
    if (rounds < maxRounds) later();
  };
  const later = (): void => {
    clock.setTimer(roundMs, () => void round());
  };

  return {
    start() {
      void round();
    },
  };
}

function leftToDo(
  siteId: string,
  view: DeskView,
  original: SiteLayout | undefined,
  alsoFrozen: boolean,
): OperatorAct[] {
  const acts: OperatorAct[] = [];
  for (const { edgeId, revokedAtMs } of view.edges) {
    if (revokedAtMs !== null) acts.push({ kind: 'enrol-edge', siteId, edgeId });
  }
  for (const { gateId, mode } of view.gates) {
    const isOrdered = mode === 'hold-open' || mode === 'locked';
    if (isOrdered) acts.push({ kind: 'command', siteId, gateId, command: 'automatic' });
  }
  if (original !== undefined) {
    const layout = restored(view.layout, original);
    if (JSON.stringify(layout) !== JSON.stringify(view.layout)) acts.push({ kind: 'put-layout', siteId, layout });
  }
  if (!alsoFrozen) return acts;
  for (const { slotId, frozen } of view.slots) {
    if (frozen) acts.push({ kind: 'release-slot', siteId, slotId, force: true });
  }
  if (!view.recovering) return acts;
  // What an outbox knew that was replaced, nobody can tell the restored store but who looks.
  for (const { reviewId, kind } of view.reviews) {
    if (kind === 'epoch-replaced') acts.push({ kind: 'resolve-review', siteId, reviewId, sessionId: null });
  }
  return acts;
}
