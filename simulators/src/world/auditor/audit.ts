/** What all checks work with: the books, the time, and where findings and exceptions go. */
import { createFindingList } from './promises.js';
import type { FindingList, PromiseName } from './promises.js';
import type { EdgeBook, MachineBook } from './edge-types.js';
import type { PassageCount } from './event-facts.js';
import type { StoreBook } from './store-types.js';
import type { StreetBook } from './street-types.js';

/** Why a promise was not asked to hold; each is counted. */
export type ExceptionName =
  | 'operator-released-it'
  | 'edge-store-restored'
  | 'aggregator-store-restored'
  | 'session-guessed'
  | 'told-in-a-gap'
  | 'desk-forgotten'
  | 'lane-not-healthy'
  | 'loss-undetectable';

export interface AuditBounds {
  /** From standing on the loop, or from the end of the faults, to an answer. */
  readonly answerMs: number;
  /** Who has stood so long when all is over gets no answer any more. */
  readonly quietMs: number;
  /** How long an operator's open command keeps a lane open for one vehicle. */
  readonly operatorOpenMs: number;
  /** How much faster or slower than true time a machine's monotonic clock may run, as a share. */
  readonly clockDrift: number;
  /** Events of one edge remembered after they are stored. */
  readonly rememberedEvents: number;
}

export const auditBounds: AuditBounds = {
  answerMs: 120_000,
  quietMs: 60_000,
  operatorOpenMs: 30_000,
  clockDrift: 0.1,
  rememberedEvents: 10_000,
};

export interface Audit {
  nowMs: number;
  readonly bounds: AuditBounds;
  readonly list: FindingList;
  readonly exceptions: Map<ExceptionName, number>;
  readonly edges: Map<string, EdgeBook>;
  readonly machines: Map<string, MachineBook>;
  readonly store: StoreBook;
  readonly street: StreetBook;
  /** Losses that the aggregator must have noticed in the end. */
  readonly expectedAlarms: { readonly edgeId: string; readonly sinceMs: number }[];
  /** The last set of slots that was sent to each edge. */
  readonly lastAllowances: Map<string, { readonly epoch: string; readonly slots: ReadonlySet<string> }>;
  /** What restored stores had forgotten, by edge: the epoch they knew and the passages by gate. */
  readonly forgotten: {
    readonly edgeId: string;
    readonly epoch: string | null;
    readonly gates: Map<string, PassageCount>;
  }[];
  faultsEndedAtMs: number | null;
  /** When the aggregator was last seen to have nothing left to send. */
  nothingToSendAtMs: number;
  report(promise: PromiseName, detail: string): void;
  except(name: ExceptionName): void;
}

export function createAudit(bounds: AuditBounds, store: StoreBook, street: StreetBook): Audit {
  const list = createFindingList();
  const exceptions = new Map<ExceptionName, number>();
  return {
    nowMs: 0,
    bounds,
    list,
    exceptions,
    edges: new Map(),
    machines: new Map(),
    store,
    street,
    expectedAlarms: [],
    lastAllowances: new Map(),
    forgotten: [],
    faultsEndedAtMs: null,
    nothingToSendAtMs: 0,
    report(promise, detail) {
      list.add(promise, this.nowMs, detail);
    },
    except(name) {
      exceptions.set(name, (exceptions.get(name) ?? 0) + 1);
    },
  };
}
