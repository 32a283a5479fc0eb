/** Drops from a state what can change nothing any more, so that states which differ only in that are one. */
import type { Game } from './moves.js';
import type { Aggregator, LoggedEvent, World } from './state.js';
import { edgeOf, rowOf } from './state.js';

export function forget(world: World, { rules }: Game): void {
  world.decisions = kept(world.decisions, ({ edge, epoch, arrival }) => {
    const { epoch: present, waiting, pending } = edgeOf(world, edge);
    if (epoch !== present) return false;
    return waiting.includes(arrival) || pending.some((item) => item.kind === 'admitted' && item.arrival === arrival);
  });
  world.sets = kept(world.sets, (message) => {
    const edge = edgeOf(world, message.edge);
    if (rules['own-epoch'] && message.epoch < edge.epoch) return false;
    return !rules['newer-only'] || !rules['own-epoch'] || message.version > edge.held.version;
  });
  for (const [number, edge] of world.edges.entries()) {
    const logs = edge.logs.map((log, epoch) => forgetEvents(world, number, epoch, log));
    if (logs.some((log, epoch) => log !== edge.logs[epoch])) world.edges = world.edges.with(number, { ...edge, logs });
  }
}

/** The list itself when nothing is dropped. */
function kept<T>(list: readonly T[], isKept: (item: T) => boolean): readonly T[] {
  return list.every(isKept) ? list : list.filter(isKept);
}

const noEvents: readonly LoggedEvent[] = [];
/** Stands for any event that is not looked at any more. */
const known: LoggedEvent = { kind: 'arrived' };

/** Of events that are applied, in the store and in its copy, the number is left; of an epoch that is over, nothing. */
function forgetEvents(
  world: World,
  number: number,
  epoch: number,
  log: readonly LoggedEvent[],
): readonly LoggedEvent[] {
  const stores = world.copy === null ? [world.aggregator] : [world.aggregator, world.copy];
  const applied = Math.min(...stores.map((store) => appliedOf(store, number, epoch)));
  if (applied === Infinity) return log.length === 0 ? log : noEvents;
  // A state of the edge may still name a set that it accepted in its present epoch: that counts if the store knows of no such set.
  const version =
    epoch < edgeOf(world, number).epoch ? Infinity : Math.min(...stores.map((store) => rowOf(store, number).version));
  const isForgotten = (event: LoggedEvent, index: number): boolean =>
    index < applied && event.kind !== 'arrived' && !(event.kind === 'accepted' && event.version > version);
  return log.some(isForgotten) ? log.map((event, index) => (isForgotten(event, index) ? known : event)) : log;
}

/** How many events of the epoch the store has applied; all, when the epoch is over. */
function appliedOf(store: Aggregator, number: number, epoch: number): number {
  const row = rowOf(store, number);
  if (row.epoch > epoch) return Infinity;
  return row.epoch === epoch ? row.upTo : 0;
}
