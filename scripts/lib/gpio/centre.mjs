/** A real aggregator beside the machine, with its data in a folder of its own, asked through its API. */
import { System, until } from '../../../simulators/dist/index.js';

/**
 * @typedef {{ siteId: string, edgeId: string, code: string }} Place
 *
 * @typedef {object} StoredEvent
 * @property {string} epoch
 * @property {number} seq
 * @property {string} kind
 * @property {string | null} gateId
 * @property {Record<string, unknown>} body
 *
 * @typedef {object} Knowledge What the aggregator tells of a site and its edge.
 * @property {StoredEvent[]} events oldest first
 * @property {Record<string, unknown>[]} sessions
 * @property {Record<string, unknown>[]} reviews
 * @property {{ vehiclesInside: number, sessionsOpen: number, entriesTotal: number, exitsTotal: number }} occupancy
 * @property {{ online: boolean, outboxEvents: number | null }} edge
 * @property {unknown[]} quarantine
 */

const slots = 20;
const readyTimeoutMs = 120_000;

export async function startCentre() {
  const system = new System();
  await system.launchAggregator();
  await until('the aggregator is ready', async () => (await fetch(`${system.url}/readyz`)).ok, readyTimeoutMs);
  return {
    ports: { mqtt: system.mqttPort, http: system.httpPort },

    /** A site with the gates of the machine, and its edge registered: with the code the agent enrols.
     * @param {string} siteId
     * @returns {Promise<Place>}
     */
    async register(siteId) {
      const edgeId = `${siteId}-pi`;
      await system.createSite(siteId, slots, [
        { gateId: 'entry-1', edgeId, direction: 'entry' },
        { gateId: 'exit-1', edgeId, direction: 'exit' },
        { gateId: 'entry-2', edgeId, direction: 'entry' },
      ]);
      return { siteId, edgeId, code: await system.registerEdge(siteId, edgeId) };
    },

    /** @param {Place} place */
    events: ({ siteId }) => eventsOf(system, siteId),

    /** @param {Place} place @returns {Promise<Knowledge>} */
    async asked({ siteId, edgeId }) {
      const site = `/api/v1/sites/${siteId}`;
      return {
        events: await eventsOf(system, siteId),
        sessions: await system.list(`${site}/sessions`),
        reviews: await system.list(`${site}/reviews`),
        occupancy: await system.api('GET', `${site}/occupancy`),
        edge: await system.api('GET', `/api/v1/edges/${edgeId}`),
        quarantine: await system.list('/api/v1/quarantine'),
      };
    },

    stop: () => system.stop(),
  };
}

/** @typedef {Awaited<ReturnType<typeof startCentre>>} Centre */

/** @param {System} system @param {string} siteId @returns {Promise<StoredEvent[]>} */
async function eventsOf(system, siteId) {
  const events = /** @type {StoredEvent[]} */ (await system.list(`/api/v1/events?siteId=${siteId}`));
  return events.reverse();
}
