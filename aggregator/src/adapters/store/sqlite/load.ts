/** Everything that is kept in memory, read in one snapshot. */
import type { StoredState } from '../../../app/ports.js';
import { tableOf } from '../tables.js';
import type { RowOf, RowTable } from '../tables.js';
import type { Session } from './connection.js';
import { quoted, rowFromSql, selectList } from './schema.js';

const inside = `state IN ('open', 'uncertain')`;
const waiting = `state IN ('open', 'frozen')`;

export async function loadState(session: Session): Promise<StoredState> {
  await session.exec('BEGIN');
  try {
    return await readAll(session);
  } finally {
    await session.exec('COMMIT');
  }
}

async function readAll(session: Session): Promise<StoredState> {
  const rowsOf = async <T extends RowTable>(name: T, where = 'true'): Promise<RowOf<T>[]> => {
    const rows = await session.all(`SELECT ${selectList(name)} FROM ${quoted(name)} WHERE ${where}`);
    return rows.map((raw) => rowFromSql(tableOf(name), raw)) as unknown as RowOf<T>[];
  };
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
