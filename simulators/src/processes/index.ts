/** Driving real processes of the project, for end-to-end tests and the chaos suite. */
export * from './program.js';
export * from './system.js';
export * from './tidy-up.js';
export * from './waiting.js';
