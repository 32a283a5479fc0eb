/** Histograms that are counted in arrays: observing is two additions, and a scrape walks through numbers. */
import type { Families } from './metrics-family.js';
import { entryOf } from './metrics-source.js';
import { labelTail } from './metrics-text.js';
import type { LabelHead, Labels, LabelTail, Put } from './metrics-text.js';

/** What was observed of one series. */
export interface Observed {
  /** By bucket, each by itself; the last is of what is above all bounds. */
  readonly counts: number[];
  sum: number;
}

export interface Buckets {
  readonly bounds: readonly number[];
  empty(): Observed;
  /** @throws TypeError for what is not a finite number: the sum could never be read again */
  observe(observed: Observed, value: number): void;
}

export function createBuckets(bounds: readonly number[]): Buckets {
  return {
    bounds,
    empty: () => ({ counts: Array.from({ length: bounds.length + 1 }, () => 0), sum: 0 }),
    observe(observed, value) {
      if (!Number.isFinite(value)) throw new TypeError(`not a number that can be observed: ${String(value)}`);
      let index = 0;
      while (index < bounds.length && value > (bounds[index] ?? 0)) index += 1;
      observed.counts[index] = (observed.counts[index] ?? 0) + 1;
      observed.sum += value;
    },
  };
}

/** The series of one set of labels; `labels` end its braces. */
export interface HistogramTails {
  readonly buckets: readonly LabelTail[];
  readonly rest: LabelTail;
}

export function histogramTails({ bounds }: Buckets, labels: Labels): HistogramTails {
  const limits = [...bounds.map(String), '+Inf'];
  return { buckets: limits.map((le) => labelTail({ ...labels, le })), rest: labelTail(labels) };
}

/** Puts its buckets, its sum and its count; of `undefined`, as many zeros. */
export function putHistogram(put: Put, head: LabelHead, tails: HistogramTails, observed: Observed | undefined): void {
  let count = 0;
  for (const [index, tail] of tails.buckets.entries()) {
    count += observed?.counts[index] ?? 0;
    put(head, tail, count, '_bucket');
  }
  put(head, tails.rest, observed?.sum ?? 0, '_sum');
  put(head, tails.rest, count, '_count');
}

export interface SiteHistogramDefinition {
  readonly name: string;
  readonly help: string;
  /** Besides the site. */
  readonly label: string;
  /** There is a series of each from the start. */
  readonly words: readonly string[];
  readonly bounds: readonly number[];
}

/** Defines one with a series for each site and word; answers how to observe. Series go with their site. */
export function defineSiteHistogram(
  families: Families,
  { name, help, label, words, bounds }: SiteHistogramDefinition,
): (siteId: string, word: string, value: number) => void {
  const buckets = createBuckets(bounds);
  const series = words.map((word) => ({ word, tails: histogramTails(buckets, { [label]: word }) }));
  const bySite = new Map<string, Map<string, Observed>>();
  families.define('site', {
    name,
    help,
    type: 'histogram',
    labelNames: ['site', label],
    buckets: bounds,
    each({ siteId, head }, put) {
      const ofSite = bySite.get(siteId);
      for (const { word, tails } of series) putHistogram(put, head, tails, ofSite?.get(word));
    },
    end({ aggregator }) {
      for (const siteId of bySite.keys()) if (aggregator.site(siteId) === undefined) bySite.delete(siteId);
    },
  });
  return (siteId, word, value) => {
    const ofSite = entryOf(bySite, siteId, () => new Map<string, Observed>());
    buckets.observe(
      entryOf(ofSite, word, () => buckets.empty()),
      value,
    );
  };
}
