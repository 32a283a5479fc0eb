/** The chaos suite, for tests that play it shortly. */
export { reportLines } from './report.js';
export { runChaos } from './run.js';
export type { ChaosOptions, ScenarioName } from './run.js';
export type { ScenarioResult } from './scenario.js';
