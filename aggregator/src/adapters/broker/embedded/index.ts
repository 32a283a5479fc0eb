export { createEmbeddedBroker } from './broker.js';
export type { BrokerCounters, EmbeddedBroker, EmbeddedBrokerOptions } from './broker.js';
export type { ListenAddress } from './listeners.js';
export type { RefusalReason } from './refusals.js';
export { embeddedBrokerSettingsSchema } from './settings.js';
export type { BrokerLimits, EmbeddedBrokerSettings } from './settings.js';
