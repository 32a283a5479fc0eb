/** `edge outbox`: what waits at this edge and whether it is whole, read from a copy so that a running agent is not disturbed. */
import { sha256 } from '@gatehouse/shared/node';
import { inspectOutbox } from './adapters/sqlite-outbox/index.js';
import type { OutboxInspection } from './adapters/sqlite-outbox/index.js';
import { OutboxError } from './app/ports.js';
import type { LossCount } from './app/ports.js';
import type { EdgeConfiguration } from './configuration.js';
import { ageInWords, sizeInWords } from './doctor/words.js';

export interface OutboxReport {
  readonly text: string;
  readonly isDamaged: boolean;
}

/** More than the bounds of any outbox take on a disk. */
const maxFileBytes = 8 * 1024 ** 3;

/** @throws OutboxError when it cannot be read. */
export async function reportOutbox(
  { dataDir, edgeId }: EdgeConfiguration,
  options: { readonly lastEvents: number; readonly asJson: boolean; readonly nowMs: number },
): Promise<OutboxReport> {
  const found = await inspectOutbox({ directory: dataDir, sha256, lastEvents: options.lastEvents, maxFileBytes });
  if (found === null)
    throw new OutboxError('io', `there is no outbox in ${dataDir}: the agent makes it at its first start`);
  const isDamaged = found.problems.length > 0;
  const events = found.lastEvents.map(({ seq, json }) => ({ seq, event: masked(json) }));
  if (options.asJson) {
    const oldestUnsentAgeMs = found.oldestUnsentAtMs === null ? null : options.nowMs - found.oldestUnsentAtMs;
    const facts = { edgeId, dataDir, ...found, oldestUnsentAgeMs, lastEvents: events };
    return { text: JSON.stringify({ ok: !isDamaged, ...facts }), isDamaged };
  }
  const lines = events.map(({ seq, event }) => `  ${String(seq).padStart(8)}  ${JSON.stringify(event)}`);
  return { text: [...describe(found, edgeId, dataDir, options.nowMs), ...lines].join('\n'), isDamaged };
}

function describe(found: OutboxInspection, edgeId: string, dataDir: string, nowMs: number): string[] {
  const { oldest, next, acked, unsentEvents, oldestUnsentAtMs, problems } = found;
  const age = oldestUnsentAtMs === null ? '' : `, the oldest since ${ageInWords(nowMs - oldestUnsentAtMs)}`;
  return [
    `Outbox of edge ${edgeId} in ${dataDir}`,
    `  epoch         ${found.epoch} (format ${String(found.schemaVersion)})`,
    `  events        ${next === oldest ? 'none kept' : `${String(oldest)} to ${String(next - 1)}`}, ${String(next)} comes next`,
    `  acknowledged  ${acked === 0 ? 'none' : `up to ${String(acked)}`}`,
    `  unsent        ${String(unsentEvents)}${age}`,
    `  size          ${sizeInWords(found.eventBytes)} of events, ${sizeInWords(found.fileBytes)} on the disk`,
    `  lost          ${lossInWords(found.lost)}`,
    `  hash chain    ${problems.length === 0 ? `whole over ${String(found.verifiedEvents)} events` : 'DAMAGED'}`,
    ...problems.map((problem) => `    ${problem}`),
    ...(problems.length === 0
      ? []
      : [
          '    A new epoch begins when the agent at its start, or the aggregator, meets this: copy the data directory first.',
        ]),
  ];
}

function lossInWords({ events, entries, exits }: LossCount): string {
  if (events === 0) return 'nothing that was not reported';
  return `${String(events)} events not reported yet: ${String(entries)} vehicles in, ${String(exits)} out`;
}

/** What a vehicle showed is a person’s business: two characters of it are enough to tell one from another. */
function masked(json: string): unknown {
  return JSON.parse(json, (key, value: unknown) =>
    (key === 'value' || key === 'plate') && typeof value === 'string' ? maskOf(value) : value,
  ) as unknown;
}

function maskOf(text: string): string {
  const characters = Array.from(text);
  const shown = characters.length > 4 ? characters.slice(-2).join('') : '';
  return `${'•'.repeat(characters.length - (shown === '' ? 0 : 2))}${shown}`;
}
