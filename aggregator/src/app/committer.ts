/**
 * The one way anything changes: work runs one piece after the other against the state in memory, the rows it touched are
 * committed together with those of other work that waited (group commit), and only then does anybody hear of it.
 */
import type { Credential } from '@gatehouse/shared';
import type { SiteFact, SiteState } from '../domain/engine.js';
import type { KnownCredential, SiteInput } from '../domain/inputs.js';
import type { Notice } from '../domain/rows.js';
import type { ChangeSet } from './ports.js';
import type { Directory } from './directory.js';

/** An audit entry before it is numbered and chained. */
export interface AuditEntry {
  readonly by: string;
  readonly action: string;
  readonly siteId: string | null;
  readonly target: string | null;
  readonly reason: string | null;
  /** Never a plate. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Tables that work may write besides what the engine changes. */
export type PlainTable = Exclude<
  keyof ChangeSet,
  | 'sites'
  | 'ledgers'
  | 'slots'
  | 'allowances'
  | 'removedSlots'
  | 'sessions'
  | 'arrivals'
  | 'reviews'
  | 'audit'
  | 'notices'
>;

/** What a piece of work can do. It is synchronous, and valid only while the work runs. */
export interface Turn {
  readonly nowMs: number;
  readonly newId: () => string;
  /** @throws Refusal `site-unknown` */
  site(siteId: string): SiteState;
  /**
   * Runs the engine: decide, then evolve. The rows it touches are committed, its notices stored and published, its decisions sent.
   * @throws Refusal when the input is an operator's and cannot be granted; nothing has changed then.
   */
  apply(siteId: string, input: SiteInput): readonly SiteFact[];
  /** Edges, keys, vehicles and credentials in memory, as of this turn. */
  readonly directory: Directory;
  /** The id of a plate, tag or ticket; recorded with a new id if it was never seen. Its text must be among the work's needs. */
  credential(credential: Pick<Credential, 'kind' | 'value'>): KnownCredential;
  /** Inserts or replaces a row, in memory where the directory keeps it, and in this commit. */
  put<T extends PlainTable>(table: T, row: ChangeSet[T][number]): void;
  audit(entry: AuditEntry): void;
  /** Stores a notice and tells it to followers, beside those that `apply` makes. */
  notice(notice: Notice): void;
  /** Called after the commit succeeded, in order; must not throw. */
  afterCommit(action: () => void): void;
}

/** What has to be read from the store before work can run, as work itself cannot wait. */
export interface WorkNeeds {
  /** Credentials that the work looks up by text or by id. */
  readonly credentials?: readonly Pick<Credential, 'kind' | 'value'>[];
  readonly credentialIds?: readonly string[];
}

export interface Committer {
  /**
   * Queues `work` for the next turn; resolves with its result once it is durable. Work must check everything before it changes
   * anything: if it throws after a change, the state is reloaded from the store.
   * Rejects with the Refusal that work threw, with a StoreError when the commit failed (nothing is stored then), or with an
   * OverloadError when more than the bound is waiting.
   */
  execute<T>(work: (turn: Turn) => T, needs?: WorkNeeds): Promise<T>;
}

/** Too much is waiting to be committed; come back later. */
export class OverloadError extends Error {
  override readonly name = 'OverloadError';
}
