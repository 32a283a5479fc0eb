/** What the HTTP surface is given. */
import type { Clock, Logger, Random, Sha256 } from '@gatehouse/shared';
import type { Aggregator } from '../app/aggregator.js';
import type { Metrics } from './metrics.js';
import type { NoticeFeed } from './notice-feed.js';
import type { HttpSettings } from './settings.js';

/** The ports of the HTTP surface. */
export interface HttpPorts {
  readonly aggregator: Aggregator;
  /** The time of the records, as the aggregator has it. */
  readonly clock: Clock;
  /** The time of heartbeats and time-outs; the machine's, also when `clock` is scaled. */
  readonly systemClock: Clock;
  readonly random: Random;
  readonly sha256: Sha256;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Closes the broker connection of an edge whose credential was revoked or replaced. */
  readonly disconnectEdge: (edgeId: string) => Promise<void>;
  /** Where edges reach the broker; told to them when they enrol. */
  readonly mqttUrl: (requestHost: string) => string;
  readonly version: string;
}

export interface HttpServices extends HttpPorts {
  readonly settings: HttpSettings;
  readonly feed: NoticeFeed;
}
