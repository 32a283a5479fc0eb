/** The REST API's resources, requests, filters and problems. */
export * from './common.js';
export * from './credential.js';
export * from './edge-log.js';
export * from './edges.js';
export * from './gates.js';
export * from './keys.js';
export * from './layout.js';
export * from './records.js';
export * from './sessions.js';
export * from './sites.js';
export * from './slots.js';
export * from './stream.js';
export * from './vehicles.js';
