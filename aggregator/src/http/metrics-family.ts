/**
 * Families of metrics that have series for each site or each edge, or for each kind of request: so many that an object of the library
 * for each would cost more than all the rest of a scrape. The library defines them, checks their names and can tell them, from
 * the same definition; a scrape writes them itself.
 */
import { Counter, Gauge, Histogram } from 'prom-client';
import type { MetricObjectWithValues, MetricValueWithName, Registry } from 'prom-client';
import { lookAround } from './metrics-source.js';
import type { SeenEdge, SeenSite, Sight, Source } from './metrics-source.js';
import type { FamilyType, Put } from './metrics-text.js';

/** What families have series of. */
interface Seen {
  readonly site: SeenSite;
  readonly edge: SeenEdge;
  /** The program: there is one, also while there is nothing to look at. */
  readonly program: null;
}
export type SeenKind = keyof Seen;

export interface Family<K extends SeenKind> {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly labelNames: readonly string[];
  /** Of a histogram: upper bounds, rising. */
  readonly buckets?: readonly number[];
  /** Puts each series of one of them, once. */
  each(seen: Seen[K], put: Put): void;
  /** Puts what belongs to none of them, when all have been seen, and forgets what is gone. */
  end?(sight: Sight, put: Put): void;
}

export interface Families {
  define<K extends SeenKind>(kind: K, family: Family<K>): void;
  readonly of: { readonly [K in SeenKind]: readonly Family<K>[] };
}

export function createFamilies(registry: Registry, source: Source): Families {
  const of: { readonly [K in SeenKind]: Family<K>[] } = { site: [], edge: [], program: [] };
  return {
    define(kind, family) {
      of[kind].push(family);
      register(registry, family, (put) => {
        putAll(kind, family, source(), put);
      });
    },
    of,
  };
}

/** Every series, in one go. */
function putAll<K extends SeenKind>(kind: K, family: Family<K>, sight: Sight | undefined, put: Put): void {
  if (kind === 'program') family.each(null as Seen[K], put);
  if (sight === undefined) return;
  for (const [seenKind, seen] of lookAround(sight)) if (seenKind === kind) family.each(seen as Seen[K], put);
  family.end?.(sight, put);
}

function register(registry: Registry, family: Omit<Family<SeenKind>, 'each' | 'end'>, all: (put: Put) => void): void {
  const { name, help, type, labelNames } = family;
  const definition = { name, help, labelNames, registers: [registry] };
  if (type === 'histogram') {
    new WrittenHistogram({ ...definition, buckets: [...(family.buckets ?? [])] }, all);
  } else if (type === 'counter') {
    new Counter<string>({
      ...definition,
      collect() {
        this.reset();
        all((head, tail, value) => {
          this.inc({ ...head.labels, ...tail.labels }, value);
        });
      },
    });
  } else {
    new Gauge<string>({
      ...definition,
      collect() {
        this.reset();
        all((head, tail, value) => {
          this.set({ ...head.labels, ...tail.labels }, value);
        });
      },
    });
  }
}

/** The library’s histogram counts what it observes itself; this one tells what was counted elsewhere. */
class WrittenHistogram extends Histogram {
  readonly #all: (put: Put) => void;
  readonly #definition: { readonly name: string; readonly help: string };

  constructor(definition: ConstructorParameters<typeof Histogram<string>>[0], all: (put: Put) => void) {
    super(definition);
    this.#definition = definition;
    this.#all = all;
  }

  override get(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    const { name, help } = this.#definition;
    const values: MetricValueWithName<string>[] = [];
    this.#all((head, tail, value, suffix = '') => {
      values.push({ labels: { ...head.labels, ...tail.labels }, value, metricName: name + suffix });
    });
    // The library’s types name the type by a number; the library, by its word.
    const type = 'histogram' as never;
    return Promise.resolve({ name, help, type, aggregator: 'sum', collect: () => undefined, values });
  }

  /** What the library asks histograms for instead. */
  getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<string>>> {
    return this.get();
  }
}
