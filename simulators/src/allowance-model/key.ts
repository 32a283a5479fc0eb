/** One text a state: equal for states that differ only in the names of slots, or in what can matter no more. */
import { booksText } from './books.js';
import type { AllowanceState } from '@gatehouse/edge-agent';
import type { Aggregator, LoggedEvent, Pending, World } from './state.js';
import { edgeOf, slotNumber } from './state.js';

export function keyOf(world: World): string {
  const rank = ranksOf(world);
  const name = (slot: number): string => String(rank[slot] ?? '-');
  const names = (slots: readonly number[]): string => slots.map(name).sort().join('');
  const parts = [
    aggregatorText(world.aggregator, name, names),
    world.books === null ? '' : booksText(world.books),
    world.copy === null ? '' : aggregatorText(world.copy.aggregator, name, names),
    world.copy?.books == null ? '' : booksText(world.copy.books),
    world.edges.map((_, number) => edgeText(world, number, name, names)).join('&'),
    world.vehicles
      .map(
        ({ edge, epoch, arrival, slot, at }) => `${String(edge)}${String(epoch)}${String(arrival)}${name(slot)}${at}`,
      )
      .sort()
      .join(),
    world.sets
      .map(
        ({ edge, epoch, version, asOf, slots }) =>
          `${String(edge)}${String(epoch)}.${String(version)}.${String(asOf)}${names(slots)}`,
      )
      .sort()
      .join(),
    world.decisions
      .map(({ edge, arrival, slot }) => `${String(edge)}${String(arrival)}${name(slot)}`)
      .sort()
      .join(),
    world.restored || world.copy !== null ? world.told.join() : '',
    `${world.restored ? 'r' : ''}${String(world.releases)}${String(world.losses)}${String(world.setsMade)}`,
  ];
  return parts.join('|');
}

type Name = (slot: number) => string;
type Names = (slots: readonly number[]) => string;

function aggregatorText(aggregator: Aggregator, name: Name, names: Names): string {
  const slots = aggregator.slots
    .map((record, slot) => {
      if (record.state === 'free') return '';
      const extra = record.state === 'held' ? (record.frozen ? 'f' : 'h') : `t${String(record.arrival)}`;
      return `${name(slot)}${String(record.edge)}${String(record.epoch)}${extra}`;
    })
    .sort()
    .join();
  const rows = aggregator.rows
    .map((row) =>
      [
        row.epoch,
        row.upTo,
        row.version,
        row.asOf,
        names(row.slots),
        row.settled ? 1 : row.isPartial ? 2 : 0,
        row.mustReport ? `m${row.isUnknown ? 'u' : ''}${String(row.acceptedSeq)}` : '',
        row.open.join(''),
      ].join('.'),
    )
    .join('+');
  const claims = aggregator.claims.map(
    ({ edge, epoch, arrival, slot }) => `${String(edge)}${String(epoch)}${String(arrival)}${name(slot)}`,
  );
  return `${slots};${rows};${claims.join()};${aggregator.recovering.map((is) => (is ? 1 : 0)).join('')}`;
}

function edgeText(world: World, number: number, name: Name, names: Names): string {
  const edge = edgeOf(world, number);
  const logs = edge.logs.map((log, epoch) => {
    const needed = Math.min(
      appliedOf(world.aggregator, number, epoch),
      appliedOf(world.copy?.aggregator ?? world.aggregator, number, epoch),
    );
    return needed === Infinity
      ? ''
      : `${String(log.length)}:${log
          .slice(needed)
          .map((event) => eventText(event, name, names))
          .join()}`;
  });
  const held = heldText(edge.held, name);
  const pending = edge.pending.map((item) => pendingText(item, name, names)).join();
  return `${String(edge.epoch)}/${logs.join('/')}/${held}/${pending}/${edge.waiting.join()}`;
}

/** Events that are applied for ever; all, when the epoch is over. */
function appliedOf(aggregator: Aggregator, number: number, epoch: number): number {
  const row = aggregator.rows[number];
  if (row === undefined || row.epoch > epoch) return Infinity;
  return row.epoch === epoch ? row.upTo : 0;
}

function heldText(held: AllowanceState, name: Name): string {
  const slots = held.slots.map(({ slotId }) => name(slotNumber(slotId))).sort();
  const parted = held.parted.map(({ slotId, seq }) => `${name(slotNumber(slotId))}@${String(seq)}`).sort();
  return `${String(held.version)}.${String(held.forgottenUpTo)}.${slots.join('')}.${parted.join()}`;
}

function eventText(event: LoggedEvent, name: Name, names: Names): string {
  switch (event.kind) {
    case 'arrived':
      return 'n';
    case 'admitted':
      return `a${String(event.arrival)}${name(event.slot)}`;
    case 'passed':
      return `p${String(event.arrival)}${name(event.slot)}`;
    case 'backed-out':
      return `b${String(event.arrival)}`;
    case 'left':
      return `l${String(event.arrival)}`;
    case 'accepted':
      return `r${String(event.version)}${names(event.returned)}.${String(event.remaining)}`;
  }
}

function pendingText(pending: Pending, name: Name, names: Names): string {
  if (pending.kind === 'admitted') return `a${String(pending.arrival)}${name(pending.slot)}`;
  const { set, acceptance } = pending;
  const returned =
    acceptance === null ? '' : `:${names(acceptance.returned.map(slotNumber))}${heldText(acceptance.state, name)}`;
  return `r${String(set.version)}.${String(set.asOf)}${names(set.slots)}${returned}`;
}

/** Slots in an order that does not depend on their names, as far as what is known of each goes. */
function ranksOf(world: World): number[] {
  // The engine prefers some slots to others.
  if (world.aggregator.slots.length === 1 || world.books !== null) return [...world.aggregator.slots.keys()];
  const marks = world.aggregator.slots.map((_, slot) => ({ slot, mark: markOf(world, slot) }));
  marks.sort((a, b) => (a.mark < b.mark ? -1 : a.mark > b.mark ? 1 : 0));
  const ranks: number[] = [];
  for (const [rank, { slot }] of marks.entries()) ranks[slot] = rank;
  return ranks;
}

function markOf(world: World, slot: number): string {
  const self: Name = (other) => (other === slot ? 'x' : '');
  const selves: Names = (slots) => (slots.includes(slot) ? 'x' : '');
  const own = (aggregator: Aggregator): string => {
    const record = aggregator.slots[slot];
    return record === undefined || record.state === 'free' ? '' : Object.values(record).join();
  };
  return [
    own(world.aggregator),
    world.copy === null ? '' : own(world.copy.aggregator),
    ...world.aggregator.rows.map((row) => selves(row.slots)),
    ...world.edges.map(
      (edge) => heldText(edge.held, self) + edge.pending.map((item) => pendingText(item, self, selves)).join(),
    ),
    ...world.edges.flatMap((edge) => edge.logs.flatMap((log) => log.map((event) => eventText(event, self, selves)))),
    ...world.vehicles.map((vehicle) =>
      vehicle.slot === slot ? `${String(vehicle.edge)}${String(vehicle.arrival)}` : '',
    ),
    ...world.sets.map((set) => selves(set.slots) + String(set.version)),
  ].join('|');
}
