export * from './inputs.js';
export * from './refusal.js';
export * from './rows.js';
