/** Sites and edges that load comes from: made and enrolled over the interface that everybody uses. */
import { redeemCode } from '@gatehouse/edge-agent';
import type { System } from '../../processes/index.js';
import type { StoryEdge } from './story.js';
import { storySlots } from './story.js';

export interface EnrolledEdge extends StoryEdge {
  readonly password: string;
}

export interface LoadSize {
  readonly sites: number;
  readonly edgesPerSite: number;
}

/** What lets so many edges enrol from one address within a minute. */
export const enrolmentSettings = { http: { rate: { enrolmentsPerAddressPerMinute: 10_000 } } };

/** Edges that are enrolled at the same time. */
const enrolAtOnce = 16;
/** Slots of each edge's zone: half of what nobody stands on may be set aside for it. */
const slotsPerEdge = 3 * storySlots;

/** Each edge has two entries, two exits and a zone that is the nearest to its entries. */
export async function createLoadSites(system: System, { sites, edgesPerSite }: LoadSize): Promise<EnrolledEdge[]> {
  const enrolled: EnrolledEdge[] = [];
  for (let site = 1; site <= sites; site += 1) {
    const siteId = `load-${String(site)}`;
    const edges = Array.from({ length: edgesPerSite }, (_, index) => storyEdge(siteId, index + 1));
    await createSite(system, siteId, edges);
    for (let from = 0; from < edges.length; from += enrolAtOnce) {
      const some = edges.slice(from, from + enrolAtOnce);
      enrolled.push(...(await Promise.all(some.map((edge) => enrol(system, edge)))));
    }
  }
  return enrolled;
}

/** The edges that `createLoadSites` makes, site after site. */
export function edgesOf({ sites, edgesPerSite }: LoadSize): StoryEdge[] {
  return Array.from({ length: sites * edgesPerSite }, (_, index) =>
    storyEdge(`load-${String(Math.floor(index / edgesPerSite) + 1)}`, (index % edgesPerSite) + 1),
  );
}

function storyEdge(siteId: string, number: number): StoryEdge {
  const edgeId = `${siteId}-e${String(number)}`;
  return {
    siteId,
    edgeId,
    entryGateIds: [1, 2].map((gate) => `${edgeId}-in-${String(gate)}`),
    exitGateIds: [1, 2].map((gate) => `${edgeId}-out-${String(gate)}`),
    slotIds: Array.from({ length: slotsPerEdge }, (_, index) => `e${String(number)}-${String(index + 1)}`),
  };
}

async function createSite(system: System, siteId: string, edges: readonly StoryEdge[]): Promise<void> {
  const zoneOf = ({ edgeId }: StoryEdge): string => `zone-${edgeId}`;
  await system.api('PUT', `/api/v1/sites/${siteId}`, {
    siteId,
    name: siteId,
    zones: edges.map((edge) => ({ zoneId: zoneOf(edge), name: zoneOf(edge) })),
    slots: edges.flatMap((edge) =>
      edge.slotIds.map((slotId) => ({ slotId, zoneId: zoneOf(edge), label: slotId.toUpperCase() })),
    ),
    gates: edges.flatMap((edge) => [
      ...edge.entryGateIds.map((gateId) => ({
        gateId,
        edgeId: edge.edgeId,
        name: gateId,
        direction: 'entry',
        nearestZones: [zoneOf(edge)],
      })),
      ...edge.exitGateIds.map((gateId) => ({ gateId, edgeId: edge.edgeId, name: gateId, direction: 'exit' })),
    ]),
  });
}

async function enrol(system: System, edge: StoryEdge): Promise<EnrolledEdge> {
  const code = await system.registerEdge(edge.siteId, edge.edgeId);
  const { password } = await redeemCode(system.url, code, false);
  return { ...edge, password };
}
