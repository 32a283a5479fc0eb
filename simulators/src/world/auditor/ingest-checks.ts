/** Events, cursors and epochs of one commit: in order, whole, once, on one chain of hashes. */
import type { ChangeSet, CursorRow } from '@gatehouse/aggregator';
import { canonicalJson } from '@gatehouse/shared';
import type { EdgeEvent } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import type { Audit } from './audit.js';
import { edgeBook, listAt, placeOf, recordAt, settle } from './edge-books.js';
import type { EdgeBook, EventRecord } from './edge-types.js';
import { passageOf } from './event-facts.js';
import { originOfRow } from './store-rows.js';

type EventRow = ChangeSet['events'][number];
/** How far the events of an epoch are taken. */
type Position = Pick<CursorRow, 'edgeId' | 'epoch' | 'upTo' | 'hash'>;

/** Before the rows are taken over. */
export function checkIngest(audit: Audit, changes: ChangeSet): void {
  const rows = new Map<string, EventRow[]>();
  for (const row of changes.events) {
    listAt(rows, row.edgeId).push(row);
    checkEvent(audit, row);
  }
  const covered = new Map<string, number>();
  for (const cursor of changes.cursors) {
    for (const end of endsOf(audit, changes, cursor)) {
      checkCursor(audit, changes, end, rows.get(end.edgeId) ?? []);
      covered.set(`${end.edgeId}:${end.epoch}`, end.upTo);
    }
  }
  for (const row of changes.events) checkCovered(audit, row, covered);
}

/** Where the cursor of an edge stood at the end of each epoch that it was in by this commit: those it left, and its own. */
function endsOf(audit: Audit, changes: ChangeSet, cursor: CursorRow): Position[] {
  const { edgeId, epoch } = cursor;
  const before = audit.store.cursors.get(edgeId);
  const left = changes.retiredEpochs.filter((row) => row.edgeId === edgeId && row.epoch !== epoch);
  if (before !== undefined && before.epoch !== epoch && !left.some((row) => row.epoch === before.epoch)) {
    audit.report('cursor-without-events', `${edgeId}: epoch ${before.epoch} was left and not retired`);
  }
  return [...left, cursor];
}

function checkEvent(audit: Audit, row: EventRow): void {
  const where = `${row.edgeId} ${placeOf(row.epoch, row.seq)} (${row.kind})`;
  const storedHash = audit.store.epoch(row.edgeId, row.epoch).hashes.get(row.seq);
  const storedAs = audit.store.origins.get(originOfRow(row));
  if (storedHash !== undefined && audit.store.storedUpTo(row.edgeId, row.epoch) >= row.seq) {
    audit.report('event-applied-twice', where);
  } else if (storedAs !== undefined) audit.report('event-applied-twice', `${where} is stored as ${storedAs}`);
  const edge = edgeBook(audit, row.edgeId);
  const record = recordAt(edge, row.epoch, row.seq, row.hash);
  if (record === undefined) {
    audit.report('stored-event-unknown', `${where}: no machine has committed it with the hash ${row.hash.slice(0, 8)}`);
    return;
  }
  if (record.event.kind !== row.kind) audit.report('stored-event-unknown', `${where}: was ${record.event.kind}`);
  settle(edge, record, 'stored');
}

function checkCovered(audit: Audit, row: EventRow, covered: ReadonlyMap<string, number>): void {
  if ((covered.get(`${row.edgeId}:${row.epoch}`) ?? 0) >= row.seq) return;
  audit.report(
    'events-without-cursor',
    `${row.edgeId} ${placeOf(row.epoch, row.seq)}: the cursor does not move with it`,
  );
}

function checkCursor(audit: Audit, changes: ChangeSet, end: Position, rows: readonly EventRow[]): void {
  const { edgeId, epoch, upTo } = end;
  const before = audit.store.cursors.get(edgeId);
  const isSame = before?.epoch === epoch;
  const from = isSame ? before.upTo : 0;
  if (upTo < from) {
    audit.report('cursor-without-events', `${edgeId}:${epoch}: from ${String(from)} back to ${String(upTo)}`);
    return;
  }
  const fromHash = isSame ? before.hash : sha256(epoch);
  const stored = new Map(rows.filter((row) => row.epoch === epoch).map((row) => [row.seq, row]));
  walk(audit, changes, end, { from, fromHash, stored });
}

interface Walk {
  readonly from: number;
  readonly fromHash: string;
  readonly stored: ReadonlyMap<number, EventRow>;
}

