export * from './app/edge-agent.js';
export * from './app/ports.js';
export * from './app/settings.js';
export * from './app/status.js';
