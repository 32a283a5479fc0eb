/** Makes a database of this version into one of an earlier version, for tests of the way from there. */

/** Before each list had an index of its own, and before there was a log of commits. What it holds under the names of today is made anew on the way. */
export const toVersion6 = `
  DROP TABLE commitPosition;
  DROP TRIGGER vehicles_added; DROP TRIGGER vehicles_changed; DROP TRIGGER vehicles_removed; DROP TRIGGER credentials_added;
  DROP INDEX credentials_registered; ALTER TABLE credentials DROP COLUMN registered;
  CREATE INDEX credentials_value ON credentials (value, credentialId);
  DROP INDEX sessions_void; DROP INDEX sessions_entry_gate; DROP INDEX sessions_exit_gate; DROP INDEX reviews_kind;
  DROP INDEX sessions_ended; CREATE INDEX sessions_ended ON sessions (coalesce(exitAtMs, entryAtMs));
  CREATE INDEX sessions_entry ON sessions (entryAtMs, siteId, sessionId);
  CREATE INDEX sessions_state ON sessions (state, entryAtMs);
  PRAGMA user_version = 6`;
