export { createSqliteOutbox } from './sqlite-outbox.js';
export type { SqliteOutboxOptions } from './sqlite-outbox.js';
