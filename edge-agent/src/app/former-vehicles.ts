/** Finds out which of the arrivals that the run before left open may be of vehicles that still stand there. */
import { parseValue, edgeEventSchema } from '@gatehouse/shared/edge';
import type { Logger } from '@gatehouse/shared/edge';
import type { FormerVehicle } from '../domain/lane/vocabulary.js';
import type { MachineUptime, OutboxEvent, OutboxSnapshot } from './ports.js';
import { formerArrivals } from './recovery.js';
import type { EdgeSettings } from './settings.js';
import { wasThereJustNow } from './standing-note.js';

export interface FormerVehiclesOptions {
  readonly machine?: MachineUptime | undefined;
  readonly settings: EdgeSettings;
  /** The event with this seq, if it is kept. */
  readonly read: (seq: number) => Promise<readonly OutboxEvent[]>;
  readonly logger: Logger;
}

/** By gate. What cannot be read is left out: then nobody knows what became of that vehicle. */
export async function formerVehicles(
  snapshot: OutboxSnapshot,
  { machine, settings, read, logger }: FormerVehiclesOptions,
): Promise<ReadonlyMap<string, FormerVehicle>> {
  const found = new Map<string, FormerVehicle>();
  const withinMs = settings.restart.sameVehicleWithinMs;
  const gateIds = settings.gates.map((gate) => gate.gateId);
  for (const former of formerArrivals(snapshot)) {
    const { gateId, seq, basis, slotId } = former;
    if (!gateIds.includes(gateId)) continue;
    if (!wasThereJustNow(snapshot.notes, former, machine, withinMs) || seq < snapshot.oldest) continue;
    try {
      const [stored] = await read(seq);
      const event = parseValue(edgeEventSchema, JSON.parse(stored?.json ?? 'null'));
      if (stored?.seq !== seq || !event.ok || event.value.kind !== 'vehicle-arrived') continue;
      const { direction, credential } = event.value;
      found.set(gateId, { direction, credential, basis, slotId });
    } catch (error) {
      logger.warn({ gateId, error: String(error) }, 'the arrival of the vehicle at the gate cannot be read');
    }
  }
  return found;
}
