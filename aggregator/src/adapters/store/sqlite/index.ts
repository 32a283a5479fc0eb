export { commitLogFile, databaseFile, writeAheadFiles } from './files.js';
export type { SqliteStoreOptions } from './open-store.js';
export { createSqliteStore } from './store.js';
export type { SqliteStore } from './store.js';
