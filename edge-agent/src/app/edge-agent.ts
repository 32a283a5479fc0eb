/** Assembles an edge agent out of its ports and runs it. */
import type { EdgeAgentPorts } from './ports.js';
import type { EdgeSettings } from './settings.js';
import type { EdgeStatus } from './status.js';

export interface EdgeAgent {
  /** Opens the outbox, starts the barriers and readers, begins to connect. Rejects if the outbox cannot be opened. */
  start(): Promise<void>;
  /** Says farewell and puts outputs to their safe level, within a few seconds. May be called twice. */
  stop(): Promise<void>;
  status(): EdgeStatus;
}

export function createEdgeAgent(ports: EdgeAgentPorts, settings: EdgeSettings): EdgeAgent {
  void [ports, settings];
  throw new Error('not there yet');
}
