/** Books about edges: what each machine's outbox holds, what was ever committed, what became of it. */
import type { EdgeEvent } from '@gatehouse/shared';
import type { OutboxEvent } from '@gatehouse/edge-agent';
import type { MachineId } from '../happenings.js';
import type { Audit } from './audit.js';
import type { EdgeBook, EventRecord, MachineBook, Settlement } from './edge-types.js';

export function edgeBook(audit: Audit, edgeId: string): EdgeBook {
  let book = audit.edges.get(edgeId);
  if (book === undefined) {
    book = {
      edgeId,
      epochsUsed: new Set(),
      byPlace: new Map(),
      byOrigin: new Map(),
      order: [],
      dubious: false,
      doneCommands: new Set(),
      heldOpen: new Set(),
      takenAlong: { entry: 0, exit: 0 },
    };
    audit.edges.set(edgeId, book);
  }
  return book;
}

export function machineBook(audit: Audit, machine: MachineId): MachineBook {
  let book = audit.machines.get(machine);
  if (book === undefined) {
    book = {
      machine,
      edgeId: machine.replace(/~.*$/, ''),
      running: false,
      epoch: null,
      next: 1,
      lastHash: '',
      released: 0,
      instance: null,
      shown: null,
      trouble: { active: 0, unproven: false },
      lanes: new Map(),
      commands: new Map(),
      lossToReport: { entry: 0, exit: 0 },
    };
    audit.machines.set(machine, book);
  }
  return book;
}

export function placeOf(epoch: string, seq: number): string {
  return `${epoch}:${String(seq)}`;
}

export function addRecord(
  audit: Audit,
  edge: EdgeBook,
  machine: MachineId,
  at: { readonly epoch: string; readonly prevHash: string },
  { seq, hash, json }: OutboxEvent,
): EventRecord {
  const event = JSON.parse(json) as EdgeEvent;
  const { epoch, prevHash } = at;
  const { origin } = event;
  const first =
    origin === undefined ? `${epoch}:${String(seq)}:${hash}` : `${origin.epoch}:${String(origin.seq)}:${origin.hash}`;
  const record: EventRecord = {
    machine,
    epoch,
    seq,
    hash,
    prevHash,
    json,
    event,
    origin: first,
    settled: null,
    inOutbox: true,
    destroyedAtMs: null,
  };
  listAt(edge.byPlace, placeOf(epoch, seq)).push(record);
  listAt(edge.byOrigin, first).push(record);
  edge.order.push(record);
  if (edge.order.length > audit.bounds.rememberedEvents * 2) forgetSettled(audit, edge);
  return record;
}

/** The record of exactly this event. */
export function recordAt(edge: EdgeBook, epoch: string, seq: number, hash: string): EventRecord | undefined {
  return edge.byPlace.get(placeOf(epoch, seq))?.find((record) => record.hash === hash);
}

/** The event is no longer owed, by whatever names it went. */
export function settle(edge: EdgeBook, record: EventRecord, as: Settlement): void {
  record.settled ??= as;
  if (as !== 'stored' && as !== 'known') return;
  for (const other of edge.byOrigin.get(record.origin) ?? []) other.settled ??= 'known';
}

/** Keeps the newest; what is still owed stays whatever its age. */
function forgetSettled(audit: Audit, edge: EdgeBook): void {
  const cut = edge.order.length - audit.bounds.rememberedEvents;
  const old = edge.order.splice(0, cut);
  const owed = old.filter((record) => record.settled === null);
  for (const record of old) {
    if (record.settled === null) continue;
    removeFrom(edge.byPlace, placeOf(record.epoch, record.seq), record);
    removeFrom(edge.byOrigin, record.origin, record);
  }
  edge.order.unshift(...owed);
}

export function listAt<T>(map: Map<string, T[]>, key: string): T[] {
  let list = map.get(key);
  if (list === undefined) {
    list = [];
    map.set(key, list);
  }
  return list;
}

function removeFrom<T>(map: Map<string, T[]>, key: string, item: T): void {
  const left = (map.get(key) ?? []).filter((other) => other !== item);
  if (left.length === 0) map.delete(key);
  else map.set(key, left);
}
