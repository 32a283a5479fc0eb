/** `/lanes`: inputs, outputs and lanes as they are now, for an installer who walks over a loop. */
import type { LineWitness } from '../app/line-witness.js';
import type { EdgeStatus } from '../app/status.js';
import type { LanesAnswer } from '../watch/contract.js';

/** @param after cursor of the newest change that the asker knows */
export function lanesOf(edge: EdgeStatus, witness: LineWitness, after: number, atMs: number): LanesAnswer {
  const changes = witness.changesAfter(after);
  return {
    siteId: edge.siteId,
    edgeId: edge.edgeId,
    instance: edge.instance,
    atMs,
    gates: edge.gates.map(({ gateId, direction, barrier, mode, vehicle, arrival, passages, faults }) => {
      const { inputs, outputs, trouble } = witness.lines(gateId);
      const lane = {
        ...{ barrier, mode, vehicle, passages, faults: [...faults] },
        arrival: arrival?.progress ?? null,
      };
      return { gateId, direction, lane, inputs: [...inputs], outputs: [...outputs], trouble };
    }),
    changes: [...changes],
    next: witness.cursor,
    missed: Math.max(0, witness.cursor - after - changes.length),
  };
}
