/** Whom the entries of one site must turn away, or may let in, when nobody can be asked. */
import { wireLimits } from '@gatehouse/shared';
import type { AccessPage, AccessRule, Sha256 } from '@gatehouse/shared';
import { hasPermit } from '../../domain/room.js';
import type { KnownCredential } from '../../domain/inputs.js';
import type { VehicleRow } from '../../domain/rows.js';

/** Entries of one list, at most. */
export const maxListEntries = wireLimits.maxAccessEntries * wireLimits.maxAccessPages;

export interface SiteListEntry {
  readonly credential: KnownCredential;
  readonly rule: AccessRule;
}

export interface SiteList {
  /**
   * Drawn from what the list says, so that the same list has the same version after a restart, too. The ids of credentials go into
   * it and not their texts: those could be found out by trying. 0: nobody is listed, and everybody is let in.
   */
  readonly version: number;
  readonly unlisted: AccessPage['unlisted'];
  /** Blocked ones first. */
  readonly entries: readonly SiteListEntry[];
  /** Entries that did not fit. */
  readonly leftOut: number;
  /** When a permit begins or ends next; null for never. */
  readonly changesAtMs: number | null;
}

export interface SiteListSource {
  readonly siteId: string;
  readonly permitRequired: boolean;
  readonly nowMs: number;
  readonly blocked: Iterable<VehicleRow>;
  /** With a permit for the site, whether or not it holds now. */
  readonly withPermit: Iterable<VehicleRow>;
  /** undefined when its text is erased. */
  credential(credentialId: string): KnownCredential | undefined;
}

export function buildSiteList(sha256: Sha256, source: SiteListSource): SiteList {
  const blocked = credentialsOf(source, source.blocked);
  const unlisted = source.permitRequired ? 'deny' : 'admit';
  const holders = source.permitRequired ? [...source.withPermit] : [];
  const permitted = credentialsOf(
    source,
    holders.filter((row) => isPermitted(source, row)),
  );
  const all: SiteListEntry[] = [
    ...blocked.map((credential) => ({ credential, rule: 'blocked' }) as const),
    ...permitted.map((credential) => ({ credential, rule: 'permitted' }) as const),
  ];
  const entries = all.slice(0, maxListEntries);
  return {
    version: versionOf(sha256, unlisted, entries),
    unlisted,
    entries,
    leftOut: all.length - entries.length,
    changesAtMs: nextChange(source, holders),
  };
}

/** In the order of their ids: the same vehicles make the same list. */
function credentialsOf(source: SiteListSource, rows: Iterable<VehicleRow>): KnownCredential[] {
  const found: KnownCredential[] = [];
  for (const { credentialId } of rows) {
    const credential = source.credential(credentialId);
    if (credential !== undefined) found.push(credential);
  }
  return found.sort((one, other) => (one.credentialId < other.credentialId ? -1 : 1));
}

function isPermitted({ siteId, nowMs }: SiteListSource, row: VehicleRow): boolean {
  const { vehicleId, slotClass, permits } = row;
  const isBlocked = row.blockedReason !== null;
  return !isBlocked && hasPermit(siteId, { vehicleId, slotClass, blocked: isBlocked, permits }, null, nowMs);
}

function nextChange({ siteId, nowMs }: SiteListSource, holders: readonly VehicleRow[]): number | null {
  let next: number | null = null;
  for (const { permits } of holders) {
    for (const { siteId: permitSite, fromMs, toMs } of permits) {
      if (permitSite !== siteId) continue;
      for (const atMs of [fromMs, toMs])
        if (atMs !== null && atMs > nowMs && (next === null || atMs < next)) next = atMs;
    }
  }
  return next;
}

const versionDigits = 12;

function versionOf(sha256: Sha256, unlisted: AccessPage['unlisted'], entries: readonly SiteListEntry[]): number {
  if (unlisted === 'admit' && entries.length === 0) return 0;
  const text = [unlisted, ...entries.map(({ credential, rule }) => `${rule}:${credential.credentialId}`)].join('\n');
  return Math.max(1, Number.parseInt(sha256(text).slice(0, versionDigits), 16));
}
