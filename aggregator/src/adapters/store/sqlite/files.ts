/** Where the database stands in the data directory. */
export const databaseFile = 'gatehouse.db';

/** The database and what was committed and is not in it yet. */
export const databaseFiles = [databaseFile, `${databaseFile}-wal`] as const;
