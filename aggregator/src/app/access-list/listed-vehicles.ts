/** Of all vehicles, those that an access list may name: found without looking through the others. */
import type { VehicleRow } from '../../domain/rows.js';

export interface ListedVehicles {
  /** Forgets everything and takes these. */
  reset(rows: Iterable<VehicleRow>): void;
  /** Follows a row; answers the sites whose lists it may change: null for all. */
  put(row: VehicleRow): ReadonlySet<string> | null;
  remove(vehicleId: string): ReadonlySet<string> | null;
  blocked(): Iterable<VehicleRow>;
  /** With a permit for the site, whether or not it holds now. */
  withPermit(siteId: string): Iterable<VehicleRow>;
}

export function createListedVehicles(): ListedVehicles {
  /** Blocked, or with a permit. */
  const listed = new Map<string, VehicleRow>();
  const blocked = new Map<string, VehicleRow>();
  const bySite = new Map<string, Map<string, VehicleRow>>();

  const remove = (vehicleId: string): ReadonlySet<string> | null => {
    const row = listed.get(vehicleId);
    if (row === undefined) return nowhere;
    listed.delete(vehicleId);
    blocked.delete(vehicleId);
    for (const { siteId } of row.permits) {
      const ofSite = bySite.get(siteId);
      ofSite?.delete(vehicleId);
      if (ofSite?.size === 0) bySite.delete(siteId);
    }
    return sitesOf(row);
  };

  const add = (row: VehicleRow): ReadonlySet<string> | null => {
    const { vehicleId, permits } = row;
    if (row.blockedReason === null && permits.length === 0) return nowhere;
    listed.set(vehicleId, row);
    if (row.blockedReason !== null) blocked.set(vehicleId, row);
    for (const { siteId } of permits) {
      const ofSite = bySite.get(siteId) ?? new Map<string, VehicleRow>();
      bySite.set(siteId, ofSite.set(vehicleId, row));
    }
    return sitesOf(row);
  };

  return {
    reset(rows) {
      for (const map of [listed, blocked, bySite]) map.clear();
      for (const row of rows) add(row);
    },
    put(row) {
      const before = remove(row.vehicleId);
      const after = add(row);
      return before === null || after === null ? null : new Set([...before, ...after]);
    },
    remove,
    blocked: () => blocked.values(),
    withPermit: (siteId) => bySite.get(siteId)?.values() ?? [],
  };
}

const nowhere: ReadonlySet<string> = new Set();

/** A blocked vehicle is turned away everywhere. */
function sitesOf(row: VehicleRow): ReadonlySet<string> | null {
  return row.blockedReason === null ? new Set(row.permits.map(({ siteId }) => siteId)) : null;
}
