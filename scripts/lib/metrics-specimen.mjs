/** What both programs serve at `/metrics`, for a site that is made up so that every metric has something to tell. */
import { refusalReasons } from '../../aggregator/dist/adapters/broker/embedded/refusals.js';
import { decide, evolve, newSite } from '../../aggregator/dist/domain/engine.js';
import { createMetrics } from '../../aggregator/dist/http/metrics.js';
import { createEdgeMetrics } from '../../edge-agent/dist/http/metrics.js';
import { createVirtualClock, siteLayoutSchema, slotClasses } from '../../shared/dist/index.js';

/**
 * @typedef {import('../../aggregator/dist/app/aggregator.js').Aggregator} Aggregator
 * @typedef {import('../../aggregator/dist/app/aggregator.js').EdgeStatusView} EdgeStatusView
 * @typedef {import('../../edge-agent/dist/app/status.js').EdgeStatus} EdgeStatus
 */

const clock = createVirtualClock({ wallMs: 0, monoMs: 0 });
const [siteId, edgeId, gateId] = ['site', 'edge', 'gate'];

/** The exposition of an aggregator. */
export async function aggregatorExposition() {
  const metrics = createMetrics({ version: '0.0.0', processMetrics: false });
  metrics.attach(madeUpAggregator(), { clock, systemClock: clock });
  metrics.attachBroker(() => ({
    clients: 0,
    unauthenticated: 0,
    connectionsTotal: 0,
    messagesInTotal: 0,
    messagesOutTotal: 0,
    refusedTotal: Object.fromEntries(refusalReasons.map((reason) => [reason, 0])),
  }));
  metrics.attachMachine({
    storage: async () =>
      Promise.resolve({
        volumeFreeBytes: 0,
        volumeSizeBytes: 0,
        storeBytes: 0,
        storeLogBytes: 0,
        storeFreeBytes: 0,
        storeBehindMs: 0,
      }),
    certificates: [
      { listener: 'http', endSeconds: 0 },
      { listener: 'mqtt', endSeconds: 0 },
    ],
  });
  metrics.onRequest('GET', 'route', 200, 0);
  return Buffer.concat((await metrics.render()).pieces).toString();
}

function madeUpAggregator() {
  const state = madeUpSite();
  const status = madeUpStatus();
  const edge = { edgeId, siteId, revokedAtMs: null };
  return /** @type {Aggregator} */ (
    /** @type {unknown} */ ({
      siteIds: () => [siteId],
      site: () => state,
      edgeStatus: () => status,
      accessListStatus: () => ({ entries: 0, leftOut: 0 }),
      directory: { edges: () => [edge], edge: () => edge, vehicleCount: 0 },
      health: () => ({ ready: true, storeOk: true, linkOk: true, pendingOperations: 0, pendingBatches: 0 }),
    })
  );
}

/** With a slot of every class, a gate, and a review that waits. */
function madeUpSite() {
  const layout = siteLayoutSchema.parse({
    siteId,
    name: 'Site',
    zones: [{ zoneId: 'zone', name: 'Zone' }],
    slots: slotClasses.map((slotClass) => {
      return { slotId: slotClass, zoneId: 'zone', label: slotClass, slotClass };
    }),
    gates: [{ gateId, edgeId, name: 'Gate', direction: 'both' }],
  });
  const state = newSite(siteId);
  const context = { nowMs: 0, newId: () => '0'.repeat(32), decisionTtlMs: 1 };
  /** @type {import('../../aggregator/dist/domain/inputs.js').SiteInput[]} */
  const inputs = [
    { type: 'put-layout', layout, by: 'nobody', reason: '' },
    { type: 'unknown-event', edgeId, gateId, kind: 'newer' },
  ];
  for (const input of inputs) for (const fact of decide(state, input, context)) evolve(state, fact);
  return state;
}

/** @returns {EdgeStatusView} */
function madeUpStatus() {
  const instance = '0'.repeat(32);
  return {
    edgeId,
    siteId,
    presence: 'online',
    instance,
    lastState: {
      presence: 'online',
      instance,
      version: '0.0.0',
      epoch: instance,
      oldest: 1,
      next: 1,
      acked: 0,
      allowanceVersion: 0,
      clock: { atMs: 0, monoMs: 0, bootId: instance },
      outboxBytes: 0,
      outboxOldestAgeMs: 0,
      lastDecisionMs: 0,
      faults: [],
      gates: [],
    },
    lastStateAtMs: 0,
    lastSeenAtMs: 0,
    lastSeenMonoMs: 0,
    clockOffsetMs: 0,
    clockOff: false,
    epoch: instance,
    upTo: 0,
    backlogEvents: 0,
    outboxBytes: 0,
    conflict: null,
    allowance: { version: 0, settled: true, mustReport: false, held: 0, inSet: 0, frozen: 0 },
  };
}

/** The exposition of an edge agent. */
export async function edgeExposition() {
  const metrics = createEdgeMetrics({
    siteId,
    edgeId,
    version: '0.0.0',
    outboxLimitBytes: 0,
    processMetrics: false,
    volume: async () => Promise.resolve({ freeBytes: 0, sizeBytes: 0 }),
    certificateEnd: async () => Promise.resolve(0),
    missedEdges: new Map([[gateId, 0]]),
    readers: {
      counts: new Map([['reader', { reads: 0, ignored: 0, refused: 0 }]]),
      sources: [{ sourceId: 'reader', isUp: true }],
    },
  });
  metrics.attach(() => madeUpEdge());
  return (await metrics.render()).text;
}

function madeUpEdge() {
  return /** @type {EdgeStatus} */ (
    /** @type {unknown} */ ({
      siteId,
      edgeId,
      running: true,
      link: { up: true, downReason: null },
      outbox: { unacknowledged: 0, bytes: 0, oldestUnacknowledgedAgeMs: null, failing: null },
      faults: [],
      allowance: { version: 0, slots: 0, accessVersion: null },
      gates: [
        {
          gateId,
          barrier: 'closed',
          mode: 'automatic',
          faults: [],
          passages: { entry: 0, exit: 0 },
          direction: 'both',
        },
      ],
      counters: {},
    })
  );
}
