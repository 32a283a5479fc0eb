/** What the aggregator says of itself at `/metrics`, and how it went over time. */

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export type Exposition = ReadonlyMap<string, readonly Sample[]>;

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

export function parseExposition(text: string): Exposition {
  const found = new Map<string, Sample[]>();
  for (const row of text.split('\n')) {
    const match = line.exec(row);
    if (match === null || row.startsWith('#')) continue;
    const [, name = '', labels = '', value = ''] = match;
    const samples = found.get(name) ?? [];
    samples.push({
      labels: Object.fromEntries([...labels.matchAll(label)].map(([, key = '', text = '']) => [key, text])),
      value: Number(value),
    });
    found.set(name, samples);
  }
  return found;
}

/** The sum of the samples of `name` that carry `labels`. */
export function sumOfSamples(
  exposition: Exposition,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return (exposition.get(name) ?? [])
    .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** The samples of `name` summed by one label, less what they were `before`; labels that did not change are left out. */
export function changesBy(
  before: Exposition,
  after: Exposition,
  name: string,
  key: string,
  labels: Readonly<Record<string, string>> = {},
): Record<string, number> {
  const changes: Record<string, number> = {};
  for (const value of new Set((after.get(name) ?? []).map((sample) => sample.labels[key] ?? ''))) {
    const change =
      sumOfSamples(after, name, { ...labels, [key]: value }) - sumOfSamples(before, name, { ...labels, [key]: value });
    if (change !== 0) changes[value] = change;
  }
  return changes;
}
