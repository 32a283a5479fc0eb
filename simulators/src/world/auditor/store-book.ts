/** The aggregator's rows as they were committed, kept apart from the engine, with the sums that checks need. */
import {
  capacityOf,
  newSite,
  noteHolding,
  putArrival,
  putCursor,
  putEvent,
  putReview,
  putSession,
  putSlot,
} from './store-rows.js';
import type { StoreBook, StoredEpoch } from './store-types.js';

export function createStoreBook(): StoreBook {
  const epochs = new Map<string, StoredEpoch>();
  const edgeSites = new Map<string, string>();
  const book: StoreBook = {
    sites: new Map(),
    cursors: new Map(),
    arrivals: new Map(),
    decisions: new Map(),
    credentials: new Map(),
    commands: new Set(),
    openReviews: new Map(),
    alarms: [],
    passages: new Map(),
    releasedByHand: new Set(),
    lastHeld: new Map(),
    mustReport: new Map(),
    origins: new Map(),
    revoked: new Set(),
    retired: new Set(),
    lost: new Map(),
    gateSites: new Map(),
    gateEdges: new Map(),
    entryEdges: new Set(),
    gatesHad: new Set(),
    lastNoticeId: 0,
    audit: null,
    replacedAtMs: null,
    site(siteId) {
      let site = book.sites.get(siteId);
      if (site === undefined) {
        site = newSite(siteId);
        book.sites.set(siteId, site);
      }
      return site;
    },
    slot: (siteId, slotId) => book.sites.get(siteId)?.slots.get(slotId),
    siteOfEdge: (edgeId) => edgeSites.get(edgeId),
    epoch(edgeId, epoch) {
      const key = `${edgeId}:${epoch}`;
      let stored = epochs.get(key);
      if (stored === undefined) {
        stored = { upTo: 0, hash: '', everUpTo: 0, hashes: new Map() };
        epochs.set(key, stored);
      }
      return stored;
    },
    storedUpTo: (edgeId, epoch) => epochs.get(`${edgeId}:${epoch}`)?.upTo ?? 0,
    everStoredUpTo: (edgeId, epoch) => epochs.get(`${edgeId}:${epoch}`)?.everUpTo ?? 0,
    isRestored: (siteId) => (book.sites.get(siteId)?.restored ?? null) !== null,
    clear() {
      const kept = [...book.sites.values()].map(({ siteId, layout, explained, mostCapacity }) => {
        return { siteId, layout, explained, mostCapacity };
      });
      book.sites.clear();
      for (const site of kept) Object.assign(book.site(site.siteId), site);
      for (const map of [book.cursors, book.arrivals, book.decisions, book.openReviews, book.passages]) map.clear();
      for (const map of [book.origins, book.lost, book.lastHeld, book.mustReport]) map.clear();
      for (const set of [book.commands, book.revoked, book.retired, book.entryEdges, book.gatesHad]) set.clear();
      for (const stored of epochs.values()) {
        stored.upTo = 0;
        stored.hash = '';
        stored.hashes.clear();
      }
      book.lastNoticeId = 0;
      book.audit = null;
    },
    apply(changes, atMs) {
      for (const edge of changes.edges) {
        edgeSites.set(edge.edgeId, edge.siteId);
        if (edge.revokedAtMs === null) book.revoked.delete(edge.edgeId);
        else book.revoked.add(edge.edgeId);
      }
      for (const row of changes.credentials) book.credentials.set(row.credentialId, row.value);
      for (const row of changes.commands) book.commands.add(row.commandId);
      for (const row of changes.sites) {
        book.site(row.siteId).layout = row.layout;
        for (const { gateId, edgeId, direction } of row.layout.gates) {
          if (direction !== 'exit') book.entryEdges.add(edgeId);
          book.gateSites.set(gateId, row.siteId);
          book.gateEdges.set(gateId, edgeId);
          book.gatesHad.add(`${edgeId}/${gateId}`);
        }
      }
      for (const { siteId, slotId } of changes.removedSlots) putSlot(book.site(siteId), slotId, undefined);
      for (const row of changes.slots) noteHolding(book, row, atMs);
      for (const row of changes.allowances) {
        if (row.mustReport) book.mustReport.set(row.edgeId, row.siteId);
        else book.mustReport.delete(row.edgeId);
      }
      for (const row of changes.slots) putSlot(book.site(row.siteId), row.slotId, { ...row });
      for (const { siteId } of [...changes.sites, ...changes.slots]) {
        const site = book.site(siteId);
        site.mostCapacity = Math.max(site.mostCapacity, capacityOf(site));
      }
      for (const row of changes.sessions) putSession(book.site(row.siteId), { ...row });
      for (const row of changes.arrivals) putArrival(book, { ...row });
      for (const row of changes.ledgers) book.site(row.siteId).ledger = { ...row };
      for (const row of changes.reviews) putReview(book, row, atMs);
      for (const row of changes.retiredEpochs) {
        book.epoch(row.edgeId, row.epoch).upTo = row.upTo;
        book.retired.add(`${row.edgeId}:${row.epoch}`);
      }
      for (const row of changes.removedRetiredEpochs) book.retired.delete(`${row.edgeId}:${row.epoch}`);
      for (const row of changes.cursors) putCursor(book, { ...row });
      for (const row of changes.events) putEvent(book, row);
      book.lastNoticeId = changes.notices.reduce((last, row) => Math.max(last, row.noticeId), book.lastNoticeId);
      book.audit = changes.audit.reduce(
        (last, row) => (last === null || row.auditId > last.auditId ? row : last),
        book.audit,
      );
    },
  };
  return book;
}
