/** What other workspaces may use of the edge agent: the assembled agent, its ports, and the adapters that simulators run it with. */
export * from './adapters/memory/index.js';
export * from './adapters/simulated-barrier/index.js';
export * from './app/ports.js';
