/** Finds the simulated gates that can be driven: those of a running demonstration, or those behind addresses that were given. */
import { createSimulationControlClient } from '@gatehouse/edge-agent';
import type { SimulationControlClient } from '@gatehouse/edge-agent';
import { gateDirectionSchema } from '@gatehouse/shared';
import type { GateDirection } from '@gatehouse/shared';
import { readRunning } from '../demo/running.js';

export interface ControlledEdge {
  /** null when it was given by address alone. */
  readonly edgeId: string | null;
  readonly siteId: string | null;
  readonly url: string;
  readonly client: SimulationControlClient;
  readonly gates: readonly { readonly gateId: string; readonly direction: GateDirection }[];
}

export interface FindOptions {
  /** Data directory of a demonstration. */
  readonly data: string;
  /** Addresses of controls; when there are any, the demonstration is not looked for. */
  readonly control?: readonly string[];
}

/** Something a person can mend. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export async function findEdges({ data, control = [] }: FindOptions): Promise<ControlledEdge[]> {
  if (control.length > 0) return Promise.all(control.map(fromAddress));
  const running = readRunning(data);
  if (running === undefined) {
    throw new UsageError(
      `no demonstration runs out of ${data}: start one with "npm start", or name the control of an edge agent with --control URL`,
    );
  }
  return running.edges.map(({ edgeId, siteId, control: url, gates }) => {
    return { edgeId, siteId, url, gates, client: createSimulationControlClient(url) };
  });
}

async function fromAddress(url: string): Promise<ControlledEdge> {
  const client = createSimulationControlClient(url);
  const gates = (await client.gates()).map(({ gateId, direction }) => {
    return { gateId, direction: gateDirectionSchema.parse(direction) };
  });
  return { edgeId: null, siteId: null, url, client, gates };
}

export interface ControlledGate {
  readonly edge: ControlledEdge;
  readonly gateId: string;
  readonly direction: GateDirection;
}

/** @throws UsageError naming the gates there are when there is none of this name, or more than one. */
export function findGate(edges: readonly ControlledEdge[], gateId: string, siteId: string | undefined): ControlledGate {
  const all = edges.flatMap((edge) => edge.gates.map((gate) => ({ edge, ...gate })));
  const found = all.filter((gate) => gate.gateId === gateId && (siteId === undefined || gate.edge.siteId === siteId));
  const [first, second] = found;
  if (first === undefined) {
    const ofSite = siteId === undefined ? '' : ` of site "${siteId}"`;
    throw new UsageError(`no gate "${gateId}"${ofSite} is simulated here; there are ${namesOf(all)}`);
  }
  if (second !== undefined) {
    const sites = found.map(({ edge }) => edge.siteId ?? edge.url).join(', ');
    throw new UsageError(`several gates are called "${gateId}" (${sites}): name one with --site`);
  }
  return first;
}

function namesOf(gates: readonly ControlledGate[]): string {
  return gates.map(({ gateId, edge }) => (edge.siteId === null ? gateId : `${gateId} (${edge.siteId})`)).join(', ');
}
