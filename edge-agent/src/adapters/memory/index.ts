export * from './memory-link.js';
export * from './memory-outbox.js';
export * from './memory-recording.js';
export * from './memory-service-manager.js';
