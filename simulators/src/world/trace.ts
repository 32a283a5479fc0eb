/** A run as readable lines; they are made only for those who read them. */
import type { ChangeSet } from '@gatehouse/aggregator';
import type { Happening, Witnessed } from './happenings.js';

export interface Trace {
  take(witnessed: Witnessed): void;
  /** The newest lines, oldest first. */
  last(lines: number): string[];
  /** Nothing follows. */
  end(): void;
}

const keptHappenings = 256;
const linesAtATime = 512;
/** What was delivered stands in full where it was published. */
const deliveredChars = 160;

/** `write` gets whole pieces of text as they come. */
export function createTrace(write?: (text: string) => void): Trace {
  // A ring: what happens is kept as it is, and becomes a line when somebody looks.
  const kept: Witnessed[] = [];
  let taken = 0;
  let text = '';
  let lines = 0;

  const flush = (): void => {
    write?.(text);
    text = '';
    lines = 0;
  };

  return {
    take(witnessed) {
      kept[taken % keptHappenings] = witnessed;
      taken += 1;
      if (write === undefined) return;
      text += `${lineOf(witnessed)}\n`;
      lines += 1;
      if (lines >= linesAtATime) flush();
    },
    last(count) {
      const from = Math.max(0, taken - Math.min(count, kept.length));
      return Array.from({ length: taken - from }, (_, index) => kept[(from + index) % keptHappenings])
        .filter((witnessed) => witnessed !== undefined)
        .map(lineOf);
    },
    end: flush,
  };
}

/** `   12.345s  published          edge-1 → …/state {…}` */
export function lineOf({ atMs, happening }: Witnessed): string {
  return `${(atMs / 1000).toFixed(3).padStart(10)}s  ${happening.type.padEnd(19)} ${detailOf(happening)}`;
}

function detailOf(happening: Happening): string {
  switch (happening.type) {
    case 'published':
      return `${happening.by} → ${shortTopic(happening.topic)} ${happening.payload}`;
    case 'delivered':
      return `${happening.to} ← ${shortTopic(happening.topic)} ${copyOf(happening.copy)}${happening.payload.slice(0, deliveredChars)}`;
    case 'outbox-committed':
      return `${happening.machine} ${happening.epoch.slice(0, 8)} ${happening.beginsEpoch ? 'new epoch ' : ''}${happening.events
        .map(({ seq, json }) => `#${String(seq)} ${json}`)
        .join(' ')}`;
    case 'store-committed':
      return rowCounts(happening.changes);
    case 'store-replaced':
      return rowCounts(happening.contents);
    case 'outbox-replaced':
      return `${happening.machine} ${happening.epoch?.slice(0, 8) ?? 'empty'} next=${String(happening.next)} acked=${String(happening.acked)}`;
    case 'gauges':
      return `${happening.of} ${happening.values.map(({ name, value }) => `${name}=${String(value)}`).join(' ')}`;
    default: {
      return Object.entries(happening)
        .filter(([name]) => name !== 'type')
        .map(([name, value]) => `${name}=${String(value)}`)
        .join(' ');
    }
  }
}

function rowCounts(changes: ChangeSet): string {
  return Object.entries(changes as unknown as Readonly<Record<string, readonly unknown[]>>)
    .filter(([, rows]) => rows.length > 0)
    .map(([table, rows]) => `${table}:${String(rows.length)}`)
    .join(' ');
}

const topicPrefix = 'gatehouse/v1/'.length;

function shortTopic(topic: string): string {
  return topic.slice(topicPrefix);
}

function copyOf(copy: number): string {
  return copy === 1 ? '' : `copy ${String(copy)} `;
}
