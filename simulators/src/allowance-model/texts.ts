/** The parts of a state as texts, under other names of slots and edges; equal for parts that differ in nothing that matters. */
import type { AllowanceState } from '@gatehouse/edge-agent';
import { booksText } from './books.js';
import { edgeIdOf } from './engine-events.js';
import type { Renaming } from './renaming.js';
import type { Aggregator, DecisionMessage, Edge, LoggedEvent, Pending, SetMessage, Vehicle } from './state.js';
import { slotNumber } from './state.js';

export function aggregatorText({ slots, rows, claims, recovering, books }: Aggregator, renaming: Renaming): string {
  const { oldEdges } = renaming;
  const records = slots
    .map((record, slot) => {
      if (record.state === 'free') return '';
      const extra = record.state === 'held' ? (record.frozen ? 'f' : 'h') : `t${String(record.arrival)}`;
      return `${slotText(slot, renaming)}${ownerText(record, renaming)}${extra}`;
    })
    .sort();
  const cursors = oldEdges.map((edge) => {
    const row = rows[edge];
    if (row === undefined) return '';
    const isSettled = row.settled ? 1 : row.isPartial ? 2 : 0;
    const report = row.mustReport ? `m${String(row.acceptedSeq)}` : '';
    const numbers = [row.epoch, row.upTo, row.version, row.asOf, slotsText(row.slots, renaming), isSettled, report];
    return [...numbers, row.isUnknown ? 'u' : '', row.open.join(' ')].join('.');
  });
  const claimed = claims.map((claim) => placeText(claim, renaming));
  const awaited = oldEdges.map((edge) => (recovering[edge] === true ? 1 : 0));
  const text = `${records.join()};${cursors.join('+')};${claimed.join()};${awaited.join('')}`;
  return books === null ? text : `${text};${booksText(books, (words) => renameEdges(words, renaming))}`;
}

function renameEdges(words: string, { edges }: Renaming): string {
  if (edges.length < 2) return words;
  return words.replaceAll(/edge-(\d)/g, (_, digit: string) => edgeIdOf(edges[Number(digit) - 1] ?? 0));
}

export function edgeText({ epoch, logs, held, pending, waiting }: Readonly<Edge>, renaming: Renaming): string {
  const events = logs.map((log) => log.map((event) => eventText(event, renaming)).join());
  const inHand = pending.map((item) => pendingText(item, renaming));
  return `${String(epoch)}/${events.join('/')}/${heldText(held, renaming)}/${inHand.join()}/${waiting.join()}`;
}

export function vehiclesText(vehicles: readonly Vehicle[], renaming: Renaming): string {
  return vehicles
    .map((vehicle) => `${placeText(vehicle, renaming)}${vehicle.at}`)
    .sort()
    .join();
}

export function setsText(sets: readonly SetMessage[], renaming: Renaming): string {
  return sets
    .map((set) => `${ownerText(set, renaming)}${setText(set, renaming)}`)
    .sort()
    .join();
}

export function decisionsText(decisions: readonly DecisionMessage[], renaming: Renaming): string {
  return decisions
    .map((decision) => placeText(decision, renaming))
    .sort()
    .join();
}

type Owner = Pick<Vehicle, 'edge' | 'epoch'>;

function ownerText({ edge, epoch }: Owner, { edges }: Renaming): string {
  return `${String(edges[edge])}.${String(epoch)}.`;
}

function placeText(place: Owner & Pick<Vehicle, 'arrival' | 'slot'>, renaming: Renaming): string {
  return `${ownerText(place, renaming)}${String(place.arrival)}${slotText(place.slot, renaming)}`;
}

const letters = 'ABCDEFGH';

function slotText(slot: number, { slots }: Renaming): string {
  return letters[slots[slot] ?? -1] ?? '?';
}

function slotsText(slots: readonly number[], renaming: Renaming): string {
  return slots.length < 2
    ? slots.map((slot) => slotText(slot, renaming)).join('')
    : slots
        .map((slot) => slotText(slot, renaming))
        .sort()
        .join('');
}

function setText({ version, asOf, slots }: SetMessage, renaming: Renaming): string {
  return `${String(version)}.${String(asOf)}${slotsText(slots, renaming)}`;
}

function heldText(held: AllowanceState, renaming: Renaming): string {
  const slots = slotsText(
    held.slots.map(({ slotId }) => slotNumber(slotId)),
    renaming,
  );
  const parted = held.parted.map(({ slotId, seq }) => `${slotText(slotNumber(slotId), renaming)}${String(seq)}`).sort();
  return `${String(held.version)}.${String(held.forgottenUpTo)}.${slots}.${parted.join('')}`;
}

export function eventText(event: LoggedEvent, renaming: Renaming): string {
  switch (event.kind) {
    case 'arrived':
      return 'n';
    case 'admitted':
      return `a${String(event.arrival)}${slotText(event.slot, renaming)}`;
    case 'passed':
      return `p${String(event.arrival)}${slotText(event.slot, renaming)}`;
    case 'backed-out':
      return `b${String(event.arrival)}`;
    case 'left':
      return `l${String(event.arrival)}`;
    case 'accepted':
      return `r${String(event.version)}${slotsText(event.returned, renaming)}.${String(event.remaining)}`;
  }
}

function pendingText(pending: Pending, renaming: Renaming): string {
  if (pending.kind === 'admitted') return `a${String(pending.arrival)}${slotText(pending.slot, renaming)}`;
  const { set, acceptance } = pending;
  const offered = `r${String(set.epoch)}.${setText(set, renaming)}`;
  if (acceptance === null) return offered;
  const returned = slotsText(acceptance.returned.map(slotNumber), renaming);
  return `${offered}:${returned}${heldText(acceptance.state, renaming)}`;
}
