export { inspectOutbox } from './inspect.js';
export type { OutboxInspection } from './inspect.js';
export { createSqliteOutbox } from './sqlite-outbox.js';
export type { SqliteOutboxOptions } from './sqlite-outbox.js';
