/**
 * What the aggregator's application asks of its surroundings. Every port has an in-memory version beside the real one, and both
 * pass the same conformance suite (`aggregator/test/conformance/`).
 */
import type { Clock, Logger, Random, roleNames, Sha256 } from '@gatehouse/shared';
import type {
  AllowanceRow,
  ArrivalRow,
  CredentialRow,
  LedgerRow,
  Notice,
  ReviewKind,
  ReviewRow,
  SessionRow,
  SessionState,
  SiteRow,
  SlotRow,
  VehicleRow,
} from '../domain/rows.js';

// ---------------------------------------------------------------- rows that the engine does not know

/** Where ingest stands with one edge. */
export interface CursorRow {
  readonly edgeId: string;
  epoch: string;
  upTo: number;
  hash: string;
  /** The edge's clock minus ours, ms; null until known. */
  clockOffsetMs: number | null;
  lastEventAtMs: number | null;
}

/** An outbox epoch that was replaced: if it comes back, somebody runs a copy. */
export interface RetiredEpochRow {
  readonly edgeId: string;
  readonly epoch: string;
  readonly upTo: number;
  readonly hash: string;
  readonly retiredAtMs: number;
}

export interface EdgeRow {
  readonly edgeId: string;
  readonly siteId: string;
  name: string;
  /** scrypt or SHA-256 of a 256-bit random secret; null until enrolled. */
  secretHash: string | null;
  enrolmentCodeHash: string | null;
  enrolmentExpiresAtMs: number | null;
  readonly registeredAtMs: number;
  enrolledAtMs: number | null;
  revokedAtMs: number | null;
}

/** A stored event. `body` is its JSON with a credential's text replaced by `credentialId`. */
export interface EventRow {
  readonly edgeId: string;
  readonly epoch: string;
  readonly seq: number;
  readonly siteId: string;
  readonly gateId: string | null;
  readonly kind: string;
  readonly hash: string;
  readonly atMs: number;
  readonly receivedAtMs: number;
  readonly credentialId: string | null;
  readonly body: string;
  /** For an event sent again under a new epoch: `epoch:seq:hash` of where it stood first. */
  readonly origin: string | null;
  /** `unknown-kind`, `clock-off`, `resent` …; empty for an ordinary event. */
  readonly flags: string[];
}

/** What was reported and could not be applied. Holds no credential text. */
export interface QuarantineRow {
  readonly quarantineId: string;
  readonly siteId: string | null;
  readonly edgeId: string | null;
  readonly epoch: string | null;
  readonly seq: number | null;
  readonly kind: string | null;
  readonly receivedAtMs: number;
  readonly reason: string;
  /** The event with credential texts replaced, or null when it could not be read at all. */
  readonly body: string | null;
  readonly payloadBytes: number;
  readonly payloadSha256: string;
}

export interface NoticeRow extends Notice {
  /** Rises by one across all sites; the `id` of the event stream. */
  readonly noticeId: number;
}

/** One act of a person or program; each row's hash covers the one before it. */
export interface AuditRow {
  readonly auditId: number;
  readonly atMs: number;
  readonly by: string;
  readonly action: string;
  readonly siteId: string | null;
  readonly target: string | null;
  readonly reason: string | null;
  /** JSON; refers to plates by credential id only. */
  readonly detail: string;
  readonly prevHash: string;
  readonly hash: string;
}

/**
 * Each role may do what the ones before it may. `observer` reads occupancy; `viewer` reads everything with plates masked;
 * `auditor` reads plates, the audit log and the wire, and changes nothing; `operator` acts; `admin` also administers.
 */
export type Role = (typeof roleNames)[number];

export interface KeyRow {
  readonly keyId: string;
  label: string;
  role: Role;
  /** The one site it is good for; null for all. */
  readonly siteId: string | null;
  /** SHA-256 of the 256-bit random key. */
  readonly keyHash: string;
  readonly createdAtMs: number;
  revokedAtMs: number | null;
}

export interface CommandRow {
  readonly commandId: string;
  readonly siteId: string;
  readonly gateId: string;
  readonly edgeId: string;
  readonly kind: string;
  readonly by: string;
  readonly reason: string;
  readonly createdAtMs: number;
  state: 'sent' | 'done' | 'refused' | 'expired' | 'unknown';
  endedAtMs: number | null;
  detail: string | null;
}

/** The answer to a POST, kept to be given again for the same Idempotency-Key. */
export interface IdempotencyRow {
  /** Key id and header value. */
  readonly idempotencyKey: string;
  readonly requestHash: string;
  readonly status: number;
  readonly body: string;
  readonly createdAtMs: number;
}

// ---------------------------------------------------------------- the store

