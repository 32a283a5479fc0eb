/** The vehicles that come to a site and leave it, over the wire, by its two edges. */
import type { SlotClass } from '@gatehouse/shared';
import { connectBareEdge } from './bare-edge.js';
import type { Answered, BareEdge } from './bare-edge.js';
import type { FilledSite } from './fill-store.js';
import { edgesOf } from './prepared-aggregator.js';
import type { PreparedAggregator } from './prepared-aggregator.js';

export interface Street {
  /** Comes in by one of the entries; milliseconds from the publish of its arrival to the decision. */
  come(plate: string, vehicleClass?: SlotClass): Promise<number>;
  /** The same for one that leaves. */
  leave(plate: string): Promise<number>;
  end(): void;
}

/** @throws Error when a vehicle is not admitted */
export async function openStreet(prepared: PreparedAggregator, site: FilledSite): Promise<Street> {
  const { entry, exit } = edgesOf(prepared, site);
  const entries = await connectBareEdge(entry.options, entry.outbox);
  const exits = await connectBareEdge(exit.options, exit.outbox);
  let turn = 0;
  const through = async (
    edge: BareEdge,
    gateIds: readonly [string, string],
    plate: string,
    vehicleClass?: SlotClass,
  ): Promise<number> => {
    turn += 1;
    const gateId = gateIds[turn % 2 === 0 ? 0 : 1];
    const answered = await edge.arrive(gateId, plate, vehicleClass);
    requireAdmitted(plate, answered);
    await edge.pass(gateId, answered);
    return answered.durationMs;
  };
  return {
    come: (plate, vehicleClass) => through(entries, site.entryGateIds, plate, vehicleClass),
    leave: (plate) => through(exits, site.exitGateIds, plate),
    end() {
      entries.end();
      exits.end();
    },
  };
}

function requireAdmitted(plate: string, { decision }: Answered): void {
  const { outcome, reason } = decision;
  if (outcome !== 'admit') throw new Error(`${plate} was not admitted: ${outcome}, ${String(reason)}`);
}
