/** Rules that every store checks before it takes a change set. */
import { StoreError } from '../../app/ports.js';
import type { ChangeSet } from '../../app/ports.js';
import { tableOf } from './tables.js';
import type { RowTable } from './tables.js';

/** Of each column of the table, in order, whether it must have a value. */
export function requiredColumns(name: RowTable): readonly boolean[] {
  return Object.values(tableOf(name).columns).map(({ nullable }) => !nullable);
}

/** A StoreError `constraint` that names the member without which a row is none. */
export function missingMember(name: string, member: string): StoreError {
  return new StoreError('constraint', `${name}.${member} must not be null`);
}

/** The text of a credential as a key. */
export function textKey(credential: { readonly kind: string; readonly value: string }): string {
  return JSON.stringify([credential.kind, credential.value]);
}

/**
 * Throws a StoreError `constraint` when a text would have two ids. `storedIdOf` answers under which id a text stands now. What the change
 * set erases makes room for another id.
 */
export function checkCredentialTexts(changes: ChangeSet, storedIdOf: (text: string) => string | undefined): void {
  const erased = new Set(changes.erasedCredentials);
  const inThisChange = new Map<string, string>();
  for (const row of changes.credentials) {
    if (erased.has(row.credentialId)) continue;
    const text = textKey(row);
    const stored = storedIdOf(text);
    const holder = inThisChange.get(text) ?? (stored !== undefined && erased.has(stored) ? undefined : stored);
    if (holder !== undefined && holder !== row.credentialId) {
      throw new StoreError('constraint', 'credentials: two ids for one kind and value');
    }
    inThisChange.set(text, row.credentialId);
  }
}
