/** Where the database stands in the data directory. */
export const databaseFile = 'gatehouse.db';

/** What was committed and is not in the database yet. */
export const logFile = `${databaseFile}-wal`;
