/** What may happen in one exploration, and how often. */
export interface Scenario {
  readonly name: string;
  readonly edges: number;
  readonly slots: number;
  /** Events in one outbox. */
  readonly maxEvents: number;
  /** Sets made, over all edges. */
  readonly maxSets: number;
  /** Slots that one acceptance can return. */
  readonly maxReturned: number;
  /** Edges restart, and fail to store. */
  readonly edgeFaults: boolean;
  /** How many outboxes are destroyed. */
  readonly maxLosses: number;
  /** Whether the aggregator's store is replaced by an old copy, and whether somebody tells it. */
  readonly restore: 'never' | 'told' | 'untold';
  /** How often an operator releases the holdings of an edge that is alive. */
  readonly maxReleases: number;
}

const small: Scenario = {
  name: '',
  edges: 1,
  slots: 2,
  maxEvents: 4,
  maxSets: 3,
  maxReturned: 100,
  edgeFaults: true,
  maxLosses: 0,
  restore: 'never',
  maxReleases: 0,
};

/** Among them they hold everything that the protocol must stand. */
export const scenarios = {
  network: { ...small, name: 'one edge that crashes, two slots' },
  longer: { ...small, name: 'one edge that crashes, one slot, a longer story', slots: 1, maxEvents: 6, maxSets: 4 },
  returns: { ...small, name: 'more to return than one event has room for', slots: 3, maxEvents: 3, maxReturned: 1 },
  pair: { ...small, name: 'two edges', edges: 2, maxEvents: 2, edgeFaults: false },
  outbox: { ...small, name: 'an outbox that is destroyed', maxEvents: 3, maxSets: 2, maxLosses: 1 },
  restored: { ...small, name: 'the aggregator restored', slots: 1, maxEvents: 3, maxSets: 4, restore: 'told' },
  'restored-pair': {
    ...small,
    name: 'the aggregator restored, two edges',
    edges: 2,
    slots: 1,
    maxEvents: 3,
    maxSets: 2,
    restore: 'told',
  },
  'lost-twice': {
    ...small,
    name: 'the aggregator restored, an outbox destroyed',
    slots: 1,
    maxEvents: 2,
    maxLosses: 1,
    restore: 'told',
  },
} as const satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;

/** Where the protocol cannot keep the promise, and says so. */
export const exceptions = {
  released: { ...small, name: 'an operator releases the holdings of an edge that is alive', maxReleases: 1 },
  untold: {
    ...small,
    name: 'the aggregator is restored from an old copy and nobody tells it',
    maxEvents: 3,
    restore: 'untold',
  },
} as const satisfies Record<string, Scenario>;

/** Those that are played with the site engine of production, too; one with fewer slots, as it tells them apart. */
export const engineScenarios: readonly Scenario[] = [
  scenarios.longer,
  { ...scenarios.returns, slots: 2 },
  scenarios.pair,
  scenarios.outbox,
  scenarios.restored,
  scenarios['restored-pair'],
  scenarios['lost-twice'],
];
