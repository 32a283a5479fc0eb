/** What other workspaces may use of the aggregator: the assembled application, its ports, and the adapters that simulators run it with. */
export { createEmbeddedBroker, embeddedBrokerSettingsSchema } from './adapters/broker/embedded/index.js';
export type { EmbeddedBroker, EmbeddedBrokerSettings } from './adapters/broker/embedded/index.js';
export { createMemoryBacking, createMemoryStore } from './adapters/store/memory/index.js';
export type { MemoryBacking, MemoryStore } from './adapters/store/memory/index.js';
export { createSqliteStore } from './adapters/store/sqlite/index.js';
export * from './app/aggregator.js';
export * from './app/authenticator.js';
export * from './app/observer.js';
export type { Actor } from './app/operations/actor.js';
export { needsOf, typedCredential } from './app/operations/credentials.js';
export {
  enrolmentCodeHash,
  newEnrolmentCode,
  redeemEnrolmentCode,
  registerEdge,
  releaseHoldings,
  renewEnrolmentCode,
  revokeEdge,
} from './app/operations/edges.js';
export { admitArrival } from './app/operations/gates.js';
export { resolveReview } from './app/operations/reviews.js';
export { closeSession, mergeSessions, moveSession } from './app/operations/sessions.js';
export { correctCount, overrideRecovery, putLayout } from './app/operations/sites.js';
export { assignSlot, releaseSlot, setOutOfService } from './app/operations/slots.js';
export { blockVehicle, createVehicle } from './app/operations/vehicles.js';
export * from './app/ports.js';
export * from './app/settings.js';
export { openArrivals, openReviews, sessionsInside, siteRowOf, slotsOf, summaryOf } from './domain/engine.js';
export { decide, evolve, newSite, restoreSite } from './domain/engine.js';
export type { SiteFact, SiteState, SiteSummary, StoredSite } from './domain/engine.js';
export { newAllowance } from './domain/evolve-allowance.js';
export type { EdgeEventInput, SiteInput } from './domain/inputs.js';
export { Refusal } from './domain/refusal.js';
export { arrivalKey } from './domain/rows.js';
export type { ReviewRow, SessionRow } from './domain/rows.js';
export { createMetrics } from './http/metrics.js';
export type { Metrics } from './http/metrics.js';
export { openApiDocument } from './http/openapi.js';
export { allRoutes } from './http/routes/index.js';
export { createHttpServer } from './http/server.js';
export type { HttpServer } from './http/server.js';
export type { HttpPorts } from './http/services.js';
export { httpSettingsSchema } from './http/settings.js';
export type { HttpSettings } from './http/settings.js';
