/** Counters whose series are there from the first scrape on, so that an increase from nothing can be seen. */
import { Counter } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Families } from './metrics-family.js';
import { entryOf } from './metrics-source.js';
import type { SeenSite } from './metrics-source.js';
import { labelHead, labelTail } from './metrics-text.js';
import type { LabelHead, LabelTail, Put } from './metrics-text.js';

/** Values of the labels of a tally besides those of the site or the edge, in the order of their names. */
export type Words = readonly string[];

interface TallyDefinition {
  readonly name: string;
  readonly help: string;
  /** Besides those of the site or the edge. */
  readonly labelNames: readonly string[];
}

export interface SiteTallyDefinition extends TallyDefinition {
  /** The series that there are of each site, counted or not; a function where they go by the site. */
  readonly series: readonly Words[] | ((site: SeenSite) => readonly Words[]);
  /** Whether a series that was counted and is none of these stays; by default it goes with what it was about. */
  stays?(site: SeenSite, words: Words): boolean;
  /** What is counted under this name is of no site that is known: told once there is any. */
  readonly stray?: string;
}

/** Answers how to count. */
export function defineSiteTally(
  families: Families,
  definition: SiteTallyDefinition,
): (siteId: string, words: Words, by?: number) => void {
  const { name, help, labelNames, series, stray } = definition;
  const tally = createTally(labelNames);
  const fixed = typeof series === 'function' ? null : tally.seriesOf(series);
  families.define('site', {
    name,
    help,
    type: 'counter',
    labelNames: ['site', ...labelNames],
    each(site, put) {
      const present = fixed ?? tally.seriesOf(typeof series === 'function' ? series(site) : []);
      tally.put(site.siteId, site.head, present, put, (words) => definition.stays?.(site, words) ?? false);
    },
    end({ aggregator }, put) {
      tally.keepOnly((siteId) => siteId === stray || aggregator.site(siteId) !== undefined);
      if (stray !== undefined) tally.put(stray, labelHead({ site: stray }), new Map(), put, () => true);
    },
  });
  return tally.count;
}

export interface EdgeTallyDefinition extends TallyDefinition {
  /** The series of each edge. */
  readonly series: readonly Words[];
}

/** Answers how to count. Series go with their edge, and when it is revoked. */
export function defineEdgeTally(
  families: Families,
  { name, help, labelNames, series }: EdgeTallyDefinition,
): (siteId: string, edgeId: string, words: Words, by?: number) => void {
  const tally = createTally(labelNames);
  const fixed = tally.seriesOf(series);
  // Neither id has the character between them.
  const groupOf = (siteId: string, edgeId: string): string => `${siteId}/${edgeId}`;
  families.define('edge', {
    name,
    help,
    type: 'counter',
    labelNames: ['site', 'edge', ...labelNames],
    each({ siteId, edgeId, head, isRevoked }, put) {
      if (!isRevoked) tally.put(groupOf(siteId, edgeId), head, fixed, put, () => false);
    },
    end({ aggregator }) {
      tally.keepOnly((group) => {
        const [siteId, edgeId = ''] = group.split('/');
        const edge = aggregator.directory.edge(edgeId);
        return edge?.siteId === siteId && edge?.revokedAtMs === null;
      });
    },
  });
  return (siteId, edgeId, words, by) => {
    tally.count(groupOf(siteId, edgeId), words, by);
  };
}

/** A counter by one fixed word and by nothing else: few enough for the library to keep. Answers how to count. */
export function defineReasons<W extends string>(
  registry: Registry,
  {
    name,
    help,
    label,
    words,
  }: Pick<TallyDefinition, 'name' | 'help'> & { readonly label: string; readonly words: readonly W[] },
): (word: W) => void {
  const counter = new Counter<string>({ name, help, labelNames: [label], registers: [registry] });
  for (const word of words) counter.inc({ [label]: word }, 0);
  return (word) => {
    counter.inc({ [label]: word });
  };
}

/** By key. */
type Series = ReadonlyMap<string, LabelTail>;

interface Tally {
  /** Of a site or an edge. */
  readonly count: (group: string, words: Words, by?: number) => void;
  seriesOf(all: readonly Words[]): Series;
  /** Those of `series` and those counted besides, of which what does not stay is forgotten. */
  put(group: string, head: LabelHead, series: Series, put: Put, stays: (words: Words) => boolean): void;
  keepOnly(isThere: (group: string) => boolean): void;
}

function createTally(labelNames: readonly string[]): Tally {
  const groups = new Map<string, Map<string, { readonly words: Words; value: number }>>();
  // No word holds the character between them: they are ids and fixed words.
  const keyOf = (words: Words): string => (words.length === 1 ? (words[0] ?? '') : words.join('\n'));
  const tailOf = (words: Words): LabelTail =>
    labelTail(Object.fromEntries(labelNames.map((name, index) => [name, words[index] ?? ''])));
  return {
    count(group, words, by = 1) {
      const counted = entryOf(groups, group, () => new Map<string, { readonly words: Words; value: number }>());
      entryOf(counted, keyOf(words), () => ({ words, value: 0 })).value += by;
    },
    seriesOf: (all) => new Map(all.map((words) => [keyOf(words), tailOf(words)])),
    put(group, head, series, put, stays) {
      const counted = groups.get(group);
      for (const [key, tail] of series) put(head, tail, counted?.get(key)?.value ?? 0);
      for (const [key, { words, value }] of counted ?? []) {
        if (series.has(key)) continue;
        if (stays(words)) put(head, tailOf(words), value);
        else counted?.delete(key);
      }
    },
    keepOnly(isThere) {
      for (const group of groups.keys()) if (!isThere(group)) groups.delete(group);
    },
  };
}