/** Whole rows to insert or replace by primary key, and keys to delete, all in one transaction. */
export interface ChangeSet {
  sites: SiteRow[];
  ledgers: LedgerRow[];
  slots: SlotRow[];
  allowances: AllowanceRow[];
  sessions: SessionRow[];
  arrivals: ArrivalRow[];
  reviews: ReviewRow[];
  credentials: CredentialRow[];
  vehicles: VehicleRow[];
  cursors: CursorRow[];
  retiredEpochs: RetiredEpochRow[];
  edges: EdgeRow[];
  events: EventRow[];
  quarantine: QuarantineRow[];
  notices: NoticeRow[];
  audit: AuditRow[];
  keys: KeyRow[];
  commands: CommandRow[];
  idempotency: IdempotencyRow[];
  removedSlots: { siteId: string; slotId: string }[];
  removedVehicles: string[];
  erasedCredentials: string[];
  removedRetiredEpochs: { edgeId: string; epoch: string }[];
}

/** Everything that is kept in memory, as read at start or after a failed commit. */
export interface StoredState {
  sites: SiteRow[];
  ledgers: LedgerRow[];
  slots: SlotRow[];
  allowances: AllowanceRow[];
  /** State `open` or `uncertain` only. */
  sessions: SessionRow[];
  /** State `open` or `frozen` only. */
  arrivals: ArrivalRow[];
  /** Unresolved only. */
  reviews: ReviewRow[];
  /** Those that open sessions, open arrivals and vehicles refer to. */
  credentials: CredentialRow[];
  vehicles: VehicleRow[];
  cursors: CursorRow[];
  retiredEpochs: RetiredEpochRow[];
  edges: EdgeRow[];
  keys: KeyRow[];
  /** State `sent` only. */
  commands: CommandRow[];
  lastNoticeId: number;
  lastAudit: { auditId: number; hash: string } | null;
}

/** Part of a list: at most `limit` rows after `cursor`, in the order the method names. */
export interface PageRequest {
  readonly limit: number;
  /** Opaque; from the page before. */
  readonly cursor: string | null;
}

export interface Page<T> {
  readonly items: T[];
  /** null when there is no more. */
  readonly nextCursor: string | null;
}

export interface SessionFilter {
  readonly siteId: string;
  readonly states?: readonly SessionState[];
  readonly credentialId?: string;
  readonly vehicleId?: string;
  readonly slotId?: string;
  readonly gateId?: string;
  readonly enteredFromMs?: number;
  readonly enteredBeforeMs?: number;
  readonly exitedFromMs?: number;
  readonly exitedBeforeMs?: number;
}

export interface EventFilter {
  readonly siteId?: string;
  readonly edgeId?: string;
  readonly gateId?: string;
  readonly kind?: string;
  readonly fromMs?: number;
  readonly beforeMs?: number;
}

export interface VehicleFilter {
  /** Start of the plate, tag or ticket. */
  readonly credentialPrefix?: string;
  /** Part of the holder's text, any case. */
  readonly holderContains?: string;
  readonly slotClass?: string;
  readonly blocked?: boolean;
  readonly permitSiteId?: string;
}

export interface ReviewFilter {
  readonly siteId?: string;
  readonly kind?: ReviewKind;
  readonly open?: boolean;
}

export const storeErrorCodes = [
  'newer-database',
  'in-use',
  'unwritable',
  'damaged',
  'full',
  'constraint',
  'io',
  'closed',
] as const;
export type StoreErrorCode = (typeof storeErrorCodes)[number];

/** `constraint` is about the content of a change; every other code is about the store. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A page was asked for with a cursor that no page of this list gave; or its place is gone, and the list must be read from its start. */
export class InvalidCursorError extends Error {
  override readonly name = 'InvalidCursorError';
}

/**
 * Durable memory. Every method may reject with a StoreError. Reads see what was committed; lists, `getSession` and `findEvents`
 * wait for a commit that is under way.
 */
export interface AggregatorStore {
  /** Takes the store for this process, creating or migrating it. Rejects with `newer-database`, `in-use`, `unwritable`, `damaged`. */
  open(): Promise<void>;
  /** Ends running reads and writes and gives the store up. May be called twice. */
  close(): Promise<void>;
  load(): Promise<StoredState>;
  /** Stores all of `changes` durably, or nothing. Calls are made one after the other. */
  commit(changes: ChangeSet): Promise<void>;

  findCredentials(wanted: readonly { kind: string; value: string }[]): Promise<CredentialRow[]>;
  getCredentials(credentialIds: readonly string[]): Promise<CredentialRow[]>;
  /**
   * Whether events sent again under a new epoch are already here, as they stood first or as they were sent again before: the hash
   * they had where they stood first. One place has several where an outbox was copied and each copy went on.
   */
  findEvents(
    edgeId: string,
    wanted: readonly { epoch: string; seq: number }[],
  ): Promise<{ epoch: string; seq: number; hash: string }[]>;

