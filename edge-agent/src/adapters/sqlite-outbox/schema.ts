/** The tables of the outbox and the two statements that write them. */

/** Written into the file's header; a file with a higher number comes from a newer program and is refused. */
export const schemaVersion = 1;

/** Marks the file as an outbox of this product ("GHob"). */
export const applicationId = 0x47_48_6f_62;

/**
 * `commit_request` and `trim_request` are views that only take inserts: their triggers do a whole commit in one statement, and so
 * in one trip to the thread pool and one flush. A failing statement leaves nothing behind.
 */
export const schemaSql = `
CREATE TABLE event (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT;
CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE acknowledgement (
  id INTEGER PRIMARY KEY, started_ms INTEGER NOT NULL, at_ms INTEGER NOT NULL, up_to INTEGER NOT NULL
) STRICT;
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch TEXT NOT NULL,
  oldest INTEGER NOT NULL,
  base_hash TEXT NOT NULL,
  next INTEGER NOT NULL,
  last_hash TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  acked INTEGER NOT NULL,
  accounted_events INTEGER NOT NULL,
  accounted_entries INTEGER NOT NULL,
  accounted_exits INTEGER NOT NULL
) STRICT;

CREATE VIEW commit_request AS
  SELECT NULL AS new_epoch, NULL AS events, NULL AS notes, NULL AS next, NULL AS last_hash, NULL AS bytes, NULL AS acked,
    NULL AS mark, NULL AS loss_events, NULL AS loss_entries, NULL AS loss_exits;
CREATE TRIGGER commit_requested INSTEAD OF INSERT ON commit_request BEGIN
  DELETE FROM event WHERE NEW.new_epoch IS NOT NULL;
  DELETE FROM acknowledgement WHERE NEW.new_epoch IS NOT NULL;
  UPDATE outbox SET epoch = json_extract(NEW.new_epoch, '$.epoch'), oldest = 1, acked = 0,
    base_hash = json_extract(NEW.new_epoch, '$.genesis') WHERE NEW.new_epoch IS NOT NULL;
  INSERT INTO event (seq, hash, json)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(NEW.events);
  DELETE FROM note WHERE name IN (SELECT json_extract(value, '$[0]') FROM json_each(NEW.notes));
  INSERT INTO note (name, value)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(NEW.notes)
    WHERE json_extract(value, '$[1]') IS NOT NULL;
  DELETE FROM acknowledgement WHERE id = json_extract(NEW.mark, '$.id');
  INSERT INTO acknowledgement (id, started_ms, at_ms, up_to)
    SELECT json_extract(NEW.mark, '$.id'), json_extract(NEW.mark, '$.startedMs'), json_extract(NEW.mark, '$.atMs'),
      json_extract(NEW.mark, '$.upTo') WHERE NEW.mark IS NOT NULL;
  UPDATE outbox SET next = NEW.next, last_hash = NEW.last_hash, bytes = NEW.bytes, acked = NEW.acked,
    accounted_events = accounted_events + NEW.loss_events, accounted_entries = accounted_entries + NEW.loss_entries,
    accounted_exits = accounted_exits + NEW.loss_exits;
END;

CREATE VIEW trim_request AS SELECT NULL AS up_to, NULL AS base_hash, NULL AS bytes, NULL AS acked, NULL AS marks;
CREATE TRIGGER trim_requested INSTEAD OF INSERT ON trim_request BEGIN
  DELETE FROM event WHERE seq <= NEW.up_to;
  UPDATE outbox SET oldest = max(oldest, NEW.up_to + 1), base_hash = NEW.base_hash, bytes = NEW.bytes, acked = NEW.acked;
  DELETE FROM acknowledgement;
  INSERT INTO acknowledgement (id, started_ms, at_ms, up_to)
    SELECT json_extract(value, '$.id'), json_extract(value, '$.startedMs'), json_extract(value, '$.atMs'),
      json_extract(value, '$.upTo') FROM json_each(NEW.marks);
END;

PRAGMA application_id = ${String(applicationId)};
PRAGMA user_version = ${String(schemaVersion)};
`;

/** Events of a new epoch lie here, inside its transaction, while those of the old one are still being read. */
export const stagedTableSql =
  'CREATE TABLE staged (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, json TEXT NOT NULL) STRICT';
export const stageSql = `INSERT INTO staged (seq, hash, json)
  SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?)`;
export const unstageSql = 'INSERT INTO event (seq, hash, json) SELECT seq, hash, json FROM staged; DROP TABLE staged';

export const commitSql = 'INSERT INTO commit_request VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)';
export const trimSql = 'INSERT INTO trim_request VALUES (?, ?, ?, ?, ?)';
export const readSql = 'SELECT seq, hash, json FROM event WHERE seq >= ? ORDER BY seq LIMIT ?';
export const hashSql = 'SELECT hash FROM event WHERE seq = ?';
/** The oldest acknowledged events and what they weigh. */
export const trimmableSql = `SELECT seq, hash, length(CAST(json AS BLOB)) AS bytes FROM event
  WHERE seq <= ? ORDER BY seq LIMIT ?`;
