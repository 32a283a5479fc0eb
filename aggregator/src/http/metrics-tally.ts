/** Counters whose series are there from the first scrape on, so that an increase from nothing can be seen. */
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

export interface TallyDefinition {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** The series that there are at this moment, told or not; null while that cannot be said. */
  series(): readonly Labels[] | null;
  /** Whether a series that was counted and is none of these stays; by default it goes with what it was about. */
  stays?(labels: Labels): boolean;
}

/** Registers the counter; answers how to count. */
export function defineTally(registry: Registry, definition: TallyDefinition): (labels: Labels, by?: number) => void {
  const { name, help, labelNames } = definition;
  const counted = new Map<string, { readonly labels: Labels; value: number }>();
  const keyOf = (labels: Labels): string => {
    let key = '';
    // No label holds the character between them: they are names and fixed words.
    for (const label of labelNames) key += `\n${labels[label] ?? ''}`;
    return key;
  };
  const entryOf = (labels: Labels): { value: number } => {
    const key = keyOf(labels);
    const known = counted.get(key);
    if (known !== undefined) return known;
    const entry = { labels, value: 0 };
    counted.set(key, entry);
    return entry;
  };
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      const series = definition.series();
      if (series === null) return;
      const present = new Set(series.map(keyOf));
      for (const labels of series) entryOf(labels);
      for (const [key, { labels, value }] of counted) {
        if (present.has(key) || definition.stays?.(labels) === true) this.inc(labels, value);
        else counted.delete(key);
      }
    },
  });
  return (labels, by = 1) => {
    entryOf(labels).value += by;
  };
}
