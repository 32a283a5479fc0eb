/** Everything that turns work on: the sites, the directory, and where the numbered rows stand. */
import { restoreSite } from '../../domain/engine.js';
import type { SiteState, StoredSite } from '../../domain/engine.js';
import type { KnownCredential } from '../../domain/inputs.js';
import type { StoredState } from '../ports.js';
import type { AuditTail } from './audit-chain.js';
import type { MemoryDirectory } from './memory-directory.js';

export interface Memory {
  readonly directory: MemoryDirectory;
  readonly sites: Map<string, SiteState>;
  lastNoticeId: number;
  lastAudit: AuditTail | null;
}

export function createMemory(directory: MemoryDirectory): Memory {
  return { directory, sites: new Map(), lastNoticeId: 0, lastAudit: null };
}

/** Throws away what is in memory and takes what the store holds. */
export function reloadMemory(memory: Memory, stored: StoredState): void {
  memory.directory.reload(stored);
  memory.sites.clear();
  for (const site of groupBySite(stored)) memory.sites.set(site.site.siteId, restoreSite(site));
  memory.lastNoticeId = stored.lastNoticeId;
  memory.lastAudit = stored.lastAudit;
}

function groupBySite(stored: StoredState): StoredSite[] {
  const ledgers = new Map(stored.ledgers.map((row) => [row.siteId, row]));
  const slots = bySite(stored.slots);
  const allowances = bySite(stored.allowances);
  const sessions = bySite(stored.sessions);
  const arrivals = bySite(stored.arrivals);
  const reviews = bySite(stored.reviews);
  const texts = new Map<string, KnownCredential>(stored.credentials.map((row) => [row.credentialId, row]));
  return stored.sites.map((site) => {
    const { siteId } = site;
    const ledger = ledgers.get(siteId);
    if (ledger === undefined) throw new Error(`site "${siteId}" has no ledger in the store`);
    const parts = {
      allowances: allowances.get(siteId) ?? [],
      sessions: sessions.get(siteId) ?? [],
      arrivals: arrivals.get(siteId) ?? [],
      reviews: reviews.get(siteId) ?? [],
    };
    return { site, ledger, slots: slots.get(siteId) ?? [], ...parts, credentials: credentialsOf(parts, texts) };
  });
}

function credentialsOf(
  parts: Pick<StoredSite, 'sessions' | 'arrivals' | 'reviews'>,
  texts: ReadonlyMap<string, KnownCredential>,
): Map<string, KnownCredential> {
  const found = new Map<string, KnownCredential>();
  for (const { credentialId } of [...parts.sessions, ...parts.arrivals, ...parts.reviews]) {
    const known = credentialId === null ? undefined : texts.get(credentialId);
    if (known !== undefined) found.set(known.credentialId, known);
  }
  return found;
}

function bySite<T extends { readonly siteId: string }>(rows: readonly T[]): Map<string, T[]> {
  const grouped = new Map<string, T[]>();
  for (const row of rows) {
    const list = grouped.get(row.siteId);
    if (list === undefined) grouped.set(row.siteId, [row]);
    else list.push(row);
  }
  return grouped;
}