  getSession(siteId: string, sessionId: string): Promise<SessionRow | null>;
  /** Newest entry first. Lists reject with an InvalidCursorError for a cursor that is not theirs. */
  listSessions(filter: SessionFilter, page: PageRequest): Promise<Page<SessionRow>>;
  /** Newest received first. */
  listEvents(filter: EventFilter, page: PageRequest): Promise<Page<EventRow>>;
  /** By credential text. */
  listVehicles(filter: VehicleFilter, page: PageRequest): Promise<Page<VehicleRow>>;
  /** Newest first. */
  listReviews(filter: ReviewFilter, page: PageRequest): Promise<Page<ReviewRow>>;
  listQuarantine(filter: { siteId?: string }, page: PageRequest): Promise<Page<QuarantineRow>>;
  /** Oldest first, so that the chain can be followed. */
  listAudit(filter: { siteId?: string }, page: PageRequest): Promise<Page<AuditRow>>;
  /** Notices after `afterId`, oldest first, at most `limit`. */
  listNotices(afterId: number, limit: number): Promise<NoticeRow[]>;
  getIdempotency(idempotencyKey: string): Promise<IdempotencyRow | null>;

  /**
   * Deletes at most `maxRows` rows of `kind` older than `beforeMs`; answers how many. The newest notice always stays. What was committed
   * a moment ago may be left for the next time, here and below.
   */
  prune(kind: PrunableKind, beforeMs: number, maxRows: number): Promise<number>;
  /** The oldest audit rows as far as all of them are older than `beforeMs`, at most `maxRows`; null when the oldest is not. */
  findOldAudit(beforeMs: number, maxRows: number): Promise<OldAudit | null>;
  /** Deletes at most `maxRows` audit rows up to the number `upTo`, the oldest first; answers how many. The newest always stays. */
  pruneAudit(upTo: number, maxRows: number): Promise<number>;
  /**
   * Looks at the next `maxRows` credentials by id after `afterId`, null for the first, and deletes those that no stored session,
   * arrival, event, review or vehicle refers to and that `mayGo` lets go. `mayGo` is asked before anything is deleted, and what it
   * lets go must not be referred to again by its id.
   */
  pruneCredentials(
    afterId: string | null,
    maxRows: number,
    mayGo: (credentialId: string) => boolean,
  ): Promise<PrunedCredentials>;
}

/** Rows at the start of the audit log. */
export interface OldAudit {
  readonly rows: number;
  /** When the first of them was written. */
  readonly firstAtMs: number;
  /** Number and hash of the last of them. */
  readonly upTo: number;
  readonly hash: string;
}

export interface PrunedCredentials {
  readonly deleted: number;
  /** Where to go on; null when the last one was looked at. */
  readonly lastId: string | null;
}

export type PrunableKind =
  'sessions' | 'events' | 'arrivals' | 'reviews' | 'quarantine' | 'notices' | 'commands' | 'idempotency';

/** How much room there is where the store is kept, in bytes. */
export interface StorageReading {
  /** That this program may still use. */
  readonly volumeFreeBytes: number;
  readonly volumeSizeBytes: number;
  /** The database, and the logs of what is not in it yet. */
  readonly storeBytes: number;
  /** These logs alone. */
  readonly storeLogBytes: number;
  /** In the database, left by what was deleted: written again before it grows. */
  readonly storeFreeBytes: number;
  /** Since when the oldest commit waits that the tables have not taken over, in milliseconds. */
  readonly storeBehindMs: number;
}

// ---------------------------------------------------------------- the link to the edges

/** A message from an edge, as the broker delivered it. `payload` is only valid during the call unless copied. */
export interface IncomingMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
}

/**
 * The way to the edges through a broker. `onMessage` must return at once and never throw; `publish` resolves when the broker has
 * taken the message, which proves nothing about its delivery.
 */
export interface CentreLink {
  start(onMessage: (message: IncomingMessage) => void): Promise<void>;
  publish(topic: string, payload: string, options: { readonly retain: boolean }): Promise<void>;
  /** Writes a message, not retained, to the only one who reads its topic, at once. False when it has to be published. */
  deliver?(topic: string, payload: string): boolean;
  /** Closes the connections of an edge, or of a key, that no longer holds; does nothing if it has none or the broker is not ours. */
  disconnect(edgeOrKeyId: string): Promise<void>;
  stop(): Promise<void>;
  /** For health and metrics. */
  status(): { readonly connected: boolean; readonly clients: number | null };
}

/** What decides who may connect to the embedded broker. Answers at once, from memory. */
export interface Authenticator {
  /** The identity behind a user name and a password, or null. */
  authenticate(username: string, password: string): BrokerIdentity | null;
}

export type BrokerIdentity =
  | { readonly kind: 'edge'; readonly siteId: string; readonly edgeId: string }
  /** May read everything of one site, or of all when siteId is null; publishes nothing. */
  | { readonly kind: 'auditor'; readonly siteId: string | null }
  /** May read the occupancy of one site, or of all. */
  | { readonly kind: 'observer'; readonly siteId: string | null };

// ---------------------------------------------------------------- everything together

export interface AggregatorPorts {
  /** The time of records. */
  readonly clock: Clock;
  /** The time of the protocol: presence, deadlines, retries. Absent: `clock`; they differ only when simulated time is scaled. */
  readonly linkClock?: Clock;
  readonly random: Random;
  readonly sha256: Sha256;
  readonly logger: Logger;
  readonly store: AggregatorStore;
  readonly link: CentreLink;
}
