export * from './control-client.js';
export * from './control-contract.js';
export * from './control.js';
export * from './driver.js';
export * from './happening-log.js';
export * from './physical-events.js';
export * from './physics.js';
export * from './settings.js';
