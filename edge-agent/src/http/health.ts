/**
 * `/healthz`: 200 while the agent runs and can open gates, 503 otherwise. A container or service manager that starts an agent anew
 * when it is unhealthy must gain by it, so that a lost link, a full outbox or a fault of one gate is told and is not unhealthy: exits
 * open all the same, and no restart mends them.
 */
import type { EdgeStatus } from '../app/status.js';

/** `cannot-open`: the driver of every gate has failed. */
type Health = 'ok' | 'starting' | 'stopping' | 'cannot-open';

export interface HealthReport {
  readonly status: 200 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

/** @param wasStopped whether the agent was asked to stop */
export function healthOf(edge: EdgeStatus, wasStopped: boolean): HealthReport {
  const health = judge(edge, wasStopped);
  const { outbox, link } = edge;
  const age = outbox.oldestUnacknowledgedAgeMs;
  return {
    status: health === 'ok' ? 200 : 503,
    body: {
      status: health,
      siteId: edge.siteId,
      edgeId: edge.edgeId,
      version: edge.version,
      instance: edge.instance,
      epoch: outbox.epoch === '' ? null : outbox.epoch,
      uptimeSeconds: Math.floor(edge.uptimeMs / 1000),
      link: { up: link.up, downReason: link.downReason },
      outbox: {
        unacknowledgedEvents: outbox.unacknowledged,
        bytes: outbox.bytes,
        oldestUnacknowledgedSeconds: age === null ? null : age / 1000,
        failing: outbox.failing,
      },
      faults: edge.faults,
      gates: edge.gates.map(({ gateId, barrier, mode, faults }) => ({ gateId, barrier, mode, faults })),
    },
  };
}

export function canOpenGates(edge: EdgeStatus): boolean {
  return edge.running && edge.gates.some(({ faults }) => !faults.includes('driver-failed'));
}

function judge(edge: EdgeStatus, wasStopped: boolean): Health {
  if (wasStopped) return 'stopping';
  if (!edge.running) return 'starting';
  return canOpenGates(edge) ? 'ok' : 'cannot-open';
}
