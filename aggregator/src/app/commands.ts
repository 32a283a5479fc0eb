/** Commands to gates: stored before they are sent, run at most once by the edge, ended by what it reports. */
import type { Clock, CommandKind } from '@gatehouse/shared';
import { siteRowOf } from '../domain/engine.js';
import { Refusal } from '../domain/refusal.js';
import type { Committer, Turn } from './committer.js';
import type { EdgeView } from './ingest/edge-view.js';
import type { Outbound } from './outbound.js';
import type { CommandRow } from './ports.js';

export interface CommandRequest {
  readonly siteId: string;
  readonly gateId: string;
  readonly kind: CommandKind;
  readonly by: string;
  readonly reason: string;
}

export interface CommandPorts {
  readonly committer: Committer;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly linkClock: Clock;
  view(edgeId: string): EdgeView | undefined;
}

export interface Commands {
  send(request: CommandRequest): Promise<CommandRow>;
  /** The same as part of a turn of the caller's. */
  issue(turn: Turn, request: CommandRequest): CommandRow;
  view(row: CommandRow): CommandRow;
}

/** How much later than its deadline the answer to a command may come, before the command is shown as expired. */
const answerGraceMs = 10_000;

export function createCommands(deadlineMs: number, ports: CommandPorts): Commands {
  const { linkClock } = ports;

  const run = (turn: Turn, request: CommandRequest): CommandRow => {
    const { layout } = siteRowOf(turn.site(request.siteId));
    const gate = layout.gates.find(({ gateId }) => gateId === request.gateId);
    if (gate === undefined) throw new Refusal('gate-unknown', `There is no gate "${request.gateId}".`, 'gateId');
    const online = onlineView(gate.edgeId);
    if (online === null)
      throw new Refusal('gate-offline', `Nobody hears gate "${request.gateId}" at present.`, 'gateId');
    const row: CommandRow = {
      commandId: turn.newId(),
      siteId: request.siteId,
      gateId: request.gateId,
      edgeId: gate.edgeId,
      kind: request.kind,
      by: request.by,
      reason: request.reason,
      createdAtMs: turn.nowMs,
      state: 'sent',
      endedAtMs: null,
      detail: null,
    };
    turn.put('commands', row);
    turn.audit({
      by: request.by,
      action: 'gate.command',
      siteId: request.siteId,
      target: request.gateId,
      reason: request.reason,
      detail: { commandId: row.commandId, kind: request.kind },
    });
    const deadlineMono = Math.floor(edgeMonoMs(online, linkClock.monoMs()) + deadlineMs);
    turn.afterCommit(() => {
      ports.outbound.command(online.view, {
        instance: online.instance,
        id: row.commandId,
        gateId: request.gateId,
        kind: request.kind,
        deadlineMono,
        by: request.by,
        reason: request.reason,
      });
    });
    return row;
  };

  const onlineView = (edgeId: string): OnlineView | null => {
    const view = ports.view(edgeId);
    if (view?.presence !== 'online' || view.instance === null || view.lastState === null) return null;
    if (view.lastState.instance !== view.instance) return null;
    return { view, instance: view.instance, stateMonoMs: view.lastState.clock.monoMs };
  };

  return {
    send: (request) => ports.committer.execute((turn) => run(turn, request)),
    issue: run,
    view(row) {
      const dueMs = row.createdAtMs + deadlineMs + answerGraceMs;
      return row.state === 'sent' && ports.clock.wallMs() > dueMs
        ? { ...row, state: 'expired', endedAtMs: dueMs }
        : row;
    },
  };
}

interface OnlineView {
  readonly view: EdgeView;
  readonly instance: string;
  readonly stateMonoMs: number;
}

/** What the edge's monotonic clock shows now, or a little less: its state took some time to come. */
function edgeMonoMs({ view, stateMonoMs }: OnlineView, nowMonoMs: number): number {
  return stateMonoMs + (nowMonoMs - view.lastStateMonoMs);
}
