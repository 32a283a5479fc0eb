export { createMqttLink } from './mqtt-link.js';
export type { MqttLinkOptions } from './mqtt-link.js';
export { brokerSettingsSchema, plaintextProblem } from './settings.js';
export type { BrokerSettings } from './settings.js';
export { reachBroker, signInAtBroker } from './probe.js';
export { createBrokerConnection } from './broker-connection.js';
export { describeProblem, refusalOf, subscriptionProblem } from './refusal.js';
export { openSocket } from './socket.js';
export { readTls, tlsProblemOf } from './tls.js';
