/** What the lists mean, for the in-memory store: which rows match a filter, in which order, and where a page begins. */
import { Buffer } from 'node:buffer';
import type {
  AuditRow,
  EventFilter,
  EventRow,
  Page,
  PageRequest,
  QuarantineRow,
  ReviewFilter,
  SessionFilter,
} from '../../app/ports.js';
import type { ReviewRow, SessionRow } from '../../domain/rows.js';
import { decodeCursor, encodeCursor } from './cursors.js';
import type { CursorPart, ListName } from './cursors.js';

/** Rows in one page, whatever was asked for. */
export const maxPageRows = 10_000;

export function matchesSession(filter: SessionFilter): (row: SessionRow) => boolean {
  return (row) =>
    filter.siteId === row.siteId &&
    (filter.states === undefined || filter.states.includes(row.state)) &&
    same(filter.credentialId, row.credentialId) &&
    same(filter.vehicleId, row.vehicleId) &&
    same(filter.slotId, row.slotId) &&
    (filter.gateId === undefined || filter.gateId === row.entryGateId || filter.gateId === row.exitGateId) &&
    within(filter.enteredFromMs, filter.enteredBeforeMs, row.entryAtMs) &&
    within(filter.exitedFromMs, filter.exitedBeforeMs, row.exitAtMs);
}

export function matchesEvent(filter: EventFilter): (row: EventRow) => boolean {
  return (row) =>
    same(filter.siteId, row.siteId) &&
    same(filter.edgeId, row.edgeId) &&
    same(filter.gateId, row.gateId) &&
    same(filter.kind, row.kind) &&
    within(filter.fromMs, filter.beforeMs, row.receivedAtMs);
}

export function matchesReview(filter: ReviewFilter): (row: ReviewRow) => boolean {
  return (row) =>
    same(filter.siteId, row.siteId) &&
    same(filter.kind, row.kind) &&
    (filter.open === undefined || filter.open === (row.resolvedAtMs === null));
}

export const sessionPlace = (row: SessionRow): CursorPart[] => [row.entryAtMs, row.siteId, row.sessionId];
export const eventPlace = (row: EventRow): CursorPart[] => [row.receivedAtMs, row.edgeId, row.epoch, row.seq];
export const reviewPlace = (row: ReviewRow): CursorPart[] => [row.openedAtMs, row.siteId, row.reviewId];
export const quarantinePlace = (row: QuarantineRow): CursorPart[] => [row.receivedAtMs, row.quarantineId];
export const auditPlace = (row: AuditRow): CursorPart[] => [row.auditId];

/** The text as it is compared when case does not matter. */
export function foldCase(text: string): string {
  return text.toLowerCase();
}

/** Sorts, skips to the cursor and cuts a page out of rows that all match. */
export function pageOf<T>(
  list: ListName,
  rows: readonly T[],
  page: PageRequest,
  place: (row: T) => CursorPart[],
  direction: 'ascending' | 'descending',
): Page<T> {
  const sign = direction === 'ascending' ? 1 : -1;
  const after = page.cursor === null ? null : decodeCursor(list, page.cursor);
  const remaining = rows
    .filter((row) => after === null || sign * comparePlaces(place(row), after) > 0)
    .sort((one, other) => sign * comparePlaces(place(one), place(other)));
  const items = remaining.slice(0, Math.min(page.limit, maxPageRows));
  const last = items.at(-1);
  return {
    items,
    nextCursor: remaining.length > items.length && last !== undefined ? encodeCursor(list, place(last)) : null,
  };
}

/** Compares member by member: numbers by size, texts by their UTF-8 bytes, as SQLite does. */
export function comparePlaces(one: readonly CursorPart[], other: readonly CursorPart[]): number {
  for (const [index, left] of one.entries()) {
    const right = other[index];
    if (left === right || right === undefined) continue;
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return Buffer.compare(Buffer.from(String(left)), Buffer.from(String(right)));
  }
  return 0;
}

function same<T>(wanted: T | undefined, value: T | null): boolean {
  return wanted === undefined || wanted === value;
}

function within(from: number | undefined, before: number | undefined, value: number | null): boolean {
  if (from === undefined && before === undefined) return true;
  return value !== null && (from === undefined || value >= from) && (before === undefined || value < before);
}
