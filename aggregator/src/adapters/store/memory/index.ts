export { createMemoryBacking } from './backing.js';
export type { MemoryBacking } from './backing.js';
export { createMemoryStore } from './store.js';
export type { MemoryStore } from './store.js';
