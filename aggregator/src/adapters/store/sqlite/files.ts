/** Where the database stands in the data directory. */
export const databaseFile = 'gatehouse.db';

/** What was committed and is not in the tables yet. A store that was stopped has none. */
export const commitLogFile = 'gatehouse.commits.db';

/** Write-ahead logs: what was written and is not in its file yet. */
export const writeAheadFiles: readonly string[] = [`${databaseFile}-wal`, `${commitLogFile}-wal`];
