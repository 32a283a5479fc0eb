export { createExternalLink } from './link.js';
export type { ExternalLinkOptions } from './link.js';
export { externalBrokerSettingsSchema } from './settings.js';
export type { ExternalBrokerSettings } from './settings.js';
