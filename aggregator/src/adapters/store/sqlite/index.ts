export { commitLogFile, databaseFile, writeAheadFiles } from './files.js';
export { createSqliteStore } from './store.js';
export type { SqliteStore, SqliteStoreOptions } from './store.js';
