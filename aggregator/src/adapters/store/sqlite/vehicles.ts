/** The list of vehicles: by credential text, those whose credential was erased last. */
import { InvalidCursorError } from '../../../app/ports.js';
import type { Page, PageRequest, VehicleFilter } from '../../../app/ports.js';
import type { VehicleRow } from '../../../domain/rows.js';
import { decodeCursor, encodeCursor } from '../cursors.js';
import { maxPageRows } from '../lists.js';
import { tableOf } from '../tables.js';
import type { Session, SqlRow } from './connection.js';
import { vehiclesQuery, vehiclesWithoutCredentialQuery } from './queries.js';
import { rowFromSql } from './schema.js';

export async function listVehicles(
  session: Session,
  filter: VehicleFilter,
  page: PageRequest,
): Promise<Page<VehicleRow>> {
  const limit = Math.min(page.limit, maxPageRows);
  const after = page.cursor === null ? null : await findPlace(session, page.cursor);
  const rows: SqlRow[] = [];
  const afterText = after === null ? null : after.text;
  if (after === null || afterText !== null) {
    const place: [string, string] | null = after === null || afterText === null ? null : [afterText, after.vehicleId];
    const query = vehiclesQuery(filter, place, limit + 1);
    rows.push(...(await session.all(query.sql, query.parameters)));
  }
  const mayLackCredential = filter.credentialPrefix === undefined || filter.credentialPrefix === '';
  if (rows.length <= limit && mayLackCredential) {
    const vehicleId = after?.text === null ? after.vehicleId : null;
    const query = vehiclesWithoutCredentialQuery(filter, vehicleId, limit + 1 - rows.length);
    rows.push(...(await session.all(query.sql, query.parameters)));
  }
  const items = rows.slice(0, limit).map(vehicleFromSql);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items, nextCursor: more ? encodeCursor('vehicles', [last.vehicleId]) : null };
}

/** The cursor names the vehicle, not its text; so the text is looked up, and may be gone. */
async function findPlace(session: Session, cursor: string): Promise<{ vehicleId: string; text: string | null }> {
  const [vehicleId] = decodeCursor('vehicles', cursor);
  const [row] = await session.all(
    `SELECT v.vehicleId AS "vehicleId", c.value AS "text" FROM vehicles AS v
      LEFT JOIN credentials AS c ON c.credentialId = v.credentialId WHERE v.vehicleId = ?`,
    [vehicleId ?? null],
  );
  if (row === undefined) throw new InvalidCursorError('cursor: its vehicle is gone; read the list from its start');
  return row as { vehicleId: string; text: string | null };
}

function vehicleFromSql(raw: SqlRow): VehicleRow {
  return rowFromSql(tableOf('vehicles'), raw) as unknown as VehicleRow;
}
