/**
 * What version 7 changed: each list follows an index of its own, named in its query, and what no list follows any more is not kept:
 * a session and an event are written to fewer indices.
 */
import { sessionEndedSql, sessionEndSql } from '../pruning.js';

/** Kinds that most events are of: they are picked out of the order of a list, all others have an index. */
export const rareKindSql = `kind NOT IN ('vehicle-arrived', 'vehicle-passed')`;
export const commonKinds: readonly string[] = ['vehicle-arrived', 'vehicle-passed'];

/** Sessions that never were; the words of a condition by which the index of them alone is found. */
export const sessionVoidSql = `state = 'void'`;

/** Credentials that a vehicle is registered under; kept so by triggers, since an index knows its own table only. */
export const registeredSql = 'registered = 1';

const isRegisteredSql = (credentialId: string): string =>
  `EXISTS (SELECT 1 FROM vehicles AS v WHERE v.credentialId = ${credentialId})`;

export const version7Sql: readonly string[] = [
  // Ids and times need no overwriting, which would write every page of what is dropped. Texts do.
  'PRAGMA secure_delete = OFF',
  'DROP INDEX sessions_entry',
  'DROP INDEX sessions_state',
  `CREATE INDEX sessions_void ON sessions (siteId, entryAtMs, sessionId) WHERE ${sessionVoidSql}`,
  'CREATE INDEX sessions_entry_gate ON sessions (siteId, entryGateId, entryAtMs) WHERE entryGateId IS NOT NULL',
  'CREATE INDEX sessions_exit_gate ON sessions (siteId, exitGateId, entryAtMs) WHERE exitGateId IS NOT NULL',
  'DROP INDEX sessions_ended',
  `CREATE INDEX sessions_ended ON sessions (${sessionEndSql}, siteId, entryAtMs, sessionId) WHERE ${sessionEndedSql}`,
  'DROP INDEX events_kind',
  `CREATE INDEX events_kind ON events (kind, receivedAtMs) WHERE ${rareKindSql}`,
  'DROP INDEX events_gate',
  'CREATE INDEX events_gate ON events (siteId, gateId, receivedAtMs) WHERE gateId IS NOT NULL',
  'CREATE INDEX reviews_kind ON reviews (siteId, kind, openedAtMs, reviewId)',
  'ALTER TABLE credentials ADD COLUMN "registered" INTEGER NOT NULL DEFAULT 0',
  'UPDATE credentials SET registered = 1 WHERE credentialId IN (SELECT credentialId FROM vehicles)',
  'PRAGMA secure_delete = ON',
  'DROP INDEX credentials_value',
  `CREATE INDEX credentials_registered ON credentials (value, credentialId) WHERE ${registeredSql}`,
  `CREATE TRIGGER vehicles_added AFTER INSERT ON vehicles BEGIN
    UPDATE credentials SET registered = 1 WHERE credentialId = NEW.credentialId;
  END`,
  `CREATE TRIGGER vehicles_changed AFTER UPDATE OF credentialId ON vehicles WHEN NEW.credentialId <> OLD.credentialId BEGIN
    UPDATE credentials SET registered = ${isRegisteredSql('credentials.credentialId')}
      WHERE credentialId IN (OLD.credentialId, NEW.credentialId);
  END`,
  `CREATE TRIGGER vehicles_removed AFTER DELETE ON vehicles BEGIN
    UPDATE credentials SET registered = ${isRegisteredSql('credentials.credentialId')} WHERE credentialId = OLD.credentialId;
  END`,
  `CREATE TRIGGER credentials_added AFTER INSERT ON credentials WHEN ${isRegisteredSql('NEW.credentialId')} BEGIN
    UPDATE credentials SET registered = 1 WHERE credentialId = NEW.credentialId;
  END`,
];

/** What version 9 changed: those that left a site in a time are found without those that left the others. */
export const version9Sql: readonly string[] = [
  'PRAGMA secure_delete = OFF',
  'DROP INDEX sessions_ended',
  `CREATE INDEX sessions_ended ON sessions (siteId, ${sessionEndSql}, entryAtMs, sessionId) WHERE ${sessionEndedSql}`,
  'PRAGMA secure_delete = ON',
];
