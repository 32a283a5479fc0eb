/** Rows of commits that the tables have not taken over, for lookups that must not wait until they have. */
import type { ChangeSet } from '../../../app/ports.js';
import { textKey } from '../constraints.js';
import { tablesWithCredential } from '../pruning.js';
import type { RowOf } from '../tables.js';

type CredentialRow = RowOf<'credentials'>;
type IdempotencyRow = RowOf<'idempotency'>;

export interface WaitingRows {
  /** Notes what the commit `number` holds. */
  note(number: number, changes: ChangeSet): void;
  /** Forgets what the tables have taken over up to the number `takenOver`. */
  forget(takenOver: number): void;
  credential(credentialId: string): CredentialRow | undefined;
  credentialByText(text: string): CredentialRow | undefined;
  /** Whether a credential of the tables is one no more, or has another text. */
  isOverruled(credentialId: string): boolean;
  idempotency(key: string): IdempotencyRow | undefined;
  /** Whether a row that waits refers to the credential. */
  isReferredTo(credentialId: string): boolean;
}

interface Noted<T> {
  readonly number: number;
  /** null: it was erased. */
  readonly row: T | null;
}

/** Bounded as what may wait is. */
export function createWaitingRows(): WaitingRows {
  const credentials = new Map<string, Noted<CredentialRow>>();
  const idsByText = new Map<string, string>();
  const idempotency = new Map<string, Noted<IdempotencyRow>>();
  /** Number of the newest commit that refers to a credential. */
  const references = new Map<string, number>();

  const setCredential = (credentialId: string, noted: Noted<CredentialRow>): void => {
    dropText(credentialId);
    // Anew, so that what is noted stays in the order of its numbers.
    credentials.delete(credentialId);
    credentials.set(credentialId, noted);
    if (noted.row !== null) idsByText.set(textKey(noted.row), credentialId);
  };

  const noteReferences = (number: number, rows: readonly { readonly credentialId: string | null }[]): void => {
    for (const { credentialId } of rows) {
      if (credentialId === null) continue;
      references.delete(credentialId);
      references.set(credentialId, number);
    }
  };

  const copyOf = <T extends object>(noted: Noted<T> | undefined): T | undefined =>
    noted === undefined || noted.row === null ? undefined : { ...noted.row };

  const dropText = (credentialId: string): void => {
    const row = credentials.get(credentialId)?.row;
    if (row !== null && row !== undefined && idsByText.get(textKey(row)) === credentialId)
      idsByText.delete(textKey(row));
  };

  return {
    note(number, changes) {
      for (const table of tablesWithCredential) noteReferences(number, changes[table]);
      for (const row of changes.credentials) setCredential(row.credentialId, { number, row: { ...row } });
      for (const credentialId of changes.erasedCredentials) setCredential(credentialId, { number, row: null });
      for (const row of changes.idempotency) {
        idempotency.delete(row.idempotencyKey);
        idempotency.set(row.idempotencyKey, { number, row: { ...row } });
      }
    },
    forget(takenOver) {
      for (const [credentialId, { number }] of credentials) {
        if (number > takenOver) break;
        dropText(credentialId);
        credentials.delete(credentialId);
      }
      for (const [key, { number }] of idempotency) {
        if (number > takenOver) break;
        idempotency.delete(key);
      }
      for (const [credentialId, number] of references) {
        if (number > takenOver) break;
        references.delete(credentialId);
      }
    },
    credential: (credentialId) => copyOf(credentials.get(credentialId)),
    credentialByText(text) {
      const credentialId = idsByText.get(text);
      return credentialId === undefined ? undefined : copyOf(credentials.get(credentialId));
    },
    isOverruled: (credentialId) => credentials.has(credentialId),
    idempotency: (key) => copyOf(idempotency.get(key)),
    isReferredTo: (credentialId) => references.has(credentialId),
  };
}
