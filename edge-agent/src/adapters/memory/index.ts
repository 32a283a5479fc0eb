export * from './memory-link.js';
export * from './memory-outbox.js';
export * from './memory-recording.js';
