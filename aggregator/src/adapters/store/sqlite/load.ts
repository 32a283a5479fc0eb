/** Everything that is kept in memory, read in one snapshot. */
import type { StoredState } from '../../../app/ports.js';
import { tableOf } from '../tables.js';
import type { RowOf, RowTable } from '../tables.js';
import type { Session } from './connection.js';
import { quoted } from './schema.js';

const inside = `state IN ('open', 'uncertain')`;
const waiting = `state IN ('open', 'frozen')`;

export async function loadState(session: Session): Promise<StoredState> {
  await session.exec('BEGIN');
  try {
    return await readState(session);
  } finally {
    await session.exec('COMMIT');
  }
}

/** Within a transaction. */
export async function readState(session: Session): Promise<StoredState> {
  const rowsOf = <T extends RowTable>(name: T, where = 'true'): Promise<RowOf<T>[]> => readRows(session, name, where);
  const [notice] = await session.all('SELECT max(noticeId) AS "lastNoticeId" FROM notices');
  const [audit] = await session.all('SELECT auditId, hash FROM audit ORDER BY auditId DESC LIMIT 1');
  return {
    sites: await rowsOf('sites'),
    ledgers: await rowsOf('ledgers'),
    slots: await rowsOf('slots'),
    allowances: await rowsOf('allowances'),
    sessions: await rowsOf('sessions', inside),
    arrivals: await rowsOf('arrivals', waiting),
    reviews: await rowsOf('reviews', 'resolvedAtMs IS NULL'),
    credentials: await rowsOf(
      'credentials',
      `credentialId IN (SELECT credentialId FROM sessions WHERE ${inside}
        UNION SELECT credentialId FROM arrivals WHERE ${waiting} UNION SELECT credentialId FROM vehicles)`,
    ),
    vehicles: await rowsOf('vehicles'),
    cursors: await rowsOf('cursors'),
    retiredEpochs: await rowsOf('retiredEpochs'),
    edges: await rowsOf('edges'),
    keys: await rowsOf('keys'),
    commands: await rowsOf('commands', `state = 'sent'`),
    lastNoticeId: Number(notice?.lastNoticeId ?? 0),
    lastAudit: audit === undefined ? null : (audit as { auditId: number; hash: string }),
  };
}

/** All rows at once as one JSON text, which is read several times as fast as rows that are handed over cell by cell. */
async function readRows<T extends RowTable>(session: Session, name: T, where: string): Promise<RowOf<T>[]> {
  const columns = Object.entries(tableOf(name).columns);
  const cells = columns.map(([member, { type }]) => (type === 'json' ? `json(${quoted(member)})` : quoted(member)));
  const [found] = await session.all(
    `SELECT json_group_array(json_array(${cells.join(', ')})) AS "rows" FROM ${quoted(name)} WHERE ${where}`,
  );
  const rows = JSON.parse(String(found?.rows)) as unknown[][];
  return rows.map((values) => {
    const row: Record<string, unknown> = {};
    for (const [index, [member, { type }]] of columns.entries()) {
      row[member] = type === 'boolean' ? values[index] === 1 : values[index];
    }
    return row as unknown as RowOf<T>;
  });
}
