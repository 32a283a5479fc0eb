/** What all of ingest works with. */
import type { Clock, Logger, Sha256 } from '@gatehouse/shared';
import type { AggregatorObserver } from '../observer.js';
import type { Outbound } from '../outbound.js';
import type { AggregatorSettings } from '../settings.js';
import type { EdgeView } from './edge-view.js';

export interface IngestContext {
  readonly settings: AggregatorSettings;
  readonly sha256: Sha256;
  /** The time of records. */
  readonly clock: Clock;
  /** The time of the protocol. */
  readonly linkClock: Clock;
  readonly logger: Logger;
  readonly observer: AggregatorObserver;
  readonly outbound: Outbound;
  /** The view of a registered edge. */
  view(edgeId: string): EdgeView | undefined;
}

/** A message of a registered edge, and when it came. */
export interface Received {
  readonly edgeId: string;
  readonly siteId: string;
  /** At most one byte more than is taken: enough to see that it was too long. */
  readonly payload: Uint8Array;
  /** Of the message as it came. */
  readonly payloadBytes: number;
  readonly receivedAtMs: number;
  /** On the link's clock. */
  readonly receivedMonoMs: number;
}
