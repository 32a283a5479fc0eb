/** What other workspaces may use of the edge agent: the assembled agent, its ports, and the adapters that simulators run it with. */
export * from './adapters/memory/index.js';
export { createMqttLink } from './adapters/mqtt-link/index.js';
export type { MqttLinkOptions } from './adapters/mqtt-link/index.js';
export { brokerSettingsSchema } from './adapters/mqtt-link/settings.js';
export * from './adapters/simulated-barrier/index.js';
export * from './adapters/sqlite-outbox/index.js';
export * from './app/edge-agent.js';
export * from './app/ports.js';
export * from './app/settings.js';
export * from './app/status.js';
export { acceptAllowance, giveOut, noAllowance } from './domain/admission/allowance.js';
export type { Acceptance, AllowanceState } from './domain/admission/allowance.js';
export { edgeConfigurationSchema } from './configuration.js';
export type { EdgeConfiguration, EdgeConfigurationInput } from './configuration.js';
export { redeemCode, writeCredential } from './enrolment.js';
export type { EdgeCredential } from './enrolment.js';
