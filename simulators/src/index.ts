/** What other simulations may use: seeded chance and traffic, elastic time, the replay of recordings, real processes, and one figure of the benchmarks. */
export { edgeCost } from './bench/figures/edge-cost.js';
export { measureStoreGrowth } from './bench/growth/store-growth.js';
export { machineShape } from './bench/machine.js';
export { withReport } from './bench/report.js';
export { runBench } from './bench/run-bench.js';
export { median } from './bench/statistics.js';
export * from './chaos/index.js';
export * from './clock/elastic-clock.js';
export * from './processes/index.js';
export * from './random.js';
export * from './replay/itinerary.js';
export * from './replay/reconcile.js';
export * from './replay/run-replay.js';
export * from './traffic/plan.js';
export * from './traffic/profile.js';
