/**
 * Keeps an access list for each site: built when it is asked for, and again only after something that it depends on has changed
 * (a vehicle, a permit that begins or ends, the layout).
 */
import { wireLimits } from '@gatehouse/shared';
import type { Clock, Logger, Sha256 } from '@gatehouse/shared';
import type { AccessLists } from '../allowance/access.js';
import { siteRowOf } from '../../domain/engine.js';
import type { SiteState } from '../../domain/engine.js';
import type { Directory } from '../directory.js';
import type { ChangeSet } from '../ports.js';
import { createListedVehicles } from './listed-vehicles.js';
import { buildSiteList } from './site-list.js';
import type { SiteList } from './site-list.js';

export interface AccessListKeeper extends AccessLists {
  /** What a turn changed is stored. */
  onStored(changes: Pick<ChangeSet, 'vehicles' | 'removedVehicles' | 'erasedCredentials'>): void;
  /** Memory was read from the store. */
  onReloaded(): void;
  /** Some time went by: permits begin and end. */
  onTick(): void;
  status(siteId: string): AccessListStatus;
}

export interface AccessListStatus {
  readonly entries: number;
  /** Entries that did not fit. */
  readonly leftOut: number;
}

export interface AccessListPorts {
  readonly directory: Pick<Directory, 'vehicles' | 'credential'>;
  /** The time of permits. */
  readonly clock: Pick<Clock, 'wallMs'>;
  readonly sha256: Sha256;
  readonly logger: Logger;
  site(siteId: string): SiteState | undefined;
  siteIds(): Iterable<string>;
  /** The site's list may be another one now. */
  onChanged(siteId: string): void;
}

interface Built {
  readonly list: SiteList;
  readonly permitRequired: boolean;
  readonly builtAtMs: number;
}

const noList: SiteList = { version: 0, unlisted: 'admit', entries: [], leftOut: 0, changesAtMs: null };

export function createAccessLists(ports: AccessListPorts): AccessListKeeper {
  const { directory, clock, sha256, logger } = ports;
  const vehicles = createListedVehicles();
  /** One a site at most. */
  const lists = new Map<string, Built>();

  const isCurrent = ({ list, builtAtMs }: Built, nowMs: number): boolean =>
    nowMs >= builtAtMs && (list.changesAtMs === null || nowMs < list.changesAtMs);

  const listOf = (siteId: string): SiteList => {
    const site = ports.site(siteId);
    if (site === undefined) return noList;
    const nowMs = clock.wallMs();
    const { permitRequired } = siteRowOf(site).layout;
    const before = lists.get(siteId);
    if (before?.permitRequired === permitRequired && isCurrent(before, nowMs)) return before.list;
    const list = buildSiteList(sha256, {
      siteId,
      permitRequired,
      nowMs,
      blocked: vehicles.blocked(),
      withPermit: vehicles.withPermit(siteId),
      credential: (credentialId) => directory.credential(credentialId),
    });
    lists.set(siteId, { list, permitRequired, builtAtMs: nowMs });
    if (list.leftOut > 0) {
      const { leftOut, entries } = list;
      logger.warn(
        { siteId, entries: entries.length, leftOut },
        'the access list of the site is cut: it has no room for all',
      );
    }
    return list;
  };

  /** null: every site. */
  const forget = (sites: Iterable<string> | null): void => {
    for (const siteId of sites ?? ports.siteIds()) {
      lists.delete(siteId);
      ports.onChanged(siteId);
    }
  };

  return {
    version: (siteId) => listOf(siteId).version,
    of(siteId, epoch) {
      const { version, unlisted, entries } = listOf(siteId);
      const { maxAccessEntries } = wireLimits;
      return {
        version,
        unlisted,
        pageCount: Math.max(1, Math.ceil(entries.length / maxAccessEntries)),
        page: (number) =>
          entries.slice((number - 1) * maxAccessEntries, number * maxAccessEntries).map(({ credential, rule }) => ({
            digest: sha256(`${epoch}:${credential.kind}:${credential.value}`),
            rule,
          })),
      };
    },
    onStored({ vehicles: rows, removedVehicles, erasedCredentials }) {
      let sites: Set<string> | null = new Set();
      const touched = [
        ...rows.map((row) => vehicles.put(row)),
        ...removedVehicles.map((vehicleId) => vehicles.remove(vehicleId)),
      ];
      for (const some of touched) sites = sites === null || some === null ? null : new Set([...sites, ...some]);
      if (erasedCredentials.length > 0) sites = null;
      if (sites === null || sites.size > 0) forget(sites);
    },
    onReloaded() {
      vehicles.reset(directory.vehicles());
      forget(null);
    },
    onTick() {
      const nowMs = clock.wallMs();
      forget([...lists].filter(([, built]) => !isCurrent(built, nowMs)).map(([siteId]) => siteId));
    },
    status(siteId) {
      const { entries, leftOut } = listOf(siteId);
      return { entries: entries.length, leftOut };
    },
  };
}
