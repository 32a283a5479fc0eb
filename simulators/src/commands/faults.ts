/** `simulate fault` and `simulate power`. */
import { simulatedFaults } from '@gatehouse/edge-agent';
import type { SimulatedFault } from '@gatehouse/edge-agent';
import { UsageError, findGate } from './find-gates.js';
import type { ControlledEdge, ControlledGate } from './find-gates.js';

/** Shorter names for what happens to the approach loop, the one that most often fails. */
export const faultAliases: Readonly<Record<string, SimulatedFault>> = {
  'loop-stuck': 'arming-stuck',
  'loop-dead': 'arming-dead',
  'loop-chatter': 'arming-chatter',
  'barrier-stuck': 'arm-stuck',
};

export interface FaultResult {
  readonly gateId: string;
  readonly fault: SimulatedFault;
  readonly active: boolean;
}

export async function setFault(gate: ControlledGate, name: string, active: boolean): Promise<FaultResult> {
  const fault = faultAliases[name] ?? simulatedFaults.find((known) => known === name);
  if (fault === undefined) throw new UsageError(`no fault "${name}"`);
  await gate.edge.client.setFault(gate.gateId, fault, active);
  return { gateId: gate.gateId, fault, active };
}

export interface PowerResult {
  readonly of: string;
  readonly on: boolean;
}

/** Of one gate, or of every gate of an edge. */
export async function setPower(
  edges: readonly ControlledEdge[],
  of: { readonly edge?: string; readonly gate?: string; readonly site?: string },
  on: boolean,
): Promise<PowerResult> {
  if (of.gate !== undefined) {
    const gate = findGate(edges, of.gate, of.site);
    await gate.edge.client.setPower(on, gate.gateId);
    return { of: gate.gateId, on };
  }
  const edge = of.edge === undefined && edges.length === 1 ? edges[0] : edges.find(({ edgeId }) => edgeId === of.edge);
  if (edge === undefined) {
    const names = edges.map(({ edgeId, url }) => edgeId ?? url).join(', ');
    const wrong = of.edge === undefined ? 'name an edge with --edge, or a gate with --gate' : `no edge "${of.edge}"`;
    throw new UsageError(`${wrong}; there are ${names}`);
  }
  await edge.client.setPower(on);
  return { of: edge.edgeId ?? edge.url, on };
}
