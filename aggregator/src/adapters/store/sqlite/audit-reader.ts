/** Reads the audit log of a data directory without taking the directory: also while the aggregator runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import sqlite3 from 'sqlite3';
import type { AggregatorStore, AuditRow } from '../../../app/ports.js';
import { storeErrorFrom } from './errors.js';
import { databaseFile } from './files.js';

export interface AuditReader extends Pick<AggregatorStore, 'listAudit'> {
  close(): Promise<void>;
}

/** Rejects with an Error when there is no database in `directory`, with a StoreError when it cannot be read. */
export async function openAuditReader(directory: string): Promise<AuditReader> {
  const path = join(directory, databaseFile);
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}: name the data directory with --config FILE or GATEHOUSE_DATA_DIR`);
  }
  const database = await new Promise<sqlite3.Database>((resolve, reject) => {
    const opened = new sqlite3.Database(path, sqlite3.OPEN_READONLY, (error) => {
      if (error === null) resolve(opened);
      else reject(storeErrorFrom(error, path));
    });
  });
  return {
    /** All of the log, by number; the cursor is the last number. */
    listAudit: (_filter, page) =>
      new Promise((resolve, reject) => {
        const after = Number(page.cursor ?? 0);
        database.all<AuditRow>(
          'SELECT * FROM audit WHERE auditId > ? ORDER BY auditId LIMIT ?',
          [after, page.limit],
          (error, rows) => {
            if (error !== null) {
              reject(storeErrorFrom(error, path));
              return;
            }
            const last = rows.length < page.limit ? undefined : rows.at(-1);
            resolve({ items: rows, nextCursor: last === undefined ? null : String(last.auditId) });
          },
        );
      }),
    close: () =>
      new Promise((resolve, reject) => {
        database.close((error) => {
          if (error === null) resolve();
          else reject(storeErrorFrom(error, path));
        });
      }),
  };
}
