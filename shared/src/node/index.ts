/** The thin layer that adapts Node.js: clock, chance, hash, log, configuration, process. Only adapters and main programs use it. */
export * from './configuration.js';
export * from './directory.js';
export * from './lifecycle.js';
export * from './listening.js';
export * from './logger.js';
export * from './reading.js';
export * from './system.js';
