/** The auditor of the world: an oracle that shares no code with what it judges. */
export { createAuditor } from './auditor.js';
export type { WorldAuditor } from './auditor.js';
export { promises } from './promises.js';
export type { PromiseName } from './promises.js';
