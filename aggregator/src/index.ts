/** What other workspaces may use of the aggregator: the assembled application, its ports, and the adapters that simulators run it with. */
export { createEmbeddedBroker, embeddedBrokerSettingsSchema } from './adapters/broker/embedded/index.js';
export type { EmbeddedBroker, EmbeddedBrokerSettings } from './adapters/broker/embedded/index.js';
export { createSqliteStore } from './adapters/store/sqlite/index.js';
export * from './app/aggregator.js';
export * from './app/authenticator.js';
export * from './app/observer.js';
export type { Actor } from './app/operations/actor.js';
export { enrolmentCodeHash, newEnrolmentCode, redeemEnrolmentCode, registerEdge } from './app/operations/edges.js';
export { correctCount, putLayout } from './app/operations/sites.js';
export * from './app/ports.js';
export * from './app/settings.js';
export { openReviews, sessionsInside, summaryOf } from './domain/engine.js';
export type { SiteSummary } from './domain/engine.js';
export type { ReviewRow, SessionRow } from './domain/rows.js';
