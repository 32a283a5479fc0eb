/** The machine of the aggregator: its disk, its clocks, and the aggregator that runs on it now. */
import { aggregatorSettingsSchema, createAggregator } from '@gatehouse/aggregator';
import type { Aggregator, AggregatorSettings } from '@gatehouse/aggregator';
import type { Logger } from '@gatehouse/shared';
import { sha256 } from '@gatehouse/shared/node';
import { createSeededRandom } from '../../random.js';
import { centreMachine, createWorldCentreLink } from '../network/centre-link.js';
import type { Network } from '../network/network.js';
import type { DiskPorts } from '../storage/outbox-disk.js';
import { openStore } from '../storage/store-disk.js';
import type { StoreDisk } from '../storage/store-disk.js';
import type { MachineTime } from './life.js';
import { createService } from './service.js';
import type { Service } from './service.js';
import { watchedPublish } from './step-watch.js';

export interface AggregatorMachineOptions extends DiskPorts {
  readonly seed: number;
  readonly disk: StoreDisk;
  readonly time: MachineTime;
  readonly network: Network;
  /** The broker is part of the aggregator's process. */
  readonly embeddedBroker: boolean;
  /** How often edges report. */
  readonly stateIntervalMs: number;
  readonly logger: Logger;
  readonly onStarted: (aggregator: Aggregator) => void;
  readonly onEnded: () => void;
}

export interface AggregatorMachine {
  readonly disk: StoreDisk;
  readonly time: MachineTime;
  readonly service: Service;
  readonly settings: AggregatorSettings;
  /** The one that has started and lives. */
  readonly living: Aggregator | undefined;
}

const hourMs = 3_600_000;

/** As in production, but for what would cost much and find nothing: nothing is old enough to be deleted within a run, no log is read. */
function worldSettings(stateIntervalMs: number): AggregatorSettings {
  return aggregatorSettingsSchema.parse({
    retention: { intervalMs: 12 * hourMs },
    edges: { stateIntervalMs, logLines: 0 },
    occupancyIntervalMs: 5_000,
  });
}

export function createAggregatorMachine(options: AggregatorMachineOptions): AggregatorMachine {
  const { network, embeddedBroker, disk, time } = options;
  const settings = worldSettings(options.stateIntervalMs);
  let assembled: Aggregator | undefined;
  let living: Aggregator | undefined;
  const service = createService({
    machine: centreMachine,
    timeline: options.timeline,
    time,
    tell: options.tell,
    assemble(life, watch, lifeNumber) {
      const random = createSeededRandom(options.seed, centreMachine, lifeNumber);
      const link = createWorldCentreLink({
        network,
        life,
        random,
        embedded: embeddedBroker,
        deathIsSeen: () => options.random.next() < 0.7,
      });
      const aggregator = createAggregator(
        {
          clock: life.clock,
          random,
          sha256,
          logger: options.logger,
          store: openStore(disk, life, watch, options),
          link: { ...link, publish: watchedPublish(watch, (...message) => link.publish(...message)) },
        },
        settings,
      );
      assembled = aggregator;
      if (embeddedBroker) network.setBroker(true, false);
      return aggregator;
    },
    onStarted() {
      living = assembled;
      if (living !== undefined) options.onStarted(living);
    },
    onEnded() {
      living = undefined;
      assembled = undefined;
      if (embeddedBroker) network.setBroker(false, false);
      options.onEnded();
    },
  });
  return {
    disk,
    time,
    service,
    settings,
    get living() {
      return living;
    },
  };
}
