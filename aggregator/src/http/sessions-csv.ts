/** Sessions as CSV (RFC 4180), page by page as the reader takes it. */
import type { SessionResource } from '@gatehouse/shared';
import type { SessionFilter } from '../app/ports.js';
import type { Role } from '../app/ports.js';
import { present } from './presentation.js';
import { sessionResource } from './resources.js';
import type { HttpServices } from './services.js';

export const sessionCsvColumns = [
  'ticket',
  'session_id',
  'state',
  'credential_kind',
  'credential',
  'slot_class',
  'slot_id',
  'entry_at',
  'entry_gate_id',
  'entry_basis',
  'exit_at',
  'exit_gate_id',
  'exit_basis',
  'duration_seconds',
] as const;

const rowsAtATime = 500;

/** The lines of the file, in pieces of up to 500 sessions. */
export async function* sessionsCsv(
  services: HttpServices,
  role: Role,
  filter: SessionFilter,
): AsyncGenerator<string, void, undefined> {
  yield `${sessionCsvColumns.join(',')}\r\n`;
  let cursor: string | null = null;
  do {
    const page = await services.aggregator.store.listSessions(filter, { limit: rowsAtATime, cursor });
    const sessions = (await present(services, role, page.items.map(sessionResource))) as SessionResource[];
    if (sessions.length > 0) yield sessions.map(csvLine).join('');
    cursor = page.nextCursor;
  } while (cursor !== null);
}

function csvLine(session: SessionResource): string {
  const cells = [
    session.ticket,
    session.sessionId,
    session.state,
    session.credential?.kind ?? null,
    session.credential?.value ?? null,
    session.slotClass,
    session.slotId,
    session.entryAt,
    session.entryGateId,
    session.entryBasis,
    session.exitAt,
    session.exitGateId,
    session.exitBasis,
    session.durationSeconds,
  ];
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** A cell. Text that a spreadsheet would take for a formula gets a leading apostrophe. */
export function csvCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
