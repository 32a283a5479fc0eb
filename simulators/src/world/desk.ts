/** The operators' desk: acts through the application operations of the aggregator that lives now, as its HTTP routes do them. */
import {
  admitArrival,
  arrivalKey,
  assignSlot,
  blockVehicle,
  closeSession,
  correctCount,
  createVehicle,
  mergeSessions,
  moveSession,
  needsOf,
  openArrivals,
  openReviews,
  overrideRecovery,
  putLayout,
  Refusal,
  releaseHoldings,
  releaseSlot,
  resolveReview,
  revokeEdge,
  sessionsInside,
  setOutOfService,
  siteRowOf,
  slotsOf,
  summaryOf,
  typedCredential,
} from '@gatehouse/aggregator';
import type { Actor, Aggregator } from '@gatehouse/aggregator';
import type { ActResult, DeskView, OperatorAct, OperatorDesk } from './operator-desk.js';
import type { Registry } from './registry.js';
import type { Timeline } from './timeline.js';

export interface DeskPorts {
  readonly timeline: Timeline;
  readonly living: () => Aggregator | undefined;
  readonly registry: Registry;
  /** The aggregator has this layout now: whoever builds lanes follows. */
  readonly onLayout: (siteId: string) => void;
}

export interface WorldDesk extends OperatorDesk {
  /** The aggregator died: whoever waits for an answer gets none. */
  onAggregatorEnded(): void;
}

const operator: Actor = { keyId: 'world', label: 'operator', role: 'admin', siteId: null };
const reason = 'At the desk';
const patienceMs = 60_000;
const admitTtlMs = 30_000;

export function createDesk(ports: DeskPorts): WorldDesk {
  const { timeline, living, registry } = ports;
  const waiting = new Set<(result: ActResult) => void>();

  return {
    view(siteId) {
      const aggregator = living();
      return aggregator === undefined ? undefined : viewOf(aggregator, siteId);
    },
    act: (act) =>
      new Promise((resolve) => {
        const aggregator = living();
        if (aggregator === undefined) {
          resolve({ outcome: 'failed', detail: 'no aggregator' });
          return;
        }
        const settle = (result: ActResult): void => {
          if (!waiting.delete(settle)) return;
          cancel();
          resolve(result);
        };
        waiting.add(settle);
        const cancel = timeline.after(patienceMs, () => {
          settle({ outcome: 'failed', detail: 'no answer in time' });
        });
        perform(aggregator, act, registry).then(
          () => {
            if (act.kind === 'put-layout') ports.onLayout(act.siteId);
            if (act.kind === 'revoke-edge') registry.forget(act.edgeId);
            settle({ outcome: 'done', detail: '' });
          },
          (error: unknown) => {
            const refused = error instanceof Refusal;
            settle({ outcome: refused ? 'refused' : 'failed', detail: refused ? error.code : String(error) });
          },
        );
      }),
    onAggregatorEnded() {
      for (const settle of [...waiting]) settle({ outcome: 'failed', detail: 'the aggregator is gone' });
    },
  };
}

async function perform(aggregator: Aggregator, act: OperatorAct, registry: Registry): Promise<unknown> {
  const { committer } = aggregator;
  switch (act.kind) {
    case 'command':
      return aggregator.sendCommand({ ...act, kind: act.command, by: operator.label, reason });
    case 'admit':
      return committer.execute((turn) => admitArrival(turn, operator, { ...act, ttlMs: admitTtlMs, reason }));
    case 'assign-slot': {
      const typed = act.plate === null ? undefined : typedCredential({ kind: 'plate', value: act.plate });
      const request = { ...act, slotClass: undefined, vehicleId: undefined, typed, reason };
      return committer.execute((turn) => assignSlot(turn, operator, request), needsOf(typed));
    }
    case 'release-slot':
      return committer.execute((turn) => releaseSlot(turn, operator, { ...act, reason }));
    case 'out-of-service':
      return committer.execute((turn) => setOutOfService(turn, operator, { ...act, reason }));
    case 'correct-count':
      return committer.execute((turn) => correctCount(turn, operator, { ...act, reason }));
    case 'put-layout':
      return committer.execute((turn) =>
        putLayout(turn, operator, { layout: act.layout, reason, exists: true, expectedVersion: null }),
      );
    case 'release-holdings':
      return committer.execute((turn) => releaseHoldings(turn, operator, { ...act, reason }));
    case 'revoke-edge':
      return committer.execute((turn) => revokeEdge(turn, operator, { ...act, reason }));
    case 'enrol-edge':
      return registry.enrol(aggregator, act.edgeId);
    case 'resolve-review':
      return committer.execute((turn) => resolveReview(turn, operator, { ...act, resolution: reason }));
    case 'override-recovery':
      return committer.execute((turn) => overrideRecovery(turn, operator, { ...act, reason }));
    case 'move-session':
      return committer.execute((turn) => moveSession(turn, operator, { ...act, reason }));
    case 'close-session':
      return committer.execute((turn) => closeSession(turn, operator, { ...act, exitAtMs: undefined, reason }));
    case 'merge-sessions':
      return committer.execute((turn) => mergeSessions(turn, operator, { ...act, reason }));
    case 'block-vehicle':
      return block(aggregator, act);
  }
}

function block(aggregator: Aggregator, { plate, blocked }: OperatorAct & { kind: 'block-vehicle' }): Promise<unknown> {
  const typed = typedCredential({ kind: 'plate', value: plate });
  return aggregator.committer.execute((turn) => {
    const credential = turn.directory.credentialByText(typed);
    const known = credential === undefined ? undefined : turn.directory.vehicleByCredential(credential.credentialId);
    const { vehicleId } =
      known ?? createVehicle(turn, operator, { typed, slotClass: 'standard', holder: null, note: null, permits: [] });
    return blockVehicle(turn, operator, { vehicleId, blocked, reason });
  }, needsOf(typed));
}

function viewOf(aggregator: Aggregator, siteId: string): DeskView | undefined {
  const site = aggregator.site(siteId);
  if (site === undefined) return undefined;
  const { layout } = siteRowOf(site);
  const summary = summaryOf(site);
  return {
    layout,
    vehiclesInside: summary.vehiclesInside,
    recovering: summary.recovering,
    slots: [...slotsOf(site)].map((slot) => ({ ...slot, outOfService: slot.outOfService !== null })),
    sessions: [...sessionsInside(site)],
    arrivals: [...openArrivals(site)]
      .filter(({ state }) => state === 'open')
      .map((arrival) => ({ arrivalKey: arrivalKey(arrival), gateId: arrival.gateId })),
    reviews: [...openReviews(site)],
    gates: layout.gates.map(({ gateId, edgeId }) => {
      const told = aggregator.edgeStatus(edgeId)?.lastState?.gates.find((gate) => gate.gateId === gateId);
      return { gateId, mode: told?.mode ?? null };
    }),
    edges: [...aggregator.directory.edges()]
      .filter((edge) => edge.siteId === siteId)
      .map(({ edgeId, revokedAtMs }) => ({
        edgeId,
        revokedAtMs,
        online: aggregator.edgeStatus(edgeId)?.presence === 'online',
      })),
  };
}