/** From where the cursor stood to where it stands: each event stored, known, in quarantine, or in a recorded gap. */
function walk(audit: Audit, changes: ChangeSet, cursor: Position, { from, fromHash, stored }: Walk): void {
  const { edgeId, epoch } = cursor;
  const edge = edgeBook(audit, edgeId);
  const gapRecorded = changes.reviews.some((row) => row.kind === 'events-gap' && row.edgeId === edgeId);
  let hash = fromHash;
  for (let seq = from + 1; seq <= cursor.upTo; seq += 1) {
    const where = `${edgeId} ${placeOf(epoch, seq)}`;
    const row = stored.get(seq);
    const record = row === undefined ? passedOver(audit, changes, cursor, seq) : recordAt(edge, epoch, seq, row.hash);
    if (record === undefined) {
      if (gapRecorded) for (const lost of edge.byPlace.get(placeOf(epoch, seq)) ?? []) loseInGap(audit, edge, lost);
      else if (row === undefined)
        audit.report('cursor-without-events', `${where}: passed over, to ${String(cursor.upTo)}`);
      hash = gapRecorded ? '' : (row?.hash ?? '');
      continue;
    }
    // After a gap the next event shows where the chain goes on.
    if (hash !== '' && record.prevHash !== '' && record.prevHash !== hash) {
      audit.report('stored-chain-broken', `${where}: does not follow what is stored before it`);
    }
    hash = record.hash;
  }
  if (hash !== '' && cursor.hash !== hash && cursor.upTo > 0) {
    audit.report('stored-chain-broken', `${edgeId} ${placeOf(epoch, cursor.upTo)}: the cursor has another hash`);
  }
}

/** It will never come: what it counted is not counted. */
function loseInGap(audit: Audit, edge: EdgeBook, record: EventRecord): void {
  if (record.settled === null) excusePassage(audit, record.event);
  settle(edge, record, 'gap');
}

/** An event that the cursor passes and that is not stored by this commit: known from before, or in quarantine. */
function passedOver(audit: Audit, changes: ChangeSet, cursor: Position, seq: number): EventRecord | undefined {
  const { edgeId, epoch } = cursor;
  const edge = edgeBook(audit, edgeId);
  const there = edge.byPlace.get(placeOf(epoch, seq)) ?? [];
  const quarantined = changes.quarantine.some((row) => row.edgeId === edgeId && row.epoch === epoch && row.seq === seq);
  for (const record of there) {
    const origin = `${edgeId}/${record.origin}`;
    if (audit.store.origins.has(origin) || changes.events.some((row) => originOfRow(row) === origin)) {
      settle(edge, record, 'known');
      return record;
    }
    if (!quarantined) continue;
    checkQuarantined(audit, record);
    settle(edge, record, 'quarantined');
    return record;
  }
  return undefined;
}

/** Only what speaks of a gate that no layout ever gave the edge cannot be applied. */
function checkQuarantined(audit: Audit, record: EventRecord): void {
  const { event } = record;
  const gateId = 'gateId' in event ? event.gateId : null;
  const edgeId = record.machine.replace(/~.*$/, '');
  const isTheirs = gateId === null || audit.store.gatesHad.has(`${edgeId}/${gateId}`);
  if (isTheirs) audit.report('event-quarantined', `${record.machine} ${record.origin}: ${event.kind}`);
  excusePassage(audit, event);
}

function excusePassage(audit: Audit, event: EdgeEvent): void {
  const direction = passageOf(event);
  if (direction === null || !('gateId' in event) || event.gateId === null) return;
  audit.street.gate(event.gateId).excused[direction] += 1;
}

/** The audit log's chain, and the numbers of notices. */
export function checkLogs(audit: Audit, changes: ChangeSet): void {
  let tail = audit.store.audit;
  for (const row of changes.audit) {
    const { hash, ...content } = row;
    const follows = row.auditId === (tail?.auditId ?? 0) + 1 && row.prevHash === (tail?.hash ?? '0'.repeat(64));
    if (!follows || sha256(canonicalJson(content)) !== hash) {
      audit.report('audit-chain-broken', `row ${String(row.auditId)} after ${String(tail?.auditId ?? 0)}`);
    }
    tail = { auditId: row.auditId, hash };
  }
  let last = audit.store.lastNoticeId;
  for (const { noticeId } of changes.notices) {
    if (noticeId <= last) audit.report('notices-out-of-order', `${String(noticeId)} after ${String(last)}`);
    last = Math.max(last, noticeId);
  }
}
