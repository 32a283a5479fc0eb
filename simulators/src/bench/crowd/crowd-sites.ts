/** Car parks for a crowd of edges: each edge runs one lane, every other one an entry. */
import { redeemCode } from '@gatehouse/edge-agent';
import type { System } from '../../processes/index.js';
import type { CrowdAccount } from './crowd-edge.js';

export interface CrowdSize {
  readonly sites: number;
  readonly edgesPerSite: number;
}

/** What lets so many edges be registered by one key, and enrol from one address, within a minute. */
export const crowdSettings = {
  http: {
    rate: {
      enrolmentsPerAddressPerMinute: 10_000,
      requestsPerKeyPerMinute: 1_000_000,
      requestsPerAddressPerMinute: 1_000_000,
    },
  },
};

/** Edges that are registered and enrolled at the same time. */
const atOnce = 24;
/** Edges that share an address, as behind the router of a car park: fewer than the broker takes from one. */
const edgesPerAddress = 250;

export async function createCrowdSites(system: System, { sites, edgesPerSite }: CrowdSize): Promise<CrowdAccount[]> {
  const accounts: CrowdAccount[] = [];
  const waiting: Omit<CrowdAccount, 'password'>[] = [];
  for (let site = 1; site <= sites; site += 1) {
    const siteId = `park-${String(site)}`;
    const edges = Array.from({ length: edgesPerSite }, (_, index) => {
      const edgeId = `${siteId}-e${String(index + 1)}`;
      const direction = index % 2 === 0 ? ('entry' as const) : ('exit' as const);
      const place = (site - 1) * edgesPerSite + index;
      return { siteId, edgeId, gateId: `${edgeId}-lane`, direction, from: addressOf(place) };
    });
    await createSite(system, siteId, edges);
    waiting.push(...edges);
  }
  waiting.reverse();
  const enrolOneByOne = async (): Promise<void> => {
    for (let edge = waiting.pop(); edge !== undefined; edge = waiting.pop()) {
      const { password } = await redeemCode(system.url, await system.registerEdge(edge.siteId, edge.edgeId), false);
      accounts.push({ ...edge, password });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, enrolOneByOne));
  return accounts;
}

/** A loopback address. */
function addressOf(place: number): string {
  const number = Math.floor(place / edgesPerAddress);
  return `127.0.${String(1 + Math.floor(number / 250))}.${String(1 + (number % 250))}`;
}

async function createSite(
  system: System,
  siteId: string,
  edges: readonly Pick<CrowdAccount, 'edgeId' | 'gateId' | 'direction'>[],
): Promise<void> {
  await system.api('PUT', `/api/v1/sites/${siteId}`, {
    siteId,
    name: siteId,
    zones: [{ zoneId: 'ground', name: 'Ground' }],
    slots: Array.from({ length: 2 * edges.length }, (_, index) => ({
      slotId: `s${String(index + 1)}`,
      zoneId: 'ground',
      label: String(index + 1),
    })),
    gates: edges.map(({ edgeId, gateId, direction }) => ({ gateId, edgeId, name: gateId, direction })),
  });
}
