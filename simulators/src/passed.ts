/** Which way a vehicle went through a gate, as the site sees it. */
import type { Direction, GateDirection } from '@gatehouse/shared';
import type { GateVehicleReport } from '@gatehouse/edge-agent';

/**
 * The model of a lane knows its near and its far side: `inward` is from the near one to the far one. At an exit the near side is
 * the inside of the site. null: it did not go through.
 */
export function passedTo(gateDirection: GateDirection, report: Pick<GateVehicleReport, 'direction'>): Direction | null {
  if (report.direction === null) return null;
  const alongTheLane = report.direction === 'inward';
  return alongTheLane === (gateDirection !== 'exit') ? 'entry' : 'exit';
}
