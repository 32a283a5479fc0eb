export { createMemoryHub, topicMatches } from './hub.js';
export type { HubEnd, HubEndOptions, HubMessage, MemoryHub, Transfer } from './hub.js';
export { createMemoryLink } from './link.js';
