/** Ids of rows: 128 bits as hexadecimal, the time of the turn before 80 bits of chance. */
import type { Random } from '@gatehouse/shared';

/** Milliseconds until the year 10889. */
const timeDigits = 12;
const chanceBytes = 10;

/**
 * Rows of one time get ids that are neighbours: they share the pages of the indices by id. With chance alone, each new row would
 * change a page of its own in each of them, anywhere in the database.
 */
export function createIds(random: Random, nowMs: number): () => string {
  const time = Math.max(0, Math.floor(nowMs)).toString(16).padStart(timeDigits, '0').slice(-timeDigits);
  return () => time + random.hex(chanceBytes);
}
