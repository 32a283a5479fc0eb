export * from './app/ports.js';
