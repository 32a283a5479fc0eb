/**
 * What an edge agent needs of the vocabulary: all of it but the REST API, whose schemas would lie in the memory of a small machine
 * unused.
 */
export * from './canonical-json.js';
export * from './faults.js';
export * from './hash-chain.js';
export * from './message-of.js';
export * from './plain-text.js';
export * from './plate-distance.js';
export * from './ports.js';
export * from './request-rate.js';
export * from './scaled-clock.js';
export * from './virtual-clock.js';
export * from './vocabulary.js';
export * from './wire/event.js';
export * from './wire/limits.js';
export * from './wire/log.js';
export * from './wire/messages.js';
export * from './wire/payload.js';
export * from './wire/topics.js';
