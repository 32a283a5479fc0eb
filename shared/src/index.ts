/**
 * The vocabulary and the wire: what edge agents, the aggregator and the simulators have in common. Schemas are zod, types are
 * inferred from them. Imports zod and nothing else; knows no platform, no clock, no network.
 */
export * from './api/index.js';
export * from './edge.js';
export * from './wire/quick-parse.js';
