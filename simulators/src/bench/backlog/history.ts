/** What edges have written while they were alone: events as agents write them, by a seed, the same each time. */
import type { EdgeEvent, Random } from '@gatehouse/shared';
import { createSeededRandom, wholeBelow } from '../../random.js';
import { drawPlate } from '../../traffic/plates.js';

/** One edge of a site, with an entry and an exit. */
export interface BacklogEdge {
  readonly siteId: string;
  readonly edgeId: string;
  readonly entryGateId: string;
  readonly exitGateId: string;
  /** The slots that it gives out; nobody else does. One is given out again once its vehicle has left. */
  readonly slotIds: readonly string[];
}

/** Of the vehicles at entries, those that are turned away. */
const deniedShare = 0.25;
/** Of the vehicles at entries, those that come every few days. */
const regularShare = 0.5;
/** Regular customers of a site. */
const regularsPerSite = 2_000;

/**
 * `count` events of an edge that had no connection: vehicles come in by its allowance or are turned away, and leave again. Their times
 * end at `untilMs`.
 */
export function* historyOf(edge: BacklogEdge, count: number, untilMs: number): Generator<EdgeEvent> {
  const random = createSeededRandom('backlog', edge.siteId, edge.edgeId);
  const bootId = random.hex(16);
  const free = [...edge.slotIds];
  const inside: { readonly plate: string; readonly slotId: string }[] = [];
  let seq = 0;
  /** The one event after the other, some seconds apart. */
  const stamp = (gateId: string): { atMs: number; monoMs: number; bootId: string; gateId: string } => {
    seq += 1;
    const monoMs = 60_000 + seq * 2_000 + wholeBelow(random, 1_000);
    return { atMs: untilMs - (count + 1 - seq) * 2_000 + (monoMs % 2_000), monoMs, bootId, gateId };
  };
  const arrived = (gateId: string, direction: 'entry' | 'exit', plate: string): EdgeEvent => ({
    kind: 'vehicle-arrived',
    ...stamp(gateId),
    direction,
    credential: { kind: 'plate', value: plate, source: 'camera', confidence: 0.8 + wholeBelow(random, 20) / 100 },
    vehicleClass: null,
    supersedes: null,
  });
  const visits = function* (): Generator<EdgeEvent> {
    for (;;) {
      const leaves = inside.length > edge.slotIds.length / 2 || (inside.length > 0 && random.next() < 0.45);
      const gateId = leaves ? edge.exitGateId : edge.entryGateId;
      if (leaves) {
        const [vehicle] = inside.splice(wholeBelow(random, inside.length), 1);
        if (vehicle === undefined) continue;
        yield arrived(gateId, 'exit', vehicle.plate);
        const arrival = seq;
        yield { kind: 'vehicle-admitted', ...stamp(gateId), arrival, slotId: null, basis: 'exit-alone' };
        yield passed(stamp(gateId), 'exit', arrival, null, 'exit-alone');
        free.push(vehicle.slotId);
        continue;
      }
      const plate = plateOf(edge.siteId, random, inside);
      yield arrived(gateId, 'entry', plate);
      const arrival = seq;
      const slotId = random.next() < deniedShare ? undefined : free.shift();
      if (slotId === undefined) {
        yield { kind: 'vehicle-denied', ...stamp(gateId), arrival, reason: 'allowance-used-up' };
        yield { kind: 'arrival-void', ...stamp(gateId), arrival, slotId: null, basis: 'none', reason: 'left' };
        continue;
      }
      yield { kind: 'vehicle-admitted', ...stamp(gateId), arrival, slotId, basis: 'allowance' };
      yield passed(stamp(gateId), 'entry', arrival, slotId, 'allowance');
      inside.push({ plate, slotId });
    }
  };
  for (const event of visits()) {
    yield event;
    if (seq === count) return;
  }
}

function passed(
  at: { readonly atMs: number; readonly monoMs: number; readonly bootId: string; readonly gateId: string },
  direction: 'entry' | 'exit',
  arrival: number,
  slotId: string | null,
  basis: 'allowance' | 'exit-alone',
): EdgeEvent {
  return { kind: 'vehicle-passed', ...at, direction, arrival, slotId, basis, flags: [] };
}

function plateOf(siteId: string, random: Random, inside: readonly { readonly plate: string }[]): string {
  for (;;) {
    const isRegular = random.next() < regularShare;
    const regular = createSeededRandom(siteId, wholeBelow(random, regularsPerSite));
    const plate = drawPlate(isRegular ? regular : random);
    if (!inside.some((vehicle) => vehicle.plate === plate)) return plate;
  }
}
